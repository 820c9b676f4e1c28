"""Rows in bulk, by hand: some hundred with one call of the database, a tenth of what they cost as objects of the ORM.

SQLite takes them one by one, in C; PostgreSQL as arrays, in one statement. Each function runs in the caller's
transaction, and takes so many rows that it holds the lock of all writers for a few milliseconds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django.db import connection

from .manifest import Entry
from .models import Content, RepositoryVersion

# An artifact that is not there is no number, which the column refuses.
_ADD_CONTENT = {
    "sqlite": """
        INSERT INTO repos_content (path, artifact_id, repository_id, added, removed)
        VALUES (%s, (SELECT id FROM repos_artifact WHERE sha256 = %s), %s, %s, %s)
    """,
    "postgresql": """
        INSERT INTO repos_content (path, artifact_id, repository_id, added, removed)
        SELECT given.path, a.id, %s, %s, %s FROM unnest(%s::text[], %s::text[]) AS given (path, sha256)
        LEFT JOIN repos_artifact a ON a.sha256 = given.sha256
    """,
}
_END_CONTENT = {
    "sqlite": "UPDATE repos_content SET removed = %s WHERE repository_id = %s AND removed = %s AND path = %s",
    "postgresql": """
        UPDATE repos_content SET removed = %s WHERE repository_id = %s AND removed = %s AND path = ANY(%s::text[])
    """,
}
_ADD_ARTIFACTS = {
    "sqlite": """
        INSERT INTO repos_artifact (sha256, size, created_at, wanted_at, doomed)
        VALUES (%s, %s, %s, %s, FALSE) ON CONFLICT (sha256) DO NOTHING
    """,
    "postgresql": """
        INSERT INTO repos_artifact (sha256, size, created_at, wanted_at, doomed)
        SELECT given.sha256, given.size, %s, %s, FALSE FROM unnest(%s::text[], %s::bigint[]) AS given (sha256, size)
        ON CONFLICT (sha256) DO NOTHING
    """,
}


def add_content(version: RepositoryVersion, entries: Sequence[Entry]) -> None:
    """Adds these files to the version. Raises IntegrityError where one's artifact is not there."""
    paths, digests = [path for path, _, _ in entries], [sha256 for _, sha256, _ in entries]
    same = version.repository_id, version.number, Content.FOREVER
    if _takes_arrays():
        _execute(_ADD_CONTENT, (*same, paths, digests))
    else:
        _execute_each(_ADD_CONTENT, [(path, sha256, *same) for path, sha256 in zip(paths, digests, strict=True)])


def end_content(version: RepositoryVersion, paths: Sequence[str]) -> int:
    """Ends the present files at these paths with the version; returns how many there were."""
    same = version.number, version.repository_id, Content.FOREVER
    if _takes_arrays():
        return _execute(_END_CONTENT, (*same, list(paths)))
    return _execute_each(_END_CONTENT, [(*same, path) for path in paths])


def add_artifacts(sizes: Mapping[str, int], now: datetime) -> int:
    """Adds artifacts by sha256 with their sizes, in this order, but for those that are there; returns how many."""
    at = connection.ops.adapt_datetimefield_value(now)
    if _takes_arrays():
        return _execute(_ADD_ARTIFACTS, (at, at, list(sizes), list(sizes.values())))
    return _execute_each(_ADD_ARTIFACTS, [(sha256, size, at, at) for sha256, size in sizes.items()])


def analyze() -> None:
    """Has PostgreSQL look at the tables of files anew, after many rows came: until it does, its plans are guesses.

    It looks at a sample, a fifth of a second's work. SQLite's plans are made without such figures.
    """
    if _takes_arrays():
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE repos_content, repos_artifact")


def _takes_arrays() -> bool:
    return connection.vendor == "postgresql"


def _execute(queries: Mapping[str, str], values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(queries[connection.vendor], values)
        return int(cursor.rowcount)


def _execute_each(queries: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> int:
    with connection.cursor() as cursor:
        # The stubs know of no list of lists of values.
        cursor.executemany(queries[connection.vendor], cast(Any, rows))
        return int(cursor.rowcount)
