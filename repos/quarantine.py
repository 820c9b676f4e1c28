"""Where wrong bytes are put, for people to look at: out of the pool, so that nobody is served them.

A file there is called `<the sha256 that it should have>.job-<id>.<when>`. Its mode is 0, so nobody may read it, and a
download that has it open sees that and breaks off. It is kept until somebody empties the quarantine.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from . import conf, pool
from .faults import Identity
from .models import Damage
from .stored import Amount


def folder() -> Path:
    return conf.data() / "quarantine"


def take(sha256: str, wrong: Identity, job: int) -> bool:
    """Moves what lies in the place of these bytes away, if it still is `wrong`; False if it is not.

    Raises OSError where it cannot be moved, as in a pool that is read-only.
    """
    place = pool.path(sha256)
    if Identity.at(place) != wrong:
        return False
    aside = folder() / f"{sha256}.job-{job}.{time.time_ns()}"
    aside.parent.mkdir(exist_ok=True)
    try:
        place.rename(aside)
    except FileNotFoundError:
        return False
    if Identity.at(aside) != wrong:
        # Right bytes came between the look and the move: they are as right now as they were then.
        aside.replace(place)
        return False
    if not aside.is_symlink():
        aside.chmod(0)
    return True


def is_taken(mode: int) -> bool:
    """Whether an open file of this mode was taken meanwhile."""
    return mode & 0o777 == 0


def held() -> Amount:
    """How much is in quarantine."""
    amount = Amount()
    for file in _files():
        with suppress(FileNotFoundError):
            amount.add(file.lstat().st_size)
    return amount


def empty() -> Amount:
    """Removes all that is in quarantine, for good; returns how much that was. The damage stays noted."""
    removed = held()
    for file in _files():
        if file.is_dir() and not file.is_symlink():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)
    Damage.objects.filter(quarantined=True).update(quarantined=False)
    return removed


def _files() -> list[Path]:
    return list(folder().iterdir()) if folder().is_dir() else []
