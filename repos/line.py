"""The line to an upstream: one request after another, their redirects, and their bodies at the pace that is allowed."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

import requests
import urllib3

from . import causes, urls
from .errors.upstreams import FetchFailed
from .pace import Throttle, Watch
from .places import Places
from .route import Route
from .transport import Transport
from .words import say

MAX_REDIRECTS = 5
# The most that is read of an answer that is not wanted, in bytes.
_SHORT = 64 * 1024
# What requests, urllib3 and the system raise.
ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


@dataclass(slots=True)
class Target:
    """A file at `url`; `at` is where redirects have led so far.

    `due` is when there is no more time for it, by the monotonic clock. `answered` is what `url` was just answered with,
    without a body: that need not be asked for.
    """

    url: str
    due: float
    answered: requests.Response | None = None
    at: str = field(init=False)

    def __post_init__(self) -> None:
        self.at = self.url


class Line:
    """Asks an upstream, from many threads at once. `stop` ends every body at its next block."""

    def __init__(self, transport: Transport) -> None:
        self.stop = threading.Event()
        self.transport = transport
        self.places = Places(transport.concurrency)
        # Credentials go where they are for, and nowhere that a list or a redirect may lead besides.
        self._trusted, self._other = Route(transport, trusted=True), Route(transport, trusted=False)
        self._throttle = Throttle(transport.rate_limit)

    def close(self) -> None:
        self._trusted.close()
        self._other.close()

    def open(self, target: Target, headers: dict[str, str]) -> requests.Response:
        """The answer that the file's address or what it redirects to gives; its body is still to be read."""
        for _ in range(MAX_REDIRECTS + 1):
            given, target.answered = target.answered, None
            # Not by its truth: an answer that is an error is false.
            response = self._ask(target, headers) if given is None else given
            location = response.headers.get("Location")
            if response.status_code not in (301, 302, 303, 307, 308) or not location:
                return response
            finish(response)
            target.at = urls.redirected(target.url, target.at, location)
        why = say(
            "it redirects more than {most} times, at last to {at}",
            most=MAX_REDIRECTS,
            at=urls.shown(target.at),
        )
        raise FetchFailed(target.url, "redirects", why, retry=False)

    def _ask(self, target: Target, headers: dict[str, str]) -> requests.Response:
        return self.route(target.at).get(target.at, headers, self._timeout(target))

    def route(self, url: str) -> Route:
        return self._trusted if self.transport.trusts(url) else self._other

    def _timeout(self, target: Target) -> tuple[float, float]:
        """Seconds to connect, and seconds without a byte: no longer than there is time."""
        left = max(target.due - monotonic(), 0.001)
        return min(self.transport.connect_timeout, left), min(self.transport.read_timeout, left)

    def blocks(
        self, raw: urllib3.BaseHTTPResponse, target: Target, most: Callable[[], float] = lambda: math.inf
    ) -> Iterator[bytes]:
        """The body as it comes, neither faster nor more slowly than it may, until `stop`; of it, `most` further bytes.

        Raises FetchFailed, and what requests, urllib3 and the system raise.
        """
        watch = Watch(self.transport.least_speed, target.due)
        while (size := min(self._throttle.block, most())) and (block := raw.read1(int(size), decode_content=False)):
            self.places.count(len(block))
            yield block
            waited = self._throttle.wait(len(block), self.stop)
            if self.stop.is_set():
                raise stopped(target.url)
            if cause := watch.arrived(len(block), waited):
                raise causes.of_pace(target.url, cause, self.transport)

    def refused(self, target: Target, response: requests.Response) -> FetchFailed:
        """The failure that an answer with another status than the wanted one is. Reads what is left of it."""
        finish(response)
        return causes.of_status(target.url, target.at, response, self.transport, self.route(target.at))

    def failed(self, target: Target, error: Exception) -> FetchFailed:
        """The failure that one of ERRORS is."""
        if monotonic() > target.due:
            return causes.of_pace(target.url, "deadline", self.transport)
        return causes.of_error(target.url, target.at, error, self.transport, self.route(target.at))


def stopped(url: str) -> FetchFailed:
    return FetchFailed(url, "stopped", say("the job was stopped"), retry=False)


def finish(response: requests.Response) -> None:
    """Reads what there is of a short answer that nobody wants: only a connection that was read out is used again."""
    # A 304 may call itself chunked as the whole answer would be, but it has no body (RFC 9112, 6.1): nothing will come.
    chunked = response.status_code == 304 and response.headers.get("Transfer-Encoding")
    with suppress(urllib3.exceptions.HTTPError, OSError):
        # A few reads at most: it may come in drips.
        for _ in range(0 if chunked else 4):
            if not response.raw.read1(_SHORT, decode_content=False):
                break
    response.close()
