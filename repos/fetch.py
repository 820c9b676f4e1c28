"""Fetching over http: requests' session, its adapter and its errors, with retries, limits and digests of our own.

A file's bytes go to disk and through sha256 as they come, and are never held in memory. They are taken raw:
whatever is asked for un-gzipped would not have the digest that the list promises.
"""

import hashlib
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter

from . import causes, conf, headers, urls
from .errors import FetchFailed

BLOCK = 1024 * 1024
MAX_REDIRECTS = 5
# The most that is read of an answer that is not wanted, in bytes.
_SHORT = 64 * 1024
# Seconds to connect, and seconds without a byte.
TIMEOUT = (10, 30)
TRIES = 4
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

    def __init__(self, connections: int) -> None:
        self.stop = threading.Event()
        session = requests.Session()
        session.headers = requests.structures.CaseInsensitiveDict(
            {"User-Agent": conf.user_agent(), "Accept": "*/*", "Accept-Encoding": "identity"}
        )
        session.trust_env = False
        self._session = session
        self._template = session.prepare_request(requests.Request("GET", "http://localhost/"))
        # Straight through the adapter: what the session does besides for each request costs more than the request.
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections, max_retries=0)

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        self._adapter.close()
        self._session.close()

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
        the bytes of each block, and minus those of a try that failed. Raises FetchFailed after the last try.
        """
        tries = 1
        while True:
            attempt = _Attempt(into, sha256, size, limit, count)
            try:
                return self._try(url, attempt, conditions or {})
            except FetchFailed as error:
                attempt.undo()
                error.tries = tries
                wait = self._wait(error, tries)
                if wait is None or self.stop.wait(wait):
                    raise
                tries += 1

    def _wait(self, error: FetchFailed, tries: int) -> float | None:
        """Seconds to wait before the next try; None if there is none."""
        if not error.retry or tries >= TRIES:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= MAX_WAIT else None
        # Between half and all of a time that doubles, so that many who failed at once do not come back at once.
        longest = conf.retry_seconds() * 2.0 ** (tries - 1)
        return longest * random.uniform(0.5, 1)  # noqa: S311

    def _try(self, url: str, attempt: "_Attempt", conditions: dict[str, str]) -> Fetched:
        try:
            response = self._open(url, conditions)
            with response:
                return self._take(url, response, attempt, conditional=bool(conditions))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise causes.of_error(url, error, TIMEOUT) from error

    def _open(self, url: str, conditions: dict[str, str]) -> requests.Response:
        """The answer that `url` or what it redirects to gives; its body is still to be read."""
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            request = self._template.copy()
            request.url = target
            request.headers.update(conditions)
            response = self._adapter.send(request, stream=True, timeout=TIMEOUT, verify=True, proxies={})
            location = response.headers.get("Location")
            if response.status_code not in (301, 302, 303, 307, 308) or not location:
                return response
            _finish(response)
            target = urls.redirected(url, target, location)
        raise FetchFailed(url, "redirects", f"it redirects more than {MAX_REDIRECTS} times", retry=False)

    def _take(self, url: str, response: requests.Response, attempt: "_Attempt", *, conditional: bool) -> Fetched:
        status = response.status_code
        etag = response.headers.get("ETag", "")
        modified = headers.strong(response.headers.get("Last-Modified", ""), response.headers.get("Date", ""))
        if status != 200:
            _finish(response)
        if status == 304 and conditional:
            return Fetched("", 0, etag, modified, unchanged=True)
        if status != 200:
            raise causes.of_status(url, status, response.headers.get("Retry-After", ""))
        encoding = response.headers.get("Content-Encoding", "identity")
        if not attempt.sha256 and encoding != "identity":
            raise FetchFailed(url, "encoding", f"it came encoded ({encoding[:40]}), although that was not asked for")
        digest, size = attempt.receive(url, response.raw, self.stop)
        return Fetched(digest, size, etag, modified)


class _Attempt:
    """One try at one file: takes the body, and takes back what it counted if that was in vain."""

    def __init__(
        self, into: Path, sha256: str, size: int | None, limit: int | None, count: Callable[[int], None]
    ) -> None:
        self.sha256 = sha256
        self._into = into
        self._size = size
        self._limit = limit if size is None else size
        self._count = count
        self._received = 0

    def receive(self, url: str, raw: urllib3.BaseHTTPResponse, stop: threading.Event) -> tuple[str, int]:
        """Writes and hashes the body; returns its sha256 and size. Raises FetchFailed if it is not what must come."""
        digest = hashlib.sha256()
        with self._into.open("wb", buffering=0) as file:
            while block := raw.read1(BLOCK, decode_content=False):
                self._received += len(block)
                self._count(len(block))
                if stop.is_set():
                    raise FetchFailed(url, "stopped", "the job was stopped", retry=False)
                if self._limit is not None and self._received > self._limit:
                    break
                digest.update(block)
                file.write(block)
        return self._judged(url, digest.hexdigest())

    def _judged(self, url: str, sha256: str) -> tuple[str, int]:
        size = self._received
        if self._size is not None and size != self._size:
            more = "at least " if size > self._size else ""
            why = f"it is {more}{size:,} bytes long, the list says {self._size:,}"
            raise FetchFailed(url, "size", why, size=size)
        if self._limit is not None and size > self._limit:
            raise FetchFailed(url, "limit", f"it is longer than {self._limit:,} bytes", size=size, retry=False)
        if self.sha256 and sha256 != self.sha256:
            why = f"its sha256 is {sha256}, the list says {self.sha256}"
            raise FetchFailed(url, "digest", why, sha256=sha256, size=size)
        return sha256, size

    def undo(self) -> None:
        self._count(-self._received)
        self._into.unlink(missing_ok=True)


def _finish(response: requests.Response) -> None:
    """Reads what there is of a short answer that nobody wants: only a connection that was read out is used again."""
    with suppress(urllib3.exceptions.HTTPError, OSError):
        response.raw.read(_SHORT, decode_content=False)
    response.close()
