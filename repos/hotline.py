"""A connection to PostgreSQL for one question, which files are served where: planned before, and never waited for."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, error_message
from psycopg.pq.abc import PGresult

from . import lookup, tokens

# A base path, the path of a file below it, and as what the token of whoever asks is known.
Place = tuple[str, str, str | None]

# How many places a statement asks for, the last of which may be empty. There are few, for each is planned by itself.
PLACES = (4, 16, 64)
MOST = PLACES[-1]
# PostgreSQL's code for a prepared statement that is not there: a pool gave us another of its connections.
UNPREPARED = b"26000"


class Hotline:
    """One statement at a time is sent; its rows are taken when they are here.

    Once it is open nothing waits. All of it raises psycopg's errors, after which it is good for nothing more.
    """

    def __init__(self) -> None:
        """Opens it, and waits for that. Raises DatabaseError as well."""
        self._wrapper = connections.create_connection(DEFAULT_DB_ALIAS)
        # It is opened by one thread, and used by another.
        self._wrapper.inc_thread_sharing()
        self._wrapper.connect()
        connection: psycopg.Connection[Any] = self._wrapper.connection
        self._loader = Transformer(connection)
        self._line = connection.pgconn
        self._results: list[PGresult] = []
        prepared = [self._line.prepare(_name(places), _statement(places)) for places in PLACES]
        # A pool in between may keep nothing that is prepared. Then each statement is planned anew.
        self._is_prepared = all(result.status == ExecStatus.COMMAND_OK for result in prepared)
        self._line.nonblocking = 1

    @property
    def socket(self) -> int:
        return self._line.socket

    def send(self, asked: Sequence[Place]) -> None:
        places = next(places for places in PLACES if len(asked) <= places)
        values = [timezone.now().isoformat(), *(value for place in asked for value in place)]
        bound = [None if value is None else value.encode() for value in values]
        bound += [None] * (1 + 3 * places - len(bound))
        if self._is_prepared:
            self._line.send_query_prepared(_name(places), bound, result_format=1)
        else:
            self._line.send_query_params(_statement(places), bound, result_format=1)

    def flush(self) -> bool:
        """Whether the socket has to take more before all is sent."""
        return self._line.flush() != 0

    def take(self) -> dict[int, Sequence[Any]] | None:
        """The rows, by the numbers of their places among those that were asked for; None before all are here.

        Each is that number, then what `lookup.row_of` reads, then what `tokens.key_in` reads.
        """
        self._line.consume_input()
        while not self._line.is_busy():
            if (result := self._line.get_result()) is not None:
                self._results.append(result)
            elif self._results:
                results, self._results = self._results, []
                return self._rows(results[-1])
            else:
                return None
        return None

    def _rows(self, result: PGresult) -> dict[int, Sequence[Any]]:
        if result.status == ExecStatus.TUPLES_OK:
            self._loader.set_pgresult(result)
            return {row[0]: row for row in self._loader.load_rows(0, result.ntuples, tuple)}
        if self._is_prepared and result.error_field(DiagnosticField.SQLSTATE) == UNPREPARED:
            self._is_prepared = False
            return {}
        raise psycopg.DatabaseError(error_message(result))

    def abandon(self) -> None:
        """Closes it, and has the statement that is under way ended: it may wait for a lock. Waits for that."""
        with suppress(psycopg.Error):
            self._line.get_cancel().cancel()
        self.close()

    def close(self) -> None:
        self._wrapper.close()


@cache
def _statement(places: int) -> bytes:
    numbers = (range(3 * place + 2, 3 * place + 5) for place in range(places))
    asked = ", ".join(f"(${a}::text, ${b}::text, ${c}::text, {place})" for place, (a, b, c) in enumerate(numbers))
    joins = tokens.key_joins("d.id", digest="asked.token", now="$1::timestamptz")
    columns = ("asked.place", tokens.KEY)
    return lookup.many_statement(asked, names="token, place", columns=columns, joins=joins).encode()


@cache
def _name(places: int) -> bytes:
    """Another statement has another name: what a pool keeps may be of another process, or of another release."""
    return f"millrace_{sha256(_statement(places)).hexdigest()[:16]}".encode()
