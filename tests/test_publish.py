"""The second verb."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from repos import pool
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


def test_a_file_that_metadata_covers_is_not_listed(synced: Repository, upstream: Upstream, tmp_path: Path) -> None:
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="a.txt"))
    publication = published(synced, tmp_path)
    assert publication is not None
    assert bodies(publication)["a.txt"].count(b"\n") == 1


@pytest.mark.django_db
def test_settings_are_found_by_value() -> None:
    one = PublishSettings.objects.matching(checksums="SHA256SUMS")
    assert PublishSettings.objects.matching(manifest="PULP_MANIFEST", checksums="SHA256SUMS") == one
    assert PublishSettings.objects.matching() != one
    assert PublishSettings.objects.count() == 2
