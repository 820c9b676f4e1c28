"""Which file is served at a path: the one statement that finds it.

By hand, as it is run for every file that is sent: the ORM takes 40 times as long over the same queries. One statement
also sees one state of the database: nothing can be switched or cleaned away between two of its steps.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from . import paths

# The columns that `row_of` reads, and how many they are.
_COLUMNS = "d.id, d.protected, a.sha256, a.size, m.id, g.id, p.created_at, v.created_at, origin.created_at"
WIDTH = 9
# A distribution that does not have the file gives a row as well, which says whether it is protected.
_FILE = """
WITH asked (base_path, path) AS (VALUES {asked})
SELECT {columns} FROM asked
JOIN repos_distribution d ON d.base_path = asked.base_path
{joins}
"""
# Each finds a row at most. The plus keeps SQLite from the index by `added`, with which it would read all of a version.
_JOINS = (
    ("repos_repositoryversion v", "v.id = p.version_id"),
    ("repos_publishedmetadata m", "m.publication_id = p.id AND m.path = asked.path"),
    (
        "repos_content c",
        "m.id IS NULL AND c.repository_id = v.repository_id AND c.path = asked.path "
        "AND +c.added <= v.number AND c.removed > v.number",
    ),
    ("repos_artifact a", "a.id = COALESCE(m.artifact_id, c.artifact_id)"),
    ("repos_damage g", "g.artifact_id = a.id"),
    ("repos_repositoryversion origin", "origin.repository_id = c.repository_id AND origin.number = c.added"),
)
_FOUND = "\n".join(f"LEFT JOIN {table} ON {condition}" for table, condition in _JOINS)
_SERVED = "LEFT JOIN repos_publication p ON p.id = d.publication_id"
_CURRENT = _FILE.replace("{columns}", _COLUMNS).replace("{joins}", f"{_SERVED}\n{_FOUND}")
_SUPERSEDED = _FILE.replace("{columns}", _COLUMNS).replace(
    "{joins}",
    "JOIN repos_switch s ON s.distribution_id = d.id AND s.at >= %s AND (d.opened_at IS NULL OR s.at > d.opened_at) "
    f"JOIN repos_publication p ON p.id = s.earlier_id\n{_FOUND}\n"
    "ORDER BY s.id DESC",
)


class File(NamedTuple):
    """Bytes of the pool; `modified` is when the version that brought them was made, or the publication for metadata.

    Where that version was deleted, it is when the version that is served was made.
    """

    sha256: str
    size: int
    modified: datetime
    # Written by us, as text in UTF-8, when the version was published.
    is_metadata: bool = False
    # Known to be wrong, whatever lies in the pool: it is not to be sent.
    is_damaged: bool = False


class Row(NamedTuple):
    """A distribution that has the base path, and the file that it has there."""

    distribution: int
    protected: bool
    file: File | None


def could_be(path: str) -> bool:
    """Whether `path` is short enough and legal in each of its parts. Nothing else may reach the database."""
    short = len(path) <= paths.MAX_BASE_PATH + 1 + paths.MAX_BYTES
    return short and all(paths.is_part(part) for part in path.split("/"))


def base_paths(path: str) -> list[str]:
    """The base paths at which a distribution may have `path`. As they never nest, at most one of them has it."""
    if len(path) > paths.MAX_BASE_PATH:
        path = path[: paths.MAX_BASE_PATH + 1].rpartition("/")[0]
    return paths.prefixes(path)


def current(path: str) -> list[Row]:
    """What is served at `path` now: a row at most."""
    with connection.cursor() as cursor:
        cursor.execute(*current_statement(path))
        return [row_of(row) for row in cursor.fetchall()]


def current_statement(path: str) -> tuple[str, list[str | datetime | None]]:
    """How `current` asks, as Django takes it; `row_of` reads the rows."""
    asked = _asked(path)
    return _statement(_CURRENT, len(asked)), asked


def many_statement(asked: str, *, names: str, columns: tuple[str, str], joins: str) -> str:
    """How `current` would ask for many paths at once: for PostgreSQL, which plans it once for all that will be asked.

    The rows of `asked` have a base path, a path, and values by these `names`. Before and after the columns that
    `row_of` reads come these `columns`, of what is asked or from `joins`. Each row is looked for by itself, whatever
    the tables hold while it is planned: none of them is read as a whole to be put beside what is asked.
    """
    each = [
        f"LEFT JOIN LATERAL (SELECT * FROM {table} WHERE {condition} OFFSET 0) {table.split()[1]} ON TRUE"  # noqa: S608
        for table, condition in _JOINS
    ]
    statement = _FILE.replace("(base_path, path)", f"(base_path, path, {names})").replace("{asked}", asked)
    statement = statement.replace("{columns}", ", ".join([columns[0], _COLUMNS, columns[1]]))
    return statement.replace("{joins}", "\n".join([_SERVED, *each, joins]))


def superseded(path: str, since: datetime) -> list[Row]:
    """What was served at `path` until a switch not before `since`, newest first."""
    asked = [*_asked(path), connection.ops.adapt_datetimefield_value(since)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(_SUPERSEDED, len(asked) - 1), asked)
        return [row_of(row) for row in cursor.fetchall()]


def places(path: str) -> list[tuple[str, str]]:
    """Where `path` may be: base paths, and the paths below them."""
    return [(base_path, path[len(base_path) + 1 :]) for base_path in base_paths(path)]


def _asked(path: str) -> list[str | datetime | None]:
    return [part for place in places(path) for part in place]


@lru_cache(maxsize=1024)
def _statement(statement: str, values: int) -> str:
    return statement.replace("{asked}", ", ".join(["(%s, %s)"] * (values // 2)))


def row_of(columns: Sequence[object]) -> Row:
    distribution, protected, sha256, *rest = columns
    return Row(distribution, bool(protected), _file(sha256, *rest) if sha256 else None)  # type: ignore[arg-type]


def _file(
    sha256: str,
    size: int,
    metadata: int | None,
    damage: int | None,
    published: datetime | str,
    made: datetime | str,
    added: datetime | str | None,
) -> File:
    modified = moment(published if metadata else added or made)
    return File(sha256, size, modified, is_metadata=metadata is not None, is_damaged=damage is not None)


@lru_cache(maxsize=1024)
def moment(value: datetime | str) -> datetime:
    """A time as the database tells it; SQLite's are in UTC, and say so nowhere."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
