"""Files that came only in part: kept beside the pool, so that whoever wants them next goes on where it broke off.

data/partial has the bytes under their sha256 to come, and beside each what is known of it: by which validator the
upstream knew it, and what is missing. Nothing here is believed: the digest of the whole is what decides.
"""

import fcntl
import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import conf, space
from .pieces import Span

# Seconds: how long one that somebody else fetches is waited for, and between two looks at it. A job that was canceled a
# moment ago may hold it still.
PATIENCE, LOOK = 1.0, 0.05
# The seconds after which nobody is expected to come back for one.
OLD = 7 * 24 * 3600.0
_NOTES = ".json"


class Partial:
    """A file that is being fetched, to which nobody else writes. Raises NotStored where our own disk fails.

    `missing` and `validator` are what an earlier fetch left: None and nothing, if there is nothing to go on with.
    """

    def __init__(self, path: Path, handle: int, notes: Path | None) -> None:
        self.path = path
        self.handle = handle
        self.validator = ""
        self.missing: list[Span] | None = None
        self._notes = notes
        self._noting = threading.Lock()

    def read_notes(self, size: int) -> None:
        """Takes over what an earlier fetch left of a file of `size` bytes, if that makes sense."""
        assert self._notes
        with suppress(OSError, ValueError, TypeError, KeyError):
            noted = json.loads(self._notes.read_bytes())
            missing = _spans(noted["missing"], size)
            if noted["in_order"]:
                # Nothing was noted while it grew: it is as long as what is there.
                missing = [(min(os.fstat(self.handle).st_size, size), size)]
            self.validator, self.missing = str(noted["validator"]), [span for span in missing if span[0] < span[1]]

    def note(self, validator: str, missing: list[Span], *, in_order: bool) -> None:
        """Writes down what the next fetch has to know, should this one not come to its end."""
        if self._notes is None:
            return
        noted = {"validator": validator, "missing": missing, "in_order": in_order}
        beside = self._notes.with_suffix(".new")
        with self._noting, space.storing():
            beside.write_text(json.dumps(noted))
            beside.replace(self._notes)

    def write(self, block: bytes, at: int) -> None:
        """All of it: of what the disk has room for only in part, a plain write keeps the rest to itself."""
        left = memoryview(block)
        with space.storing():
            while left:
                written = os.pwrite(self.handle, left, at)
                left, at = left[written:], at + written

    def empty(self) -> None:
        """Throws the bytes away, and what was noted of them first."""
        self.validator, self.missing = "", None
        if self._notes:
            self._notes.unlink(missing_ok=True)
        with space.storing():
            os.ftruncate(self.handle, 0)

    def move(self, into: Path) -> None:
        """Makes the whole file the caller's, at `into`."""
        with space.storing():
            self.path.replace(into)
        self._forget()

    def drop(self) -> None:
        """Takes it away."""
        self.path.unlink(missing_ok=True)
        self._forget()

    def keep(self) -> bool:
        """Leaves it for the next fetch, if it lies where that looks; else takes it away."""
        if self._notes is None:
            self.drop()
            return False
        os.close(self.handle)
        return True

    def _forget(self) -> None:
        if self._notes:
            self._notes.unlink(missing_ok=True)
        os.close(self.handle)


def opened(sha256: str, size: int, into: Path, stop: threading.Event) -> Partial:
    """The place of a file with these to come, for the caller alone. If somebody else holds it, one at `into`."""
    path = folder() / sha256
    with space.storing():
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep()
        handle = _locked(path, stop)
        if handle is None:
            return Partial(into, os.open(into, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666), None)
    found = Partial(path, handle, path.with_suffix(_NOTES))
    found.read_notes(size)
    if found.missing is None:
        found.empty()
    return found


def folder() -> Path:
    return conf.data() / "partial"


def take(path: Path) -> bool:
    """Removes one of these files, unless somebody fetches it at this moment; returns whether it did."""
    bytes_of = path.with_suffix("")
    handle = _try_lock(bytes_of, create=False) if bytes_of.exists() else None
    if handle is None and bytes_of.exists():
        return False
    path.unlink(missing_ok=True)
    if handle is not None:
        os.close(handle)
    return True


def _sweep() -> None:
    """Removes those that nobody has come back for."""
    for path in folder().iterdir():
        with suppress(OSError):
            if path.lstat().st_mtime < time.time() - OLD:
                take(path)


def _locked(path: Path, stop: threading.Event) -> int | None:
    """A handle of the file that `path` names, locked; None if somebody else has held it for as long as we wait."""
    due = time.monotonic() + PATIENCE
    while (handle := _try_lock(path, create=True)) is None:
        if time.monotonic() >= due or stop.wait(LOOK):
            return None
    return handle


def _try_lock(path: Path, *, create: bool) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0), 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it before may have moved it away.
        if os.fstat(handle).st_ino == path.lstat().st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def _spans(noted: Any, size: int) -> list[Span]:
    """Spans of a file of `size` bytes, in order and apart. Raises ValueError for others."""
    spans = [(int(start), int(stop)) for start, stop in noted]
    edges = [edge for span in spans for edge in span]
    if edges != sorted(edges) or not all(0 <= edge <= size for edge in edges):
        raise ValueError(noted)
    return spans
