"""The pool, and the working directories beside it."""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from repos import pool
from repos.errors.stops import Canceled
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


def test_bytes_that_no_row_names_are_read_before_they_are_believed(file: Path) -> None:
    pool.keep(file, DIGEST)
    assert pool.adopt(DIGEST, len(DATA))
    pool.path(DIGEST).write_bytes(b"\0" * len(DATA))
    assert pool.has(DIGEST, len(DATA)), "by the size alone they would pass"
    assert not pool.adopt(DIGEST, len(DATA))


@pytest.mark.parametrize("size", [0, len(DATA) - 1, len(DATA) + 1])
def test_bytes_of_another_size_are_not_adopted(file: Path, size: int) -> None:
    pool.keep(file, DIGEST)
    assert not pool.adopt(DIGEST, size)


def test_what_is_not_there_cannot_be_adopted() -> None:
    assert not pool.adopt(DIGEST, len(DATA))


def test_a_folder_in_the_place_of_bytes_is_not_adopted_and_leaves_no_handle_open() -> None:
    pool.path(DIGEST).mkdir(parents=True)
    before = len(list(Path("/dev/fd").iterdir()))
    assert not pool.adopt(DIGEST, pool.path(DIGEST).stat().st_size)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_what_is_adopted_is_young_before_it_is_read(file: Path) -> None:
    pool.keep(file, DIGEST)
    os.utime(pool.path(DIGEST), (0, 0))
    ages = []
    assert pool.adopt(DIGEST, len(DATA), lambda: ages.append(time.time() - pool.path(DIGEST).stat().st_mtime))
    assert max(ages) < 60


def test_what_is_kept_is_young_however_long_ago_it_came(file: Path) -> None:
    os.utime(file, (0, 0))
    pool.keep(file, DIGEST)
    assert time.time() - pool.path(DIGEST).stat().st_mtime < 60


def test_who_has_to_stop_does_not_read_to_the_end(file: Path) -> None:
    def check() -> None:
        raise Canceled

    pool.keep(file, DIGEST)
    with pytest.raises(Canceled):
        pool.adopt(DIGEST, len(DATA), check)


@pytest.mark.parametrize("to_what", ["right", "other", "nothing"])
def test_a_link_in_the_place_of_bytes_is_never_followed(file: Path, tmp_path: Path, to_what: str) -> None:
    (tmp_path / "right").write_bytes(DATA)
    (tmp_path / "other").write_bytes(b"secret!!!!")
    link = pool.path(DIGEST)
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / to_what)
    assert not pool.has(DIGEST, len(DATA))
    assert not pool.adopt(DIGEST, len(DATA))
    with pytest.raises(OSError, match="symbolic links"):
        pool.opened(DIGEST)
    pool.keep(file, DIGEST)
    assert pool.has(DIGEST, len(DATA))
    assert not link.is_symlink(), "right bytes take its place"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_does_not_count_and_holds_nobody_up(make: Callable[[Path], object]) -> None:
    place = pool.path(hashlib.sha256().hexdigest())
    place.parent.mkdir(parents=True)
    make(place)
    assert not pool.has(place.name, 0)
    assert not pool.adopt(place.name, 0)


def test_kept_bytes_can_be_settled(file: Path, real_disk: None) -> None:
    pool.keep(file, DIGEST)
    pool.settle([DIGEST])
    assert pool.has(DIGEST, len(DATA))


def test_discarded_bytes_are_gone(file: Path) -> None:
    pool.keep(file, DIGEST)
    pool.discard([DIGEST, "0" * 64])
    assert not pool.path(DIGEST).exists()


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
