"""Fetching over http: requests' session, its adapter and its errors, with retries, limits and digests of our own.

A file's bytes go to disk and through sha256 as they come, and are never held in memory. They are taken raw:
whatever is asked for un-gzipped would not have the digest that the list promises.
"""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.utils import timezone
from requests.adapters import HTTPAdapter

from . import conf
from .errors import FetchFailed, InvalidUrl

BLOCK = 1024 * 1024
MAX_REDIRECTS = 5
# Seconds to connect, and seconds without a byte.
TIMEOUT = (10, 30)
TRIES = 4
# The longest that an upstream's Retry-After is obeyed, in seconds; who asks for more is given up on.
MAX_WAIT = 120.0
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_REASONS = {
    401: "the upstream asks for a login (401)",
    403: "the upstream refuses access (403)",
    404: "there is no such file (404)",
    410: "the file is gone (410)",
    429: "the upstream says that there are too many requests (429)",
}


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


def check_url(url: str) -> str:
    """`url` itself if it can be an upstream; else raises InvalidUrl with the reason."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidUrl(f"The address cannot be read: {error}.") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidUrl("The address must begin with http:// or https://.")
    if not parts.hostname or port == 0:
        raise InvalidUrl("The address names no host, or no port, that could be asked.")
    if parts.username is not None or parts.password is not None:
        raise InvalidUrl("The address has a user name or a password in it, which would show up in logs and pages.")
    return url


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
        headers: dict[str, str] | None = None,
        count: Callable[[int], None] = lambda size: None,
    ) -> Fetched:
        """Fetches `url` into the file `into`, trying again where that may help.

        `sha256` and `size` (bytes), where known, are what must come; `limit` is the most that may come. `count` is
        told the bytes of each block, and minus those of a try that failed. Raises FetchFailed after the last try.
        """
        tries = 1
        while True:
            attempt = _Attempt(into, sha256, size, limit, count)
            try:
                return self._try(url, attempt, headers or {})
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

    def _try(self, url: str, attempt: "_Attempt", headers: dict[str, str]) -> Fetched:
        try:
            response = self._open(url, headers)
            with response:
                return self._take(url, response, attempt, conditional=bool(headers))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _failure(url, error) from error

    def _open(self, url: str, headers: dict[str, str]) -> requests.Response:
        """The answer that `url` or what it redirects to gives; its body is still to be read."""
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            request = self._template.copy()
            request.url = target
            request.headers.update(headers)
            response = self._adapter.send(request, stream=True, timeout=TIMEOUT, verify=True, proxies={})
            location = response.headers.get("Location")
            if response.status_code not in (301, 302, 303, 307, 308) or not location:
                return response
            response.close()
            target = _redirected(url, urljoin(target, location))
        raise FetchFailed(url, "redirects", f"it redirects more than {MAX_REDIRECTS} times", retry=False)

    def _take(self, url: str, response: requests.Response, attempt: "_Attempt", *, conditional: bool) -> Fetched:
        status = response.status_code
        etag = response.headers.get("ETag", "")
        modified = _strong_date(response)
        if status == 304 and conditional:
            return Fetched("", 0, etag, modified, unchanged=True)
        if status != 200:
            raise _bad_status(url, status, response.headers.get("Retry-After", ""))
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


def _redirected(url: str, target: str) -> str:
    try:
        return check_url(target)
    except InvalidUrl as error:
        raise FetchFailed(url, "redirects", f"it redirects to {target[:200]}: {error}", retry=False) from None


def _bad_status(url: str, status: int, retry_after: str) -> FetchFailed:
    why = _REASONS.get(status, f"the upstream answered {status}")
    return FetchFailed(url, str(status), why, retry=status in _RETRIED, retry_after=_seconds(retry_after.strip()))


def _strong_date(response: requests.Response) -> str:
    """The answer's Last-Modified, if no later change can have the same one (RFC 9110, 8.8.2.2); else nothing."""
    modified, now = response.headers.get("Last-Modified", ""), response.headers.get("Date", "")
    try:
        age = parsedate_to_datetime(now) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):
        return ""
    return modified if age >= timedelta(seconds=1) else ""


def _seconds(retry_after: str) -> float | None:
    """The wait that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3)."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:10])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - timezone.now()).total_seconds())


def _failure(url: str, error: Exception) -> FetchFailed:
    """The sentence for an error of the transport, by the cause at its root."""
    host = urlsplit(url).hostname
    chain = list(_causes(error))
    for kinds, cause, why in (
        (urllib3.exceptions.NameResolutionError, "dns", f"the name {host} is not known to DNS"),
        ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), "tls", "the TLS connection failed"),
        (ConnectionRefusedError, "refused", f"{host} refuses the connection"),
        (
            (urllib3.exceptions.TimeoutError, requests.Timeout, TimeoutError),
            "timeout",
            f"nothing came for {TIMEOUT[1]} seconds",
        ),
        (urllib3.exceptions.IncompleteRead, "short", "the connection ended before the whole file came"),
        (ConnectionResetError, "reset", "the connection was reset"),
    ):
        if any(isinstance(one, kinds) for one in chain):
            return FetchFailed(url, cause, why)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return FetchFailed(url, "disk", f"it could not be written: {error.strerror or error}", retry=False)
    return FetchFailed(url, "connection", f"the connection failed ({type(chain[-1]).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was made from: chained, wrapped as `reason`, or given as first argument."""
    while error is not None:
        yield error
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
