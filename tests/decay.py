"""Real damage: what disks and people do to the bytes of the pool."""

import hashlib
import os
import time
from pathlib import Path

from repos import pool
from repos.models import Artifact


def place(data: bytes) -> Path:
    """Where these bytes lie in the pool."""
    return pool.path(hashlib.sha256(data).hexdigest())


def flip(data: bytes) -> None:
    """One bit of them is another; length and times are as they were."""
    file = place(data)
    found = file.stat()
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


def truncate(data: bytes) -> None:
    os.truncate(place(data), len(data) - 1)


def delete(data: bytes) -> None:
    place(data).unlink()


def stray(data: bytes, *, days_ago: float = 3) -> Path:
    """Bytes that no row names, and that lie there for so long."""
    file = place(data)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    then = time.time() - days_ago * 86400
    os.utime(file, (then, then))
    return file


def is_whole(data: bytes) -> bool:
    return place(data).is_file() and place(data).read_bytes() == data


def artifact(data: bytes) -> Artifact:
    return Artifact.objects.get(sha256=hashlib.sha256(data).hexdigest())
