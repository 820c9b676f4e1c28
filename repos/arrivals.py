"""Bytes that people bring: received and hashed in a folder of their own, then kept in the pool, all or none of them.

They are copied, never linked: what they come from may change. An upload that dies leaves its folder, which the next
one, or the next start of the server, takes away.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from . import conf, pool, space, stock
from .chunks import chunks
from .errors.storage import NotStored
from .models import Artifact
from .words import say

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """The bytes of one file, whole, where its arrivals are. `size` is in bytes."""

    file: Path
    sha256: str
    size: int


class Arrival:
    """One file while it arrives. Its methods raise NotStored where the disk does not take it."""

    def __init__(self, file: Path, watch: space.Watch) -> None:
        self._file = file
        self._watch = watch
        self._digest = hashlib.sha256()
        self._size = 0
        with _storing():
            self._stream = file.open("xb", buffering=0)

    def write(self, data: bytes) -> None:
        self._watch()
        self._digest.update(data)
        self._size += len(data)
        left = memoryview(data)
        with _storing():
            while left:
                left = left[self._stream.write(left) :]

    def close(self) -> None:
        with _storing():
            self._stream.close()

    def end(self) -> Arrived:
        self.close()
        return Arrived(self._file, self._digest.hexdigest(), self._size)


class Arrivals:
    """The folder of one upload: made before, removed after, however it ends. A context manager.

    For one thread, to which one file comes after another.
    """

    def __init__(self) -> None:
        self._number = 0
        self._last: Arrival | None = None
        self._watch = space.Watch()

    def __enter__(self) -> "Arrivals":
        with _storing():
            root = _root()
            # Whoever sweeps must not meet a folder that is not locked yet.
            with _locked(root):
                _sweep(root)
                self._folder = Path(tempfile.mkdtemp(dir=root))
                self._lock = _lock(self._folder)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._last:
            self._last.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    def begin(self) -> Arrival:
        """A file that arrives from now on. Raises NotStored."""
        space.refuse_when_low()
        self._number += 1
        self._last = Arrival(self._folder / str(self._number), self._watch)
        return self._last

    def copy(self, source: BinaryIO) -> Arrived:
        """Brings all of `source` here. Raises NotStored, and OSError where `source` cannot be read."""
        arrival = self.begin()
        while data := source.read(BLOCK):
            arrival.write(data)
        return arrival.end()

    def keep(self, arrived: Collection[Arrived]) -> list[Artifact]:
        """Moves the bytes of these into the pool, and returns their rows in the same order. Raises NotStored."""
        with _storing():
            for one in {one.sha256: one for one in arrived}.values():
                pool.keep(one.file, one.sha256)
        sizes = {one.sha256: one.size for one in arrived}
        rows: dict[str, Artifact] = {}
        for some in chunks(sizes):
            stock.record({sha256: sizes[sha256] for sha256 in some})
            rows |= {one.sha256: one for one in Artifact.objects.filter(sha256__in=some)}
        return [rows[one.sha256] for one in arrived]


def sweep() -> None:
    """Takes away what uploads that died have left."""
    with _locked(_root()):
        _sweep(_root())


def _sweep(root: Path) -> None:
    for folder in root.iterdir():
        try:
            lock = _lock(folder)
        except OSError:
            # Somebody is at work in it, or has just removed it.
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _root() -> Path:
    root = conf.data() / "arrivals"
    root.mkdir(exist_ok=True)
    return root


def _lock(folder: Path) -> int:
    """Locks a folder for as long as the handle that is returned is open: at the latest until this process ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotStored(error.strerror or say("the disk failed")) from error
