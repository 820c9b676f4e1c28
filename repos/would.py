"""The files of a dry run, by path and a page at a time: what a sync would add, change and remove.

They lie in a scratch SQLite file below the data, one for each repository at most: that of its newest dry run. What they
come to in all is a row (see DryRun), and stays.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from . import conf, space
from .models import DryRun, Job

PAGE = 100
# Files of a page of a stream; and how many are looked at for a page before a person goes on.
MANY = 5_000
MOST = 200_000
_LAST = "\U0010ffff"
_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE change (
    path TEXT PRIMARY KEY, kind TEXT, sha256 TEXT, size INTEGER, old_size INTEGER, fetched INTEGER
) WITHOUT ROWID;
CREATE INDEX by_kind ON change (kind, path);
"""
_FETCHED = """
SELECT count(*), coalesce(sum(size), 0) FROM (SELECT DISTINCT sha256, size FROM change WHERE fetched)
"""
_PAGE = r"""
SELECT kind, path, sha256, size, old_size, fetched FROM change
WHERE path > :after AND path <= :last AND (:kind = '' OR kind = :kind) AND path LIKE :like ESCAPE '\'
ORDER BY path LIMIT :number
"""


class Would(NamedTuple):
    """What would become of a path: `sha256` and `size` (bytes) are those after it, `old_size` that before.

    `fetched` says whether its bytes would have to be fetched, or are in the pool already.
    """

    kind: str
    path: str
    sha256: str
    size: int
    old_size: int
    fetched: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Files by path. `after` is the cursor of the next page, empty if there is none.

    `partly` says that the search stopped before the page was full, as it had looked at enough.
    """

    files: list[Would]
    after: str = ""
    partly: bool = False


class Writing:
    """Writes such a file. A context manager, used by one thread."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file)
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> "Writing":
        return self

    def __exit__(self, *exception: object) -> None:
        self._db.close()

    def add(self, files: Iterable[Would]) -> None:
        with self._db:
            self._db.executemany(
                "INSERT INTO change VALUES (:path, :kind, :sha256, :size, :old_size, :fetched)",
                (one._asdict() for one in files),
            )

    def fetched(self) -> tuple[int, int]:
        """How many files would have to be fetched, and of how many bytes: each bytes once, whatever their paths."""
        files, size = self._db.execute(_FETCHED).fetchone()
        return files, size


def keep(file: Path, job: Job) -> None:
    """Puts a finished file where it is found as that of `job`."""
    with space.storing():
        _folder().mkdir(exist_ok=True)
        file.replace(_file(job.pk))


def drop_older(job: Job) -> None:
    """Takes away the files of the dry runs of the same repository that came before `job`."""
    for pk in DryRun.objects.filter(job__repository=job.repository_id, job__lt=job.pk).values_list("job", flat=True):
        _file(pk).unlink(missing_ok=True)


def orphans() -> list[Path]:
    """Files of which nobody knows: of jobs that were deleted, or that another came after."""
    files = {int(file.stem): file for file in _folder().glob("*.sqlite3") if file.stem.isdecimal()}
    known = DryRun.objects.filter(job__in=files).order_by("job").values_list("job__repository", "job")
    newest = dict(known)
    return sorted(file for pk, file in files.items() if pk not in newest.values())


def is_there(job: Job) -> bool:
    """Whether the files of the dry run `job` are still known one by one."""
    return _file(job.pk).exists()


def page(job: Job, *, kind: str = "", q: str = "", after: str = "", limit: int = PAGE) -> Page:
    """The next files behind the path `after`, of this kind and with `q` in their paths (A to Z as a to z).

    Raises FileNotFoundError where they are not known any more.
    """
    with closing(_opened(job)) as db:
        last = "" if not (kind or q) else _as_far_as(db, after)
        asked = {"after": after, "last": last or _LAST, "kind": kind, "like": f"%{_literal(q)}%", "number": limit + 1}
        found = [Would(*row)._replace(fetched=bool(row[-1])) for row in db.execute(_PAGE, asked)]
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].path)
    return Page(found, last, partly=bool(last))


def files(job: Job) -> Iterator[Would]:
    """Yields all of them by path. Raises FileNotFoundError."""
    after: str | None = ""
    while after is not None:
        found = page(job, after=after, limit=MANY)
        yield from found.files
        after = found.after or None


def _as_far_as(db: sqlite3.Connection, after: str) -> str:
    """The last path to look at, empty if there are not so many."""
    query = "SELECT path FROM change WHERE path > ? ORDER BY path LIMIT 1 OFFSET ?"
    found = db.execute(query, (after, MOST - 1)).fetchone()
    return found[0] if found else ""


def _literal(q: str) -> str:
    """`q` for LIKE, in which no sign means anything but itself."""
    return q.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _opened(job: Job) -> sqlite3.Connection:
    file = _file(job.pk)
    # SQLite would say of a missing file that it cannot be opened, as it says of much else.
    file.stat()
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _folder() -> Path:
    return conf.data() / "dry_runs"


def _file(pk: int) -> Path:
    return _folder() / f"{pk}.sqlite3"
