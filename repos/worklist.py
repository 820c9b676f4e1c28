"""What one sync has to do: the upstream's entries, the changes to make, the bytes to fetch.

It lives in a scratch SQLite file in the job's working directory, whatever the main database is: it sorts
millions of entries in little memory, and it vanishes with the directory.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from . import units
from .compare import Change
from .manifest import Entry
from .pipeline import SMALL
from .words import later, say

_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
PRAGMA cache_size=-32768;
CREATE TABLE entry (path TEXT PRIMARY KEY, sha256 TEXT, size INTEGER, other TEXT) WITHOUT ROWID;
CREATE INDEX contradicted ON entry (path) WHERE other IS NOT NULL;
CREATE TABLE change (kind TEXT, path TEXT, sha256 TEXT, size INTEGER, old_size INTEGER);
CREATE TABLE failed (sha256 TEXT, size INTEGER, path TEXT, cause TEXT, PRIMARY KEY (sha256, size)) WITHOUT ROWID;
"""
# A path that comes twice with the same bytes is one entry; with other bytes, `other` remembers that.
_ADD_ENTRY = """
INSERT INTO entry VALUES (?, ?, ?, NULL) ON CONFLICT (path) DO UPDATE SET other = excluded.sha256
WHERE (sha256, size) IS NOT (excluded.sha256, excluded.size)
"""
# So many rows that are moved in one go, without a look at whether to stop: a tenth of a second's work.
_AT_ONCE = 50_000
_NTH_PATH = "SELECT path FROM entry WHERE path > ? ORDER BY path LIMIT 1 OFFSET ?"
_ADD_ALL = """
INSERT INTO change SELECT 'added', path, sha256, size, 0 FROM entry WHERE path > ? ORDER BY path LIMIT ?
"""


class Totals(NamedTuple):
    """How many files come, go and change, and by how many bytes the set grows (or, below 0, shrinks)."""

    added: int
    removed: int
    changed: int
    growth: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def words(self) -> str:
        """“12 added, 3 removed”: what is zero is left out."""
        told = (
            (later("{count} added"), self.added),
            (later("{count} removed"), self.removed),
            (later("{count} changed"), self.changed),
        )
        return ", ".join(say(words, count=units.number(number)) for words, number in told if number)


