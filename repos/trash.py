"""Taking bytes out of the pool for good: set aside first, looked at again, then removed or put back.

The rows that named them are gone by then. But whoever stores or adopts the same bytes at that very moment makes them
young, or names them anew; and since a name in the pool is the digest of what it names, it is always right to put them
back.
"""

import itertools
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from . import conf, pool
from .models import Artifact

_numbers = itertools.count()


def take(file: Path, spared_since: datetime) -> int | None:
    """Removes a file of the pool; returns its size in bytes, or None if it has to stay.

    It stays if it is not there, is younger than `spared_since`, or if an artifact has its name. Raises OSError.
    """
    if is_spared(file, spared_since):
        return None
    aside = _folder() / f"{file.name}.{os.getpid()}-{next(_numbers)}"
    try:
        file.rename(aside)
    except FileNotFoundError:
        return None
    return _decide(aside, file, spared_since)


def is_spared(file: Path, since: datetime) -> bool:
    """Whether it is younger than `since`, not there, or not a file at all."""
    found = seen(file)
    return found is None or found.st_mtime >= since.timestamp()


def seen(file: Path) -> os.stat_result | None:
    """What the file is; None if it is not there, or is a folder or a device."""
    try:
        found = os.lstat(file)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) else None


def finish(spared_since: datetime) -> int:
    """Decides about what a clean-up that died had set aside; returns the bytes that were removed. Raises OSError."""
    removed = 0
    for aside in _folder().iterdir():
        name = aside.name.partition(".")[0]
        removed += _decide(aside, conf.data() / "pool" / name[:2] / name, spared_since) or 0
    return removed


def left() -> tuple[int, int]:
    """How many files a clean-up that died had set aside, and their size in bytes."""
    sizes = [found.st_size for file in _folder().iterdir() if (found := seen(file))]
    return len(sizes), sum(sizes)


def _decide(aside: Path, home: Path, spared_since: datetime) -> int | None:
    """Removes what was set aside, or puts it back; returns the size of what was removed."""
    found = seen(aside)
    if found is None:
        return None
    if found.st_mtime >= spared_since.timestamp() or _is_named(home):
        _put_back(aside, home)
        return None
    aside.unlink(missing_ok=True)
    return found.st_size


def _is_named(home: Path) -> bool:
    return home == pool.path(home.name) and Artifact.objects.filter(sha256=home.name).exists()


def _put_back(aside: Path, home: Path) -> None:
    """Never over what is there by now: that was just verified."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError, FileNotFoundError):
        os.link(aside, home, follow_symlinks=False)
    aside.unlink(missing_ok=True)


def _folder() -> Path:
    folder = conf.data() / "trash"
    folder.mkdir(exist_ok=True)
    return folder
