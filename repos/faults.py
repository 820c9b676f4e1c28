"""What is wrong with the bytes of an artifact in the pool: found by reading them, to their end."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import pool, units
from .words import say

BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file lies at a path: its device, and its number there. Bytes that come anew are another file."""

    device: int
    number: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Identity":
        return cls(found.st_dev, found.st_ino)

    @classmethod
    def at(cls, path: Path) -> "Identity | None":
        """That of what lies at `path`, and of no link's target; None where there is nothing."""
        try:
            return cls.of(path.lstat())
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: `cause` is missing, size, digest or unreadable; `why` is half a sentence about the file.

    `wrong` is what has to go from its place, as it is certain that it is not what it should be.
    """

    cause: str
    why: str
    wrong: Identity | None = field(default=None, compare=False)


def fault_of(sha256: str, size: int, *, tick: Callable[[int], None], block: int = BLOCK) -> Fault | None:
    """Reads the bytes that should have this sha256 and so many bytes; None if they are whole.

    They are read some (at most `block`) at a time; `tick` is told how many they were, and may raise.
    """
    try:
        opened = pool.opened(sha256)
    except OSError as error:
        return _unopened(sha256, error)
    try:
        return _fault_of(opened, sha256, size, tick, block)
    except OSError as error:
        return _unreadable(os.strerror(error.errno or errno.EIO))
    finally:
        os.close(opened)


def _unopened(sha256: str, error: OSError) -> Fault:
    if error.errno == errno.ENOENT:
        return Fault("missing", say("it is not in the pool"))
    if error.errno == errno.ELOOP:
        return _unreadable(say("a link lies in its place"), Identity.at(pool.path(sha256)))
    return _unreadable(os.strerror(error.errno or errno.EIO))


def _unreadable(why: str, wrong: Identity | None = None) -> Fault:
    return Fault("unreadable", say("it cannot be read: {why}", why=why), wrong)


def _fault_of(opened: int, sha256: str, size: int, tick: Callable[[int], None], block: int) -> Fault | None:
    found = os.fstat(opened)
    identity = Identity.of(found)
    if not stat.S_ISREG(found.st_mode):
        folder = stat.S_ISDIR(found.st_mode)
        return _unreadable(os.strerror(errno.EISDIR) if folder else say("it is no file"), identity)
    if found.st_size != size:
        return Fault(
            "size",
            say(
                "it is {found} bytes long and should be {size}",
                found=units.number(found.st_size),
                size=units.number(size),
            ),
            identity,
        )
    digest = hashlib.sha256()
    while data := os.read(opened, block):
        tick(len(data))
        digest.update(data)
    actual = digest.hexdigest()
    return None if actual == sha256 else Fault("digest", say("its sha256 is {actual}", actual=actual), identity)
