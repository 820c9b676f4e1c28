"""The second verb."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from repos import pool
from repos.errors import Refused
from repos.models import Artifact, Publication, PublishSettings, Repository
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
