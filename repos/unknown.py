"""Files of the pool that no artifact has the name of: left by jobs that died, or put there by somebody."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from . import conf
from .chunks import chunks
from .models import Artifact


def in_pool(check: Callable[[], None] = lambda: None) -> Iterator[list[Path]]:
    """Yields them a few hundred at a time, however young. Calls `check`, which may raise, quite often.

    A piece may be empty: whoever has a deadline can look at it then.
    """
    for files in chunks(file for folder in _folders() for file in _files(folder)):
        check()
        rows = Artifact.objects.filter(sha256__in=[file.name for file in files])
        known = set(rows.values_list("sha256", flat=True))
        yield [file for file in files if not _is_home(file, known)]


def _is_home(file: Path, known: set[str]) -> bool:
    return file.name in known and file.parent.name == file.name[:2]


def _folders() -> list[Path]:
    try:
        with os.scandir(conf.data() / "pool") as entries:
            return sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _files(folder: Path) -> Iterator[Path]:
    # It may go meanwhile: nobody takes it, but nobody has to keep it either.
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield Path(entry)
