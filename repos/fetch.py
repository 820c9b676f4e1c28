"""Fetching over http and https: one file at a time, with retries, limits and digests of our own.

A file's bytes go to disk and through sha256 as they come, and are never held in memory. They are taken raw:
whatever is asked for un-gzipped would not have the digest that the list promises.
"""

import hashlib
import math
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from time import monotonic

import requests
import urllib3

from . import causes, conf, headers, space, units, urls
from .errors import FetchFailed
from .pace import Throttle, Watch
from .route import Route
from .transport import Transport
from .wire import patience

MAX_REDIRECTS = 5
# The most that is read of an answer that is not wanted, in bytes.
_SHORT = 64 * 1024
# The longest that an upstream's Retry-After is obeyed, in seconds; who asks for more is given up on.
MAX_WAIT = 120.0


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
        self.stop = threading.Event()
        self.transport = transport
        # Credentials go where they are for, and nowhere that a list or a redirect may lead besides.
        self._trusted, self._other = Route(transport, trusted=True), Route(transport, trusted=False)
        self._throttle = Throttle(transport.rate_limit)

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self._trusted.close()
        self._other.close()

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
    ) -> Fetched:
        """Fetches `url` into the file `into`, trying again where that may help.

        `sha256` and `size` (bytes), where known, are what must come; `limit` is the most that may come. With
        `conditions` (headers such as If-None-Match) the answer may be that nothing has changed. `count` is told
        the bytes of each block, and minus those of a try that failed. Raises FetchFailed after the last try, and
        NotStored.
        """
        tries, due = 1, monotonic() + (self.transport.deadline or math.inf)
        patience.due = due
        while True:
            attempt = _Attempt(url, due, into, sha256, size, limit, count)
            try:
                return self._try(attempt, conditions or {})
            except FetchFailed as error:
                attempt.undo()
                error.tries = tries
                if attempt.at != url and error.cause != "redirects":
                    error.led_to(urls.shown(attempt.at))
                wait = self._wait(error, tries)
                if wait is not None and monotonic() + wait >= due:
                    late = causes.of_pace(url, "deadline", self.transport, error.why)
                    late.tries = tries
                    raise late from error
                if wait is None or self.stop.wait(wait):
                    raise
                tries += 1

    def _wait(self, error: FetchFailed, tries: int) -> float | None:
        """Seconds to wait before the next try; None if there is none."""
        if not error.retry or tries >= self.transport.tries:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= MAX_WAIT else None
        # Between half and all of a time that doubles, so that many who failed at once do not come back at once.
        longest = conf.retry_seconds() * 2.0 ** (tries - 1)
        return longest * random.uniform(0.5, 1)  # noqa: S311

    def _try(self, attempt: "_Attempt", conditions: dict[str, str]) -> Fetched:
        try:
            response = self._open(attempt, conditions)
            with response:
                return self._take(response, attempt, conditional=bool(conditions))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if monotonic() > attempt.due:
                raise causes.of_pace(attempt.url, "deadline", self.transport) from error
            raise causes.of_error(attempt.url, attempt.at, error, self.transport, self._route(attempt.at)) from error

    def _route(self, url: str) -> Route:
        return self._trusted if self.transport.trusts(url) else self._other

    def _open(self, attempt: "_Attempt", conditions: dict[str, str]) -> requests.Response:
        """The answer that the file's address or what it redirects to gives; its body is still to be read."""
        for _ in range(MAX_REDIRECTS + 1):
            response = self._route(attempt.at).get(attempt.at, conditions, self._timeout(attempt))
            location = response.headers.get("Location")
            if response.status_code not in (301, 302, 303, 307, 308) or not location:
                return response
            _finish(response)
            attempt.at = urls.redirected(attempt.url, attempt.at, location)
        why = f"it redirects more than {MAX_REDIRECTS} times, at last to {urls.shown(attempt.at)}"
        raise FetchFailed(attempt.url, "redirects", why, retry=False)

    def _timeout(self, attempt: "_Attempt") -> tuple[float, float]:
        """Seconds to connect, and seconds without a byte: no longer than there is time."""
        left = max(attempt.due - monotonic(), 0.001)
        return min(self.transport.connect_timeout, left), min(self.transport.read_timeout, left)

    def _take(self, response: requests.Response, attempt: "_Attempt", *, conditional: bool) -> Fetched:
        url, status = attempt.url, response.status_code
        etag = response.headers.get("ETag", "")
        modified = headers.strong(response.headers.get("Last-Modified", ""), response.headers.get("Date", ""))
        if status != 200:
            _finish(response)
        if status == 304 and conditional:
            return Fetched("", 0, etag, modified, unchanged=True)
        if status != 200:
            raise causes.of_status(url, attempt.at, response, self.transport, self._route(attempt.at))
        encoding = response.headers.get("Content-Encoding", "identity")
        if not attempt.sha256 and encoding != "identity":
            raise FetchFailed(url, "encoding", f"it came encoded ({encoding[:40]}), although that was not asked for")
        digest, size = attempt.receive(self._blocks(response.raw, attempt))
        return Fetched(digest, size, etag, modified)

    def _blocks(self, raw: urllib3.BaseHTTPResponse, attempt: "_Attempt") -> Iterator[bytes]:
        """The body as it comes, neither faster nor more slowly than it may, until `stop`."""
        watch = Watch(self.transport.least_speed, attempt.due)
        while block := raw.read1(self._throttle.block, decode_content=False):
            yield block
            waited = self._throttle.wait(len(block), self.stop)
            if self.stop.is_set():
                raise FetchFailed(attempt.url, "stopped", "the job was stopped", retry=False)
            if cause := watch.arrived(len(block), waited):
                raise causes.of_pace(attempt.url, cause, self.transport)


