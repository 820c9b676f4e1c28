import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from dashboard.part import MOST, Damaged, Part, read
from repos import pool
from repos.lookup import File

DATA = bytes(range(256)) * 4096


@pytest.fixture
def file() -> File:
    kept = pool.path(hashlib.sha256(DATA).hexdigest())
    kept.parent.mkdir(parents=True)
    kept.write_bytes(DATA)
    return File(kept.name, len(DATA), timezone.now())


def test_it_works(file: File) -> None:
    assert read(file, range(10, 20)) == DATA[10:20]
    with Part(file, range(10, 20)) as part:
        assert (part.read(), part.read()) == (DATA[10:20], b"")


def test_part_is_read_in_pieces(file: File) -> None:
    with Part(file, range(5, len(DATA) - 5)) as part:
        pieces = list(iter(lambda: part.read(1 << 30), b""))
    assert b"".join(pieces) == DATA[5:-5]
    assert max(map(len, pieces)) == MOST


def test_part_ends_wherever_it_is_looked_at(file: File) -> None:
    """Waitress looks for the end of the file, and goes back after what was not sent."""
    with Part(file, range(10, 20)) as part:
        part.seek(0, 2)
        assert part.read() == b""
        part.seek(18)
        assert part.read(1000) == DATA[18:20]


@pytest.mark.parametrize("damage", [Path.unlink, lambda kept: kept.write_bytes(DATA + b"1")])
def test_damaged_file_is_refused(file: File, damage: Callable[[Path], object]) -> None:
    damage(pool.path(file.sha256))
    with pytest.raises(Damaged):
        read(file, range(10))
    with pytest.raises(Damaged):
        Part(file, range(10))


@pytest.mark.parametrize("place", [Path.mkdir, os.mkfifo, lambda kept: kept.symlink_to(__file__)])
def test_what_is_no_file_of_ours_is_refused(file: File, place: Callable[[Path], object]) -> None:
    pool.path(file.sha256).unlink()
    place(pool.path(file.sha256))
    for size in (file.size, 0, Path(__file__).stat().st_size):
        wrong = file._replace(size=size)
        with pytest.raises(Damaged):
            read(wrong, range(10))
        with pytest.raises(Damaged):
            Part(wrong, range(10))
