"""What a failing database means: that it is away for a while, that it cannot write, or that the mistake is ours."""

import sqlite3
from typing import NamedTuple

from django.db import Error, InterfaceError, OperationalError, connection

from .words import later, say


class Outage(NamedTuple):
    """`passes`: by itself, so to wait is worth while."""

    passes: bool
    sentence: str

    @property
    def why(self) -> str:
        """A sentence that tells no names of the database."""
        return say(self.sentence)


_AWAY = Outage(passes=True, sentence=later("The database does not answer. Try again soon."))
_BUSY = Outage(passes=True, sentence=later("The database is busy: others have locked it for too long. Try again soon."))
_FULL = Outage(
    passes=False, sentence=later("The database has no room left to write. Make room on its disk, then try again.")
)
_READ_ONLY = Outage(
    passes=False,
    sentence=later(
        "The database can only be read. Look at the rights of its files and how its disk is mounted, then try again."
    ),
)
_DISK = Outage(
    passes=False,
    sentence=later("The database cannot read or write its files. Look at its disk and its rights, then try again."),
)
_BROKEN = Outage(passes=False, sentence=later("The database is damaged. Bring back a copy of it from a backup."))
_TOO_LONG = Outage(
    passes=False, sentence=later("The database broke off a query that took too long. Look at its time limits.")
)

# By SQLite's primary result codes.
_SQLITE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_CANTOPEN: _DISK,
    sqlite3.SQLITE_CORRUPT: _BROKEN,
    sqlite3.SQLITE_NOTADB: _BROKEN,
}
# By the beginnings of PostgreSQL's SQLSTATEs (its appendix A). None at all comes with a connection that broke.
_POSTGRESQL = (
    ("08", _AWAY),
    ("57P", _AWAY),
    ("57014", _TOO_LONG),
    ("53100", _FULL),
    ("53", _AWAY),
    ("40", _BUSY),
    ("55P03", _BUSY),
    ("25006", _READ_ONLY),
    ("58", _DISK),
    ("XX001", _BROKEN),
    ("XX002", _BROKEN),
)


def of(error: BaseException) -> Outage | None:
    """What `error` says of the database; None if nothing is wrong with that."""
    if not isinstance(error, Error):
        return None
    cause = error.__cause__
    if (code := getattr(cause, "sqlite_errorcode", None)) is not None:
        return _SQLITE.get(code & 0xFF)
    if state := getattr(cause, "sqlstate", None):
        return next((outage for start, outage in _POSTGRESQL if state.startswith(start)), None)
    lost = isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and cause is not None)
    return _AWAY if lost and connection.vendor == "postgresql" else None


def told(error: BaseException) -> str:
    """What the database itself said, in one line, for the log."""
    return " ".join(str(error).split()) or type(error).__name__
