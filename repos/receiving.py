"""The body of a file that is begun anew with each try: to disk and through sha256 as it comes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from . import space, units
from .errors.upstreams import FetchFailed
from .words import later, say


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fetch has to bring into the file `into`: with this sha256 and size (bytes), where they are known.

    `limit` is the most that may come. `count` is told the bytes of each block, and minus those that were in vain.
    """

    url: str
    into: Path
    sha256: str
    size: int | None
    limit: int | None
    count: Callable[[int], None]

    def judged(self, sha256: str, size: int) -> tuple[str, int]:
        """These, if they are what has to come; else raises FetchFailed."""
        limit = self._most
        if self.size is not None and size != self.size:
            longer = later("it is at least {bytes} long, the list says {size}")
            said = longer if size > self.size else later("it is {bytes} long, the list says {size}")
            why = say(said, bytes=units.counted(size, "byte"), size=units.number(self.size))
            raise FetchFailed(self.url, "size", why, size=size)
        if limit is not None and size > limit:
            why = say("it is longer than {bytes}", bytes=units.counted(limit, "byte"))
            raise FetchFailed(self.url, "limit", why, size=size, retry=False)
        if self.sha256 and sha256 != self.sha256:
            why = say("its sha256 is {sha256}, the list says {expected}", sha256=sha256, expected=self.sha256)
            raise FetchFailed(self.url, "digest", why, sha256=sha256, size=size)
        return sha256, size

    @property
    def _most(self) -> int | None:
        return self.limit if self.size is None else self.size

    def has_too_much(self, size: int) -> bool:
        return self._most is not None and size > self._most


class Receiving:
    """One try: takes the body, and takes back what it counted if that was in vain."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._received = 0

    def receive(self, blocks: Iterator[bytes]) -> tuple[str, int]:
        """Writes and hashes the body; returns its sha256 and size. Raises FetchFailed if it is not what must come.

        Raises NotStored where our own disk does not take it: then no other file can be stored either.
        """
        digest = hashlib.sha256()
        with space.storing():
            opened = self._wanted.into.open("wb", buffering=0)
        with opened as file:
            for block in blocks:
                self._received += len(block)
                self._wanted.count(len(block))
                if self._wanted.has_too_much(self._received):
                    break
                digest.update(block)
                with space.storing():
                    _write(file, block)
        return self._wanted.judged(digest.hexdigest(), self._received)

    def undo(self) -> None:
        self._wanted.count(-self._received)
        self._wanted.into.unlink(missing_ok=True)


def _write(file: FileIO, block: bytes) -> None:
    """All of it: of what the disk has room for only in part, a plain write keeps the rest to itself."""
    left = memoryview(block)
    while left:
        left = left[file.write(left) :]
