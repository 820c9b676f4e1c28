"""Making files outlast a power failure: their bytes, and their names in their folders.

A file that was written and renamed is whole for everybody at once, but on the disk only some time later, and in any
order. What names it (a row) has to wait until then.
"""

import ctypes
import errno
import fcntl
import os
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

# Up to so many files are written out one by one. Beyond, all that the file system has to write is written at once:
# far cheaper than one by one, but it may have to wait for what other programs have written (see docs/reliability.md).
FEW = 8
# Seconds between two looks at whether to stop.
TICK = 0.2

# Linux has it, with musl too. Where there is none (macOS), every file is written out by itself.
_SYNCFS = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
# What macOS needs for a disk to empty its own cache; elsewhere fsync does that.
_FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def settle(files: Collection[str | Path], root: Path, check: Callable[[], None] = lambda: None) -> None:
    """Returns once these files, which lie in folders of the folder `root`, would be found whole after a power failure.

    Calls `check`, which may raise, while it waits for the disk. Raises OSError where the disk has failed: then they
    may be lost, although they can still be read.
    """
    if files:
        _attended(lambda: _settle(files, root), check)


def _settle(files: Collection[str | Path], root: Path) -> None:
    if len(files) > FEW and _sync_file_system(root):
        return
    paths = [Path(file) for file in files]
    for file in paths:
        _sync(file)
    # A new file is an entry in its folder; a new folder, or a new root, is one in that above it.
    for folder in {file.parent for file in paths}:
        _sync(folder)
    # It may be a link to where there is more room.
    _sync(root.resolve())
    _sync(root.resolve().parent)


def _sync_file_system(root: Path) -> bool:
    """Writes out the whole file system that `root` is on; False where that cannot be asked for."""
    if _SYNCFS is None:
        return False
    handle = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _SYNCFS(handle) == 0:
            return True
        failure = ctypes.get_errno()
    finally:
        os.close(handle)
    if failure == errno.ENOSYS:
        return False
    raise OSError(failure, os.strerror(failure), str(root))


def _sync(path: Path) -> None:
    """Writes out one file, or the entries of one folder."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if _FULL_FSYNC is None:
            os.fsync(handle)
        else:
            fcntl.fcntl(handle, _FULL_FSYNC)
    finally:
        os.close(handle)


def _attended(work: Callable[[], None], check: Callable[[], None]) -> None:
    """Does `work` in a thread of its own, and looks every TICK seconds whether to go on waiting for it."""
    ended: SimpleQueue[OSError | None] = SimpleQueue()

    def run() -> None:
        try:
            work()
        except OSError as error:
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=run, name="settle", daemon=True).start()
    while True:
        check()
        with suppress(Empty):
            if error := ended.get(timeout=TICK):
                raise error
            return
