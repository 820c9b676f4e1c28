"""Fetching over http and https: one file at a time, with retries, limits and digests of our own.

A file's bytes go to disk and through sha256 as they come, and are never held in memory. They are taken raw:
whatever is asked for un-gzipped would not have the digest that the list promises.
"""

import math
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import requests

from . import causes, conf, headers, reasons, representation, urls
from .big_file import RESUMABLE, Anew, BigFile
from .errors.upstreams import FetchFailed
from .line import ERRORS, MAX_REDIRECTS, Line, Target, finish, stopped
from .receiving import Receiving, Wanted
from .sharing import Sharing, ask
from .transport import Transport
from .wire import patience
from .words import say

__all__ = ["MAX_REDIRECTS", "MAX_WAIT", "Fetched", "Fetcher"]

# The longest that an upstream's Retry-After is obeyed, in seconds; who asks for more is given up on.
MAX_WAIT = 120.0
# With so many streams at once, each is hashed by the thread that receives it: there is no core that has nothing to do.
BUSY = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought: the body's digest and size (bytes), and the validators that came with it.

    `unchanged` says that the upstream answered 304; there is no body then.
    """

    sha256: str
    size: int
    etag: str = ""
    last_modified: str = ""
    unchanged: bool = False


class Fetcher:
    """Fetches files, from many threads at once. A context manager that closes its connections.

    `stop` ends every wait and every body at its next block, by errors that nobody needs to see any more.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._line = Line(transport)

    @property
    def stop(self) -> threading.Event:
        return self._line.stop

    @stop.setter
    def stop(self, stop: threading.Event) -> None:
        self._line.stop = stop

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self._line.close()

    def fetch(
        self,
        url: str,
        into: Path,
        *,
        sha256: str = "",
        size: int | None = None,
        limit: int | None = None,
        conditions: dict[str, str] | None = None,
        count: Callable[[int], None] = lambda size: None,
        answered: requests.Response | None = None,
    ) -> Fetched:
        """Fetches `url` into the file `into`, trying again where that may help.

        `sha256` and `size` (bytes), where known, are what must come; `limit` is the most that may come. With
        `conditions` (headers such as If-None-Match) the answer may be that nothing has changed. `count` is told
        the bytes of each block, and minus those that were in vain. `answered` is what `url` was just answered with,
        without a body: the first try goes on from there. Raises FetchFailed after the last try, and NotStored.

        A big file that is known goes on where it broke off, in the next try or in the next fetch of the same bytes.
        """
        wanted = Wanted(url, into, sha256, size, limit, count)
        patience.due = due = monotonic() + (self.transport.deadline or math.inf)
        with self._place(url, due), self._big(wanted) as big:
            return self._fetch(wanted, due, conditions or {}, big, answered)

    @contextmanager
    def _place(self, url: str, due: float) -> Iterator[None]:
        """One of the connections that there may be: another file's, that only hurried it along, makes room."""
        if not self._line.places.take(lambda: self.stop.is_set() or monotonic() > due):
            raise stopped(url) if self.stop.is_set() else causes.of_pace(url, "deadline", self.transport)
        try:
            yield
        finally:
            self._line.places.leave()

    def _big(self, wanted: Wanted) -> "BigFile | nullcontext[None]":
        if not wanted.sha256 or wanted.size is None or wanted.size < RESUMABLE:
            return nullcontext()
        return BigFile(wanted.sha256, wanted.size, wanted.into, wanted.count, self.stop)

    def _fetch(
        self,
        wanted: Wanted,
        due: float,
        conditions: dict[str, str],
        big: BigFile | None,
        answered: requests.Response | None,
    ) -> Fetched:
        tries = 1
        while True:
            target, answered = Target(wanted.url, due, answered), None
            try:
                return self._try_big(target, wanted, big) if big else self._try(target, wanted, conditions)
            except Anew:
                assert big
                big.give_up_parts()
            except FetchFailed as error:
                wait = self._judge(error, tries, target)
                if wait is None or self.stop.wait(wait):
                    raise
                tries += 1

    def _judge(self, error: FetchFailed, tries: int, target: Target) -> float | None:
        """Seconds to wait before the next try, None if there is none. Raises FetchFailed if that would be too late."""
        error.tries = tries
        if target.at != target.url and error.cause != "redirects":
            error.led_to(urls.shown(target.at))
        wait = self._wait(error, tries)
        if wait is not None and monotonic() + wait >= target.due:
            late = causes.of_pace(target.url, "deadline", self.transport, error.why)
            late.tries = tries
            raise late from error
        return wait

    def _wait(self, error: FetchFailed, tries: int) -> float | None:
        if not error.retry or tries >= self.transport.tries:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= MAX_WAIT else None
        # Between half and all of a time that doubles, so that many who failed at once do not come back at once.
        longest = conf.retry_seconds() * 2.0 ** (tries - 1)
        return longest * random.uniform(0.5, 1)  # noqa: S311

    # ---- one try ----

    def _try(self, target: Target, wanted: Wanted, conditions: dict[str, str]) -> Fetched:
        with self._told(target), self._line.open(target, conditions) as response:
            if response.status_code == 304 and conditions:
                finish(response)
                return _fetched(response.headers, unchanged=True)
            return self._take(response, target, wanted)

    def _take(self, response: requests.Response, target: Target, wanted: Wanted) -> Fetched:
        """The whole body, whatever it is."""
        if response.status_code != 200:
            raise self._line.refused(target, response)
        encoding = response.headers.get("Content-Encoding", "identity")
        if not wanted.sha256 and encoding != "identity":
            finish(response)
            why = say("it came encoded ({encoding}), although that was not asked for", encoding=encoding[:40])
            raise FetchFailed(wanted.url, "encoding", why)
        receiving = Receiving(wanted)
        try:
            found = receiving.receive(self._line.blocks(response.raw, target))
        except (FetchFailed, *ERRORS):
            receiving.undo()
            raise
        return _fetched(response.headers, *found)

    def _try_big(self, target: Target, wanted: Wanted, big: BigFile) -> Fetched:
        """Asks for what is missing. Raises Anew, too: if what comes does not fit to what is there."""
        if big.is_whole:
            return _finished({}, wanted, big, self.stop)
        span = big.first_span()
        with self._told(target), self._line.open(target, big.part(span) if span else {}) as response:
            if span and response.status_code in (206, 416):
                if response.status_code == 416 or not big.has(response.headers, span):
                    finish(response)
                    raise Anew
                big.go_on()
            elif response.status_code == 200 and representation.is_plain(response.headers, big.size):
                big.begin(representation.validator(response.headers))
            elif response.status_code == 200:
                with big.aside():
                    return self._take(response, target, wanted)
            else:
                raise self._line.refused(target, response)
            self._bring(response, target, big)
            return _finished(response.headers, wanted, big, self.stop)

    def _bring(self, response: requests.Response, target: Target, big: BigFile) -> None:
        """All that is missing, beginning with what is in this answer."""
        if self._line.places.used < BUSY:
            big.following.start()
        parts = response.status_code == 206 or representation.has_parts(response.headers)
        answer: requests.Response | None = response
        with Sharing(self._line, big, target, parts=parts) as sharing:
            while piece := sharing.next():
                with big.held(piece), answer or ask(self._line, big, target, piece) as answer:
                    for _ in big.fill(piece, self._line.blocks(answer.raw, target, piece.left)):
                        sharing.look(piece)
                    if piece.left():
                        raise FetchFailed(target.url, "short", say(reasons.SHORT))
                answer = None

    @contextmanager
    def _told(self, target: Target) -> Iterator[None]:
        """Raises FetchFailed for what requests, urllib3 and the system raise."""
        try:
            yield
        except ERRORS as error:
            raise self._line.failed(target, error) from error


def _finished(answered: Mapping[str, str], wanted: Wanted, big: BigFile, stop: threading.Event) -> Fetched:
    found = big.finish()
    if found != wanted.sha256:
        if stop.is_set():
            raise stopped(wanted.url)
        big.forget()
    return _fetched(answered, *wanted.judged(found, big.size))


def _fetched(answered: Mapping[str, str], sha256: str = "", size: int = 0, *, unchanged: bool = False) -> Fetched:
    modified = headers.strong(answered.get("Last-Modified", ""), answered.get("Date", ""))
    return Fetched(sha256, size, answered.get("ETag", ""), modified, unchanged)
