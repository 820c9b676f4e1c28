"""The pool: the bytes of all files, each stored once under its sha256. Written beside, renamed into place."""

import hashlib
import shutil
from pathlib import Path

from . import conf


def path(sha256: str) -> Path:
    """Where the bytes with this digest lie, or would."""
    return Path(f"{conf.data()}/pool/{sha256[:2]}/{sha256}")


def has(sha256: str, size: int) -> bool:
    """Whether the pool has these bytes; a file of another size than `size` (in bytes) does not count."""
    try:
        return path(sha256).stat().st_size == size
    except FileNotFoundError:
        return False


def keep(file: Path, sha256: str) -> None:
    """Moves a verified file into the pool. It appears whole, and replaces one with the same bytes."""
    target = path(sha256)
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


class Workspace:
    """A job's working directory: made before, removed after, however the job ends. A context manager."""

    def __init__(self, name: str) -> None:
        self.path = conf.data() / "work" / name

    def __enter__(self) -> Path:
        self.remove()
        self.path.mkdir(parents=True)
        return self.path

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Takes it away with all that is in it, where it is there."""
        shutil.rmtree(self.path, ignore_errors=True)
