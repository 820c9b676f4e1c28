"""The second verb."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from repos import pool
from repos.errors.refusals import Refused
from repos.models import Artifact, Damage, Publication, PublishSettings, Repository
from repos.progress import Progress
from repos.publish import publish
from tests.running import metadata, run, served
from tests.upstream import Upstream


@pytest.fixture
def synced(repository: Repository, upstream: Upstream) -> Repository:
    upstream.write("b/two, three.txt", b"2")
    upstream.write("a.txt", b"1")
    run(repository, publish=False, distribute=False)
    return repository


def published(repository: Repository, folder: Path) -> Publication | None:
    repository.refresh_from_db()
    return publish(repository.latest_version(), repository.publish_settings, folder, progress=Progress())


def bodies(publication: Publication) -> dict[str, bytes]:
    return {one.path: pool.path(one.artifact.sha256).read_bytes() for one in publication.metadata.all()}


def test_it_works(synced: Repository, upstream: Upstream, tmp_path: Path) -> None:
    publication = published(synced, tmp_path)
    assert publication is not None
    assert publication.version == synced.latest_version()
    assert publication.settings == synced.publish_settings
    assert bodies(publication) == {"PULP_MANIFEST": upstream.manifest}


def test_the_same_pair_is_published_once(synced: Repository, tmp_path: Path) -> None:
    published(synced, tmp_path)
    assert published(synced, tmp_path) is None
    assert Publication.objects.count() == 1


def test_other_settings_make_another_publication(synced: Repository, tmp_path: Path) -> None:
    published(synced, tmp_path)
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="LIST"))
    publication = published(synced, tmp_path)
    assert publication is not None
    assert list(bodies(publication)) == ["LIST"]
    assert Publication.objects.count() == 2


def reading(publishing: Callable[[], object]) -> int:
    """How often the files of the version are read for it."""
    with CaptureQueriesContext(connection) as queries:
        publishing()
    return sum("ORDER BY 1 ASC LIMIT" in query["sql"] for query in queries)


def test_the_version_is_read_once_however_many_lists_there_are(synced: Repository, tmp_path: Path) -> None:
    one = reading(lambda: published(synced, tmp_path))
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="A", checksums="B"))
    Publication.objects.all().delete()
    assert reading(lambda: published(synced, tmp_path)) == one == 2


def test_a_list_that_is_published_already_is_not_written_again(synced: Repository, tmp_path: Path) -> None:
    first = published(synced, tmp_path)
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="LIST"))
    assert reading(lambda: published(synced, tmp_path)) == 0
    second = Publication.objects.latest("pk")
    assert first is not None
    assert bodies(second)["LIST"] == bodies(first)["PULP_MANIFEST"]


def test_only_the_list_that_is_new_is_written(synced: Repository, tmp_path: Path) -> None:
    first = published(synced, tmp_path)
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(checksums="SHA256SUMS"))
    second = published(synced, tmp_path)
    assert first and second
    assert bodies(second)["PULP_MANIFEST"] == bodies(first)["PULP_MANIFEST"]
    assert bodies(second)["SHA256SUMS"].endswith(b"  b/two, three.txt\n")


def test_a_list_that_would_name_other_files_is_written(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.write("SHA256SUMS", b"the upstream's own")
    upstream.write("a.txt", b"1")
    run(repository, publish=False, distribute=False)
    first = published(repository, tmp_path)
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(checksums="SHA256SUMS"))
    second = published(repository, tmp_path)
    assert first and second
    assert bodies(first)["PULP_MANIFEST"].count(b"\n") == 2
    assert bodies(second)["PULP_MANIFEST"].count(b"\n") == 1


@pytest.mark.parametrize("lost", [True, False])
def test_a_list_whose_bytes_are_not_whole_is_written_again(synced: Repository, tmp_path: Path, lost: bool) -> None:
    first = published(synced, tmp_path)
    assert first is not None
    artifact = first.metadata.get().artifact
    before = bodies(first)["PULP_MANIFEST"]
    if lost:
        pool.path(artifact.sha256).unlink()
    else:
        Damage.objects.create(artifact=artifact, cause="digest", why="it is wrong")
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="LIST"))
    second = published(synced, tmp_path)
    assert second is not None
    assert bodies(second)["LIST"] == before
    assert not Damage.objects.exists()


def test_a_list_that_a_clean_up_has_marked_is_spared(synced: Repository, tmp_path: Path) -> None:
    published(synced, tmp_path)
    Artifact.objects.update(doomed=True)
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="LIST"))
    second = published(synced, tmp_path)
    assert second is not None
    assert not second.metadata.get().artifact.doomed


def many(upstream: Upstream, files: int, changed: int = 0) -> None:
    for number in range(files):
        upstream.write(f"{number // 10}/{number}.txt", b"new" if number < changed else b"old")


@pytest.fixture
def changed_a_little(repository: Repository, upstream: Upstream) -> Repository:
    """Was published once; then one of its fifty files changed, one went, and one came."""
    settings = PublishSettings.objects.matching(checksums="SHA256SUMS")
    Repository.objects.update(publish_settings=settings, mirror=True)
    repository.refresh_from_db()
    many(upstream, 50)
    run(repository)
    many(upstream, 50, 1)
    upstream.remove("4/49.txt")
    run(repository, publish=False, distribute=False)
    upstream.write("9/new.txt", b"new")
    run(repository, publish=False, distribute=False)
    return repository


def test_a_list_is_made_from_that_before_where_little_has_changed(
    changed_a_little: Repository, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repos.publish.SPARSE", 10)
    assert reading(lambda: published(changed_a_little, tmp_path)) == 0
    lists = bodies(Publication.objects.latest("pk"))
    assert lists["PULP_MANIFEST"] == upstream.manifest
    assert lists["SHA256SUMS"] == b"".join(
        b"%b  %b\n" % (line.split(b",")[1], line.split(b",")[0]) for line in upstream.manifest.splitlines()
    )


@pytest.mark.parametrize("damage", [b"", b"no line", None])
def test_a_list_is_made_anew_where_that_before_is_not_whole(
    changed_a_little: Repository,
    upstream: Upstream,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: bytes | None,
) -> None:
    monkeypatch.setattr("repos.publish.SPARSE", 10)
    before = pool.path(Publication.objects.get().metadata.get(path="PULP_MANIFEST").artifact.sha256)
    if damage is None:
        before.write_bytes(before.read_bytes().replace(b",3\n", b",4\n"))
    else:
        before.write_bytes(damage)
    publication = published(changed_a_little, tmp_path)
    assert publication is not None
    assert bodies(publication)["PULP_MANIFEST"] == upstream.manifest


def test_a_list_is_made_anew_where_much_has_changed(
    changed_a_little: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    assert reading(lambda: published(changed_a_little, tmp_path)) == 2
    assert bodies(Publication.objects.latest("pk"))["PULP_MANIFEST"] == upstream.manifest


def test_a_manifest_is_not_needed(synced: Repository, tmp_path: Path) -> None:
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest=""))
    publication = published(synced, tmp_path)
    assert publication is not None
    assert bodies(publication) == {}


def test_sha256sum_accepts_the_checksum_file(synced: Repository, tmp_path: Path) -> None:
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(checksums="SHA256SUMS"))
    run(synced, sync=False)
    for path, body in {**(served("files") or {}), **metadata("files")}.items():
        (file := tmp_path / "out" / path).parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    result = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True)
    assert result.returncode == 0, result.stderr


def test_the_metadata_is_stored_as_an_artifact(synced: Repository, upstream: Upstream, tmp_path: Path) -> None:
    published(synced, tmp_path)
    body = upstream.manifest
    assert Artifact.objects.get(sha256=hashlib.sha256(body).hexdigest()).size == len(body)


def test_a_list_of_the_upstreams_own_is_covered_and_not_listed(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.write("SHA256SUMS", b"the upstream's own")
    upstream.write("a.txt", b"1")
    run(repository, publish=False, distribute=False)
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(checksums="SHA256SUMS"))
    publication = published(repository, tmp_path)
    assert publication is not None
    assert {name: body.count(b"\n") for name, body in bodies(publication).items()} == {
        "PULP_MANIFEST": 1,
        "SHA256SUMS": 1,
    }


@pytest.mark.django_db
def test_settings_are_found_by_value() -> None:
    one = PublishSettings.objects.matching(checksums="SHA256SUMS")
    assert PublishSettings.objects.matching(manifest="PULP_MANIFEST", checksums="SHA256SUMS") == one
    assert PublishSettings.objects.matching() != one
    assert PublishSettings.objects.count() == 2


def test_a_file_that_is_no_list_is_never_covered_up(synced: Repository, tmp_path: Path) -> None:
    settings = PublishSettings.objects.matching(checksums="a.txt")
    with pytest.raises(Refused, match="is a file of version 1"):
        publish(synced.latest_version(), settings, tmp_path, progress=Progress())
    assert not Publication.objects.exists()
