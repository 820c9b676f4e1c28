"""Looking up files in PostgreSQL without ever waiting, for a thread that others wait for: it asks, and is told later.

What is asked while a statement is under way goes together into the next one, and PostgreSQL has planned it before: so a
file costs a tenth of a statement of its own. Nothing is remembered of what was told: every answer is what the database
says after it was asked. Whatever is unclear, or takes too long, goes the usual way.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any, NamedTuple

import psycopg
from django.db import DatabaseError

from . import lookup, tokens
from .glance import Found
from .hotline import MOST, Hotline, Place

logger = logging.getLogger(__name__)

# In seconds. What takes longer than the first may have been planned for tables as they were once, so that another
# connection has it planned anew; what takes longer than the second is given up.
SLOW, OVERDUE = 0.25, 2.0
# In seconds. A connection that nobody needed for so long is let go: who is in between may have forgotten it.
IDLE = 60.0
# In seconds, before another connection is opened.
REST = 5.0

Tell = Callable[[Found | None], object]


class Inquiry(NamedTuple):
    """Where a file may be, and who is told: the file, or None where it takes a closer look to say."""

    places: list[Place]
    tell: Tell


class Inquiries:
    """All that one thread asks, over a connection of its own, which another thread opens when it is first needed.

    `call` has the first thread call something; `changed` is called in it whenever `socket` is another one.
    """

    def __init__(self, call: Callable[[Callable[[], None]], object], changed: Callable[[], None]) -> None:
        self._call = call
        self._changed = changed
        self._line: Hotline | None = None
        self._opening: Thread | None = None
        self._opened: Hotline | None = None
        self._rests_until = 0.0
        self._waiting: list[Inquiry] = []
        self._asked: list[Inquiry] = []
        # When the last statement was sent or answered.
        self._since = 0.0

    @property
    def socket(self) -> int | None:
        """What to look at for answers; None without a connection."""
        return self._line.socket if self._line else None

    def ask(self, path: str, secret: str, tell: Tell) -> bool:
        """Whether `tell` will be called with what whoever brings this token may have at `path`."""
        if self._line is None:
            self._open()
            return False
        if not lookup.could_be(path):
            return False
        token = tokens.digest_of(secret) if secret else None
        places = [(base_path, inside, token) for base_path, inside in lookup.places(path)]
        if len(places) > MOST:
            return False
        self._waiting.append(Inquiry(places, tell))
        return True

    def go_on(self) -> bool:
        """Sends what was asked, unless another statement is under way. To be called before each look at the socket.

        Whether that has to take more before all is sent.
        """
        if self._line is None:
            return False
        try:
            if self._asked or self._waiting:
                self._send(self._line)
            elif time.monotonic() - self._since > IDLE:
                self._let_go()
            return self._line is not None and self._line.flush()
        except psycopg.Error as error:
            self._let_go(str(error))
            return False

    def _send(self, line: Hotline) -> None:
        if not self._asked:
            self._asked, self._since = self._next(), time.monotonic()
            line.send([place for one in self._asked for place in one.places])
        elif time.monotonic() - self._since > OVERDUE:
            self._let_go("PostgreSQL takes too long")

    def _next(self) -> list[Inquiry]:
        """Those who waited longest, as many as go into one statement."""
        places = count = 0
        for one in self._waiting:
            places += len(one.places)
            if places > MOST:
                break
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def take(self) -> None:
        """Takes what has come, and tells those who asked."""
        if self._line is None:
            return
        try:
            rows = self._line.take()
        except psycopg.Error as error:
            self._let_go(str(error))
            return
        if rows is None:
            return
        asked, self._asked = self._asked, []
        took, self._since = time.monotonic() - self._since, time.monotonic()
        if took > SLOW:
            self._open()
        self._change_over()
        # The database works while we tell.
        self.go_on()
        _tell(asked, rows)

    # ---- the connection --------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._opening is None and time.monotonic() >= self._rests_until:
            # A daemon: who ends us is not kept waiting by a database that does not answer.
            self._opening = Thread(target=self._connect, daemon=True)
            self._opening.start()

    def _connect(self) -> None:
        """In a thread of its own."""
        try:
            self._opened = Hotline()
        except (DatabaseError, psycopg.Error) as error:
            # Who asks meanwhile goes the usual way, and tells people.
            logger.debug("No connection for looking up files: %s", error)
        self._call(self._begin)

    def _begin(self) -> None:
        self._opening, self._rests_until = None, time.monotonic() + REST
        if not self._asked:
            self._change_over()

    def _change_over(self) -> None:
        """From now on asks over the connection that was opened last."""
        if self._opened:
            earlier, self._line, self._opened = self._line, self._opened, None
            self._since = time.monotonic()
            self._changed()
            if earlier:
                earlier.close()

    def _let_go(self, why: str = "") -> None:
        """Closes the connection. All who asked go the usual way."""
        if why:
            logger.warning("Files are looked up one by one for now: %s", " ".join(why.split()))
            self._rests_until = time.monotonic() + REST
        line, self._line = self._line, None
        asked, self._asked, self._waiting = [*self._asked, *self._waiting], [], []
        self._changed()
        self._change_over()
        if line and asked:
            # PostgreSQL is told to stop, which may have to be waited for.
            Thread(target=line.abandon, daemon=True).start()
        elif line:
            line.close()
        _tell(asked, {})

    def close(self) -> None:
        """For good, when its thread asks no more. Who waits is told nothing."""
        if self._opening:
            self._opening.join()
        self._waiting, self._asked = [], []
        while self._line or self._opened:
            self._let_go()


def _tell(asked: Sequence[Inquiry], rows: Mapping[int, Sequence[Any]]) -> None:
    """`rows` are what was found, by the number of the place among all that were asked for."""
    start = 0
    for one in asked:
        stop = start + len(one.places)
        # Base paths never nest: at most one of the places is there.
        found = next((rows[place] for place in range(start, stop) if place in rows), None)
        one.tell(_found(found) if found else None)
        start = stop


def _found(row: Sequence[Any]) -> Found | None:
    _, *columns = row
    distribution, is_protected, file = lookup.row_of(columns[: lookup.WIDTH])
    if not file or (is_protected and not _opens(columns[lookup.WIDTH :], distribution)):
        return None
    return Found(file, is_protected)


def _opens(columns: Sequence[Any], distribution: int) -> bool:
    key = tokens.key_in([columns], [distribution])
    return key is not None and distribution in key.opens and tokens.use_is_noted(key)
