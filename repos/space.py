"""Room on the disk of the data folder: what is free, what is kept free, and what our own disk says when it fails."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import conf
from .errors.storage import NoRoom, NotStored
from .words import say

# Seconds between two looks at the disk while something is written.
LOOK = 1.0
# What a disk says that does not take or give something. Other errors of the system are mistakes of ours.
_FAILURES = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ENODEV,
    errno.ESTALE,
    errno.EMFILE,
    errno.ENFILE,
}


def free() -> int:
    """The bytes of the disk that we may write, the reserve included; 0 where it cannot be asked."""
    try:
        disk = os.statvfs(conf.data())
    except OSError:
        return 0
    # Not those that the file system keeps for root.
    return disk.f_bavail * disk.f_frsize


def is_low() -> bool:
    """Whether the reserve has been touched: then nothing is fetched any more."""
    return free() < conf.reserve_bytes()


def fits(size: int) -> bool:
    """Whether `size` further bytes leave the reserve alone."""
    return free() - size >= conf.reserve_bytes()


def refuse_what_does_not_fit(size: int) -> None:
    """Raises NoRoom if `size` further bytes, all of which are known to be wanted, would touch the reserve."""
    if size and (left := free()) - size < conf.reserve_bytes():
        raise NoRoom(needed=size, free=left, reserve=conf.reserve_bytes())


def refuse_when_low() -> None:
    """Raises NoRoom if the reserve has been touched."""
    if conf.reserve_bytes() and (left := free()) < conf.reserve_bytes():
        raise NoRoom(free=left, reserve=conf.reserve_bytes())


class Watch:
    """Looks at the disk while something is written: call it as often as you like, it looks once a second."""

    def __init__(self) -> None:
        self._next = time.monotonic() + LOOK

    def __call__(self) -> None:
        """Raises NoRoom once the reserve has been touched."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LOOK
            refuse_when_low()


def not_stored(error: Exception) -> NotStored | None:
    """The failure of our own disk, or of a scratch file on it, that `error` is; None if it is something else."""
    if isinstance(error, OSError) and error.errno in _FAILURES:
        return NotStored(os.strerror(error.errno))
    return NotStored(str(error)) if isinstance(error, sqlite3.OperationalError) else None


@contextmanager
def storing() -> Iterator[None]:
    """What is written inside is written to our own disk: raises NotStored where that does not take it."""
    try:
        yield
    except OSError as error:
        raise NotStored(error.strerror or say("the disk failed")) from error
