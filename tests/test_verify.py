"""Whether the pool's bytes are still what their rows say."""

import pytest

from repos import pool
from repos.errors.storage import OutOfTime
from repos.models import RepositoryVersion
from repos.verify import Findings, verify, verify_version
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> RepositoryVersion:
    return factories.version(factories.repository(), {"a": b"1", "b": b"22", "c": b"333"})


def damage(data: bytes, replacement: bytes | None) -> None:
    """Puts other bytes in the place of `data` in the pool, or (None) takes them away."""
    file = pool.path(factories.artifact(data).sha256)
    file.unlink() if replacement is None else file.write_bytes(replacement)


def test_it_works(version: RepositoryVersion) -> None:
    assert verify(factories.artifact(b"1")) is None
    assert verify_version(version) == Findings(files=3, size=6, left=0, faults=[])


@pytest.mark.parametrize(
    ("replacement", "cause", "why"),
    [
        (None, "missing", "it is not in the pool"),
        (b"", "size", "it is 0 bytes long and should be 2"),
        (b"2", "size", "it is 1 bytes long and should be 2"),
        (b"222", "size", "it is 3 bytes long and should be 2"),
        (b"23", "digest", "its sha256 is 535fa30d7e25dd8a49f1536779734ec8286108d115da5045d77f3b4185d8f790"),
    ],
)
def test_a_fault_says_what_is_wrong(
    version: RepositoryVersion, replacement: bytes | None, cause: str, why: str
) -> None:
    artifact = factories.artifact(b"22")
    damage(b"22", replacement)
    fault = verify(artifact)
    assert fault and (fault.cause, fault.why) == (cause, why)


def test_a_folder_in_the_place_of_bytes_is_unreadable(version: RepositoryVersion) -> None:
    artifact = factories.artifact(b"22")
    damage(b"22", None)
    pool.path(artifact.sha256).mkdir()
    fault = verify(artifact)
    assert fault and (fault.cause, fault.why) == ("unreadable", "it cannot be read: Is a directory")


def test_all_faults_of_a_version_are_found_with_their_paths(version: RepositoryVersion) -> None:
    damage(b"1", None)
    damage(b"333", b"334")
    found = verify_version(version)
    assert [(path, fault.cause) for path, fault in found.faults] == [("a", "missing"), ("c", "digest")]
    assert (found.files, found.left) == (3, 0)


def test_files_of_other_versions_are_left_alone(version: RepositoryVersion) -> None:
    factories.version(version.repository, {"d": b"4444"})
    damage(b"4444", None)
    assert verify_version(version).faults == []


def test_what_goes_beyond_the_bytes_is_passed_over_and_counted(version: RepositoryVersion) -> None:
    factories.version(version.repository, {"b": b"a long one", "d": b"4"})
    found = verify_version(version.repository.latest_version(), limit_bytes=5)
    assert found == Findings(files=3, size=5, left=1)


def test_the_time_is_an_end_to_everything(version: RepositoryVersion) -> None:
    assert verify_version(version, limit_seconds=0) == Findings(left=3)
    with pytest.raises(OutOfTime, match="takes too long"):
        verify(factories.artifact(b"1"), seconds=-1)


def test_no_limit_is_no_limit(version: RepositoryVersion) -> None:
    assert verify_version(version, limit_bytes=None, limit_seconds=None).left == 0


def test_it_only_reads(version: RepositoryVersion) -> None:
    file = pool.path(factories.artifact(b"1").sha256)
    file.chmod(0o400)
    before = file.stat().st_mtime_ns
    verify_version(version)
    assert file.stat().st_mtime_ns == before
    assert list(file.parent.iterdir()) == [file]
