"""The pool, and the working directories beside it."""

import hashlib
import threading
from pathlib import Path

import pytest

from repos import pool
from repos.pool import Workspace

DATA = b"some bytes"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A finished file of ours."""
    (file := tmp_path / "file").write_bytes(DATA)
    return file


def test_it_works(file: Path) -> None:
    assert not pool.has(DIGEST, len(DATA))
    assert pool.put(file) == (DIGEST, len(DATA))
    assert pool.has(DIGEST, len(DATA))
    assert pool.path(DIGEST).read_bytes() == DATA


def test_a_file_lies_below_the_data_folder_by_its_digest(data: Path) -> None:
    assert pool.path(DIGEST) == data / "pool" / DIGEST[:2] / DIGEST


def test_a_kept_file_is_moved_and_not_copied(file: Path) -> None:
    number = file.stat().st_ino
    pool.keep(file, DIGEST)
    assert not file.exists()
    assert pool.path(DIGEST).stat().st_ino == number


def test_a_damaged_file_is_replaced(file: Path, tmp_path: Path) -> None:
    pool.keep(file, DIGEST)
    pool.path(DIGEST).write_bytes(b"rotten")
    (again := tmp_path / "again").write_bytes(DATA)
    pool.keep(again, DIGEST)
    assert pool.path(DIGEST).read_bytes() == DATA


def test_who_reads_a_replaced_file_goes_on_reading_the_old_bytes(file: Path, tmp_path: Path) -> None:
    pool.keep(file, DIGEST)
    (again := tmp_path / "again").write_bytes(DATA)
    with pool.path(DIGEST).open("rb") as reader:
        pool.keep(again, DIGEST)
        assert reader.read() == DATA


def test_a_file_of_another_size_does_not_count(file: Path) -> None:
    pool.keep(file, DIGEST)
    assert not pool.has(DIGEST, len(DATA) - 1)
    assert not pool.has(DIGEST, len(DATA) + 1)


def test_an_empty_file_can_be_kept(tmp_path: Path) -> None:
    (file := tmp_path / "empty").touch()
    assert pool.put(file) == (hashlib.sha256().hexdigest(), 0)
    assert pool.has(hashlib.sha256().hexdigest(), 0)


def test_a_folder_is_made_when_it_is_first_needed(file: Path, data: Path) -> None:
    assert not (data / "pool").exists()
    pool.keep(file, DIGEST)
    assert [folder.name for folder in (data / "pool").iterdir()] == [DIGEST[:2]]


def test_a_file_that_is_not_there_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pool.keep(tmp_path / "gone", DIGEST)


def test_many_may_keep_the_same_bytes_at_once(file: Path, tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    for number in range(8):
        (tmp_path / f"{number}").write_bytes(DATA)

    def keep(number: int) -> None:
        barrier.wait()
        pool.keep(tmp_path / f"{number}", DIGEST)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found.name for found in pool.path(DIGEST).parent.iterdir()] == [DIGEST]
    assert pool.path(DIGEST).read_bytes() == DATA


def test_a_workspace_is_an_empty_folder_below_the_data_folder(data: Path) -> None:
    with Workspace("job-1") as folder:
        assert folder == data / "work" / "job-1"
        assert list(folder.iterdir()) == []


def test_a_workspace_is_gone_afterwards() -> None:
    with Workspace("job-1") as folder:
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "file").write_bytes(DATA)
    assert not folder.exists()


def test_a_workspace_is_gone_after_an_error_too() -> None:
    with pytest.raises(OSError, match="no luck"), Workspace("job-1") as folder:
        raise OSError("no luck")
    assert not folder.exists()


def test_what_a_dead_job_left_in_a_workspace_is_removed(data: Path) -> None:
    (left := data / "work" / "job-1" / "left").mkdir(parents=True)
    with Workspace("job-1") as folder:
        assert folder == left.parent
        assert not left.exists()


def test_another_workspace_is_left_alone() -> None:
    with Workspace("job-1") as one:
        with Workspace("job-11"):
            pass
        assert one.exists()


def test_removing_a_workspace_that_is_not_there_is_no_error() -> None:
    Workspace("job-1").remove()
    assert not Workspace("job-1").path.exists()
