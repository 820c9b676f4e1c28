"""Looking up a file without ever waiting, for a thread that others wait for."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from . import lookup, tokens
from .lookup import File


class Found(NamedTuple):
    """A file; `is_private` is one that not everybody may have."""

    file: File
    is_private: bool


class Glance:
    """Looks up what is served now, by a connection of its own to SQLite, whose readers nobody holds up.

    What is behind a network it leaves alone. Of one thread only.
    """

    def __init__(self) -> None:
        self._file = str(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else ""
        self._opened: sqlite3.Connection | None = None

    def find(self, path: str, secret: str = "") -> Found | None:
        """What whoever brings this token may have at `path`. None where that takes a closer look to say, or a write."""
        if not self._file or not lookup.could_be(path):
            return None
        try:
            rows = [lookup.row_of(row) for row in self._asked(*lookup.current_statement(path))]
            if not rows or not (file := rows[0].file):
                return None
            if rows[0].protected and not self._opens(secret, rows[0].distribution):
                return None
        except sqlite3.Error:
            self.close()
            return None
        return Found(file, rows[0].protected)

    def close(self) -> None:
        if self._opened:
            self._opened.close()
            self._opened = None

    def _opens(self, secret: str, distribution: int) -> bool:
        if not secret:
            return False
        key = tokens.key_in(self._asked(*tokens.opening_statement(secret, [distribution])), [distribution])
        return key is not None and distribution in key.opens and tokens.use_is_noted(key)

    def _asked(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if self._opened is None:
            self._opened = _connected(self._file)
        return self._opened.execute(_plain(statement), values).fetchall()


def _connected(file: str) -> sqlite3.Connection:
    # Whoever has locked all of it, as for a repair, is not waited for; and one that is not there is not made.
    made = sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    with closing(made.cursor()) as cursor:
        cursor.execute("PRAGMA query_only = 1")
        # In KiB. What is mapped instead would count as our memory, all of it in the end.
        cursor.execute("PRAGMA cache_size = -8192")
    return made


@lru_cache(maxsize=1024)
def _plain(statement: str) -> str:
    """As SQLite itself takes it."""
    return statement.replace("%s", "?")