class Worklist:
    """Used by one thread; a context manager that closes the file."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "worklist.sqlite3", isolation_level=None)
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> "Worklist":
        return self

    def __exit__(self, *exception: object) -> None:
        self._db.close()

    def add_entries(self, entries: Iterable[Entry]) -> None:
        with self._batch():
            self._db.executemany(_ADD_ENTRY, entries)

    def entries(self) -> Iterator[Entry]:
        """The upstream's files in path order."""
        return self._db.execute("SELECT path, sha256, size FROM entry ORDER BY path")

    def paths(self) -> Iterator[str]:
        """The paths of the upstream's files, in order."""
        return (path for (path,) in self._db.execute("SELECT path FROM entry ORDER BY path"))

    def contradiction(self) -> str | None:
        """A path that was named twice with different bytes, if there is one."""
        row = self._db.execute("SELECT path FROM entry WHERE other IS NOT NULL LIMIT 1").fetchone()
        return row[0] if row else None

    def add_changes(self, changes: Iterable[Change]) -> None:
        with self._batch():
            self._db.executemany("INSERT INTO change VALUES (?, ?, ?, ?, ?)", changes)

    def add_all(self, check: Callable[[], None]) -> None:
        """Notes that all of the upstream's files come where none were. Calls `check`, which may raise, in between."""
        after: tuple[str] | None = ("",)
        while after:
            check()
            (last,) = after
            after = self._db.execute(_NTH_PATH, (last, _AT_ONCE - 1)).fetchone()
            with self._batch():
                self._db.execute(_ADD_ALL, (last, _AT_ONCE))

    def changes(self) -> Iterator[Change]:
        """All of them, in the order in which they were noted."""
        return map(Change._make, self._db.execute("SELECT * FROM change ORDER BY rowid"))

    def totals(self) -> Totals:
        row = self._db.execute(
            "SELECT coalesce(sum(kind = 'added'), 0), coalesce(sum(kind = 'removed'), 0),"
            " coalesce(sum(kind = 'changed'), 0), coalesce(sum(size - old_size), 0) FROM change"
        ).fetchone()
        return Totals(*row)

    def added(self) -> Iterator[Entry]:
        """The files at paths where none were."""
        return self._db.execute("SELECT path, sha256, size FROM change WHERE kind = 'added'")

    def changed(self) -> Iterator[Entry]:
        """The files that come in the place of other bytes."""
        return self._db.execute("SELECT path, sha256, size FROM change WHERE kind = 'changed'")

    def leaving(self) -> Iterator[str]:
        """The paths whose present bytes are removed or replaced."""
        return (path for (path,) in self._db.execute("SELECT path FROM change WHERE kind <> 'added'"))

    def replaced(self) -> Iterator[str]:
        """The paths that get other bytes."""
        return (path for (path,) in self._db.execute("SELECT path FROM change WHERE kind = 'changed'"))

    def removed(self) -> Iterator[str]:
        """The paths that go, in order."""
        return (path for (path,) in self._db.execute("SELECT path FROM change WHERE kind = 'removed' ORDER BY path"))

    def arriving_bytes(self) -> Iterator[Entry]:
        """The arriving files, but each pair of sha256 and size once, with one of its paths.

        Small ones come first, each kind by path: neighbours upstream are fetched one after another.
        """
        return self._db.execute(
            "SELECT min(path), sha256, size FROM change WHERE kind <> 'removed' GROUP BY sha256, size"
            " ORDER BY size > ?, min(path)",
            (SMALL,),
        )

    def arriving_totals(self) -> tuple[int, int]:
        """How many of those there are, and how many bytes they have."""
        row = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM"
            " (SELECT DISTINCT sha256, size FROM change WHERE kind <> 'removed')"
        ).fetchone()
        return row[0], row[1]

    def fail(self, failed: Iterable[tuple[Entry, str]]) -> None:
        """Marks the bytes of these files as not to be had, each with the cause."""
        rows = ((sha256, size, path, cause) for (path, sha256, size), cause in failed)
        with self._batch():
            self._db.executemany("INSERT OR IGNORE INTO failed VALUES (?, ?, ?, ?)", rows)

    def failed_with_others(self) -> Iterator[tuple[Entry, str, str]]:
        """The arriving files whose bytes failed with another one: the file, the cause, and the path of that other."""
        rows = self._db.execute(
            "SELECT change.path, sha256, size, cause, failed.path FROM change JOIN failed USING (sha256, size)"
            " WHERE kind <> 'removed' AND change.path <> failed.path ORDER BY change.path"
        )
        return (((path, sha256, size), cause, other) for path, sha256, size, cause, other in rows)

    def failed_files(self) -> int:
        """How many of the arriving files failed."""
        return self._count("SELECT count(*) FROM change JOIN failed USING (sha256, size) WHERE kind <> 'removed'")

    def arriving_files(self) -> int:
        return self._count("SELECT count(*) FROM change WHERE kind <> 'removed'")

    def listed_files(self) -> int:
        """How many files the upstream's list has."""
        return self._count("SELECT count(*) FROM entry")

    def drop_failed(self) -> None:
        """Leaves the files that failed out of the changes: they stay as they are, or away."""
        with self._batch():
            self._db.execute(
                "DELETE FROM change WHERE kind <> 'removed' AND (sha256, size) IN (SELECT sha256, size FROM failed)"
            )

    def _count(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def _batch(self) -> "_Batch":
        return _Batch(self._db)


class _Batch:
    """A transaction of the scratch file. What a failed one leaves does not matter: the file is thrown away."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN")

    def __exit__(self, *exception: object) -> None:
        self._db.execute("COMMIT")
