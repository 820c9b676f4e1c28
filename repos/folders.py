"""The folders of a version, a page at a time and by name: what lies deeper is jumped over, not read.

By hand, as the ORM cannot ask for the next entry, and the next. A step looks the next path up in the index behind all
that the entry before holds, so a page costs as many steps as it has entries, whatever lies in them or before them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.db import connection

from .models import Content, RepositoryVersion

ENTRIES = 200
# No path has a control character: nothing lies between a file's path and that path with this sign behind it.
_NEXT = "\x01"
# The sign after the slash: with it in the slash's place, a path lies behind all that is in the folder.
_BEHIND = "0"

# The pluses keep SQLite from the indexes by version, with which it would read and sort all files of the version.
_PATH = """
SELECT c.path FROM repos_content c WHERE c.repository_id = %(repository)s AND c.path >= {cursor}
AND c.path < %(end)s AND +c.added <= %(number)s AND +c.removed > %(number)s ORDER BY c.path LIMIT 1
"""
# Each step is the first path of an entry: a file's own, or that of the first file below a folder.
_STEPS = """
WITH RECURSIVE entry (path, step) AS (
    SELECT ({first}), 1
    UNION ALL
    SELECT ({next}), entry.step + 1 FROM entry WHERE entry.path IS NOT NULL AND entry.step < %(most)s
)
SELECT path FROM entry WHERE path IS NOT NULL ORDER BY step
"""
_BEHIND_ENTRY = """
CASE WHEN {position}(substr(entry.path, %(from)s), '/') = 0 THEN entry.path || %(next)s
ELSE substr(entry.path, 1, %(from)s + {position}(substr(entry.path, %(from)s), '/') - 2) || %(behind)s END
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a folder: the names of its folders, and its files with their artifacts and what is damaged of those.

    `after` is the name of the last entry where there are others behind it, else empty. A folder's name ends with a
    slash.
    """

    folders: list[str]
    files: list[Content]
    after: str = ""


def listed(version: RepositoryVersion, folder: str = "", *, after: str = "") -> Listed:
    """The next entries of `folder` (empty, or ending with a slash) of `version`, behind the one called `after`."""
    start = _behind(folder + after) if after else folder
    found = firsts(version, folder, start=start, most=ENTRIES + 1) if version.files else []
    entries = [_entry(path, folder) for path in found]
    shown = entries[:ENTRIES]
    paths = [folder + name for name in shown if not name.endswith("/")]
    rows = Content.objects.of(version).filter(path__in=paths).order_by("path").prefetch_related("artifact__damage")
    folders = [name for name in shown if name.endswith("/")]
    return Listed(folders, list(rows), shown[-1] if len(entries) > ENTRIES else "")


def _entry(path: str, folder: str) -> str:
    """The name of the entry of `folder` that `path` is, or lies in."""
    name, slash, _ = path[len(folder) :].partition("/")
    return name + slash


def firsts(version: RepositoryVersion, folder: str, *, start: str, most: int) -> Sequence[str]:
    """The first path of each of the next `most` entries of `folder`, from the path `start` on."""
    values: dict[str, str | int] = {
        "repository": version.repository_id,
        "number": version.number,
        "start": start,
        # No path has a sign behind this one.
        "end": _behind(folder) if folder else "\U0010ffff",
        "from": len(folder) + 1,
        "most": most,
        "next": _NEXT,
        "behind": _BEHIND,
    }
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor), values)
        return [path for (path,) in cursor.fetchall()]


def _behind(path: str) -> str:
    """The first path, by its bytes, behind a file's or behind all that lies in a folder."""
    return path[:-1] + _BEHIND if path.endswith("/") else path + _NEXT


@cache
def _statement(vendor: str) -> str:
    position = "strpos" if vendor == "postgresql" else "instr"
    path = _PATH if vendor == "sqlite" else _PATH.replace("+c.", "c.")
    behind = _BEHIND_ENTRY.replace("{position}", position)
    return _STEPS.format(first=path.format(cursor="%(start)s"), next=path.format(cursor=behind))