class _Attempt:
    """One try at the file at `url`: takes the body, and takes back what it counted if that was in vain.

    `at` is where redirects have led so far; `due` is when there is no more time for it, by the monotonic clock.
    """

    def __init__(
        self,
        url: str,
        due: float,
        into: Path,
        sha256: str,
        size: int | None,
        limit: int | None,
        count: Callable[[int], None],
    ) -> None:
        self.url = self.at = url
        self.due = due
        self.sha256 = sha256
        self._into = into
        self._size = size
        self._limit = limit if size is None else size
        self._count = count
        self._received = 0

    def receive(self, blocks: Iterator[bytes]) -> tuple[str, int]:
        """Writes and hashes the body; returns its sha256 and size. Raises FetchFailed if it is not what must come.

        Raises NotStored where our own disk does not take it: then no other file can be stored either.
        """
        digest = hashlib.sha256()
        with space.storing():
            opened = self._into.open("wb", buffering=0)
        with opened as file:
            for block in blocks:
                self._received += len(block)
                self._count(len(block))
                if self._limit is not None and self._received > self._limit:
                    break
                digest.update(block)
                with space.storing():
                    _write(file, block)
        return self._judged(digest.hexdigest())

    def _judged(self, sha256: str) -> tuple[str, int]:
        url, size = self.url, self._received
        if self._size is not None and size != self._size:
            more = "at least " if size > self._size else ""
            why = f"it is {more}{units.counted(size, 'byte')} long, the list says {self._size:,}"
            raise FetchFailed(url, "size", why, size=size)
        if self._limit is not None and size > self._limit:
            why = f"it is longer than {units.counted(self._limit, 'byte')}"
            raise FetchFailed(url, "limit", why, size=size, retry=False)
        if self.sha256 and sha256 != self.sha256:
            why = f"its sha256 is {sha256}, the list says {self.sha256}"
            raise FetchFailed(url, "digest", why, sha256=sha256, size=size)
        return sha256, size

    def undo(self) -> None:
        self._count(-self._received)
        self._into.unlink(missing_ok=True)


def _write(file: FileIO, block: bytes) -> None:
    """All of it: of what the disk has room for only in part, a plain write keeps the rest to itself."""
    left = memoryview(block)
    while left:
        left = left[file.write(left) :]


def _finish(response: requests.Response) -> None:
    """Reads what there is of a short answer that nobody wants: only a connection that was read out is used again."""
    # A 304 may call itself chunked as the whole answer would be, but it has no body (RFC 9112, 6.1): nothing will come.
    chunked = response.status_code == 304 and response.headers.get("Transfer-Encoding")
    with suppress(urllib3.exceptions.HTTPError, OSError):
        # A few reads at most: it may come in drips.
        for _ in range(0 if chunked else 4):
            if not response.raw.read1(_SHORT, decode_content=False):
                break
    response.close()
