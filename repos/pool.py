"""The pool: the bytes of all files, each stored once under its sha256. Written beside, renamed into place.

A link in place of a file is never followed: what is read is what lies there.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from . import conf, durable, space

BLOCK = 1 << 20


def path(sha256: str) -> Path:
    """Where the bytes with this digest lie, or would."""
    return Path(_place(sha256))


def _place(sha256: str) -> str:
    """The same as text, for what is done for each of a million files."""
    return f"{conf.data_name()}/pool/{sha256[:2]}/{sha256}"


def opened(sha256: str) -> int:
    """A handle to read these bytes by; the caller closes it. Raises OSError, also where a link lies in their place."""
    # Without O_NONBLOCK, whoever opens a named pipe waits until somebody writes into it.
    return os.open(_place(sha256), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


def has(sha256: str, size: int) -> bool:
    """Whether the pool has a file for these bytes that is `size` bytes long. Says nothing about what is in it."""
    try:
        found = os.lstat(_place(sha256))
    except FileNotFoundError:
        return False
    return found.st_size == size and stat.S_ISREG(found.st_mode)


def keep(file: Path, sha256: str) -> None:
    """Moves a verified file into the pool. It appears whole, and replaces one with the same bytes.

    Nothing may name it before it is settled.
    """
    target = path(sha256)
    # It is young from now on, however long ago its bytes came: a clean-up takes only what is old.
    os.utime(file)
    try:
        file.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def put(file: Path) -> tuple[str, int]:
    """Hashes a finished file of ours and moves it into the pool; returns its sha256 and its size in bytes."""
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    size = file.stat().st_size
    keep(file, sha256)
    return sha256, size


def adopt(sha256: str, size: int, check: Callable[[], None] = lambda: None) -> bool:
    """Whether the pool has these bytes, unknown to any row: they are read to their end, never believed by their size.

    What has the name but is not right stays until `keep` replaces it: to take it away could hit the right bytes, which
    another job may put there at that moment. Calls `check`, which may raise, between the blocks.
    """
    try:
        # First of all: from now on it is young, and a clean-up lets it be.
        os.utime(_place(sha256), follow_symlinks=False)
        if not has(sha256, size):
            return False
        with os.fdopen(opened(sha256), "rb", buffering=0) as stream:
            digest = hashlib.sha256()
            while block := stream.read(BLOCK):
                check()
                digest.update(block)
    except OSError:
        # Not there, or not to be read: it is fetched, and put in its place.
        return False
    return digest.hexdigest() == sha256


def settle(digests: Collection[str], check: Callable[[], None] = lambda: None) -> None:
    """Returns once these bytes, which were kept or adopted, would outlast a power failure. Then rows may name them.

    Raises OSError where the disk has failed. Calls `check`, which may raise, while it waits.
    """
    durable.settle([_place(sha256) for sha256 in digests], conf.data() / "pool", check)


def discard(digests: Collection[str]) -> None:
    """Takes away bytes that the disk did not take, and that no row names: who read them again would believe them."""
    for sha256 in digests:
        with suppress(OSError):
            path(sha256).unlink()


class Workspace:
    """A job's working directory: made before, removed after, however the job ends. A context manager."""

    def __init__(self, name: str) -> None:
        self.path = conf.data() / "work" / name

    def __enter__(self) -> Path:
        self.remove()
        with space.storing():
            self.path.mkdir(parents=True)
        return self.path

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Takes it away with all that is in it, where it is there."""
        shutil.rmtree(self.path, ignore_errors=True)
