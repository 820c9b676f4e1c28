"""Why a fetch failed, in words: the errors of the transport and the answers of upstreams, by the cause at the root."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.exceptions import InvalidChunkLength, NameResolutionError

from . import headers
from .errors import FetchFailed

_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_STATUSES = {
    401: "the upstream asks for a login (401)",
    403: "the upstream refuses access (403)",
    404: "there is no such file (404)",
    410: "the file is gone (410)",
    429: "the upstream says that there are too many requests (429)",
}
# The first that fits one of the errors in the chain; `{host}` is the upstream's.
_ERRORS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((NameResolutionError,), "dns", "the name {host} is not known to DNS"),
    ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), "tls", "the TLS connection failed"),
    ((ConnectionRefusedError,), "refused", "{host} refuses the connection"),
    ((urllib3.exceptions.ConnectTimeoutError,), "timeout", "{host} did not answer for {connect} seconds"),
    ((urllib3.exceptions.TimeoutError, requests.Timeout, TimeoutError), "timeout", "nothing came for {read} seconds"),
    (
        (urllib3.exceptions.IncompleteRead, http.client.IncompleteRead, InvalidChunkLength),
        "short",
        "the connection ended before the whole file came",
    ),
    ((ConnectionResetError,), "reset", "the connection was reset"),
)


def of_status(url: str, status: int, retry_after: str) -> FetchFailed:
    """The failure that an answer with another status than the wanted one is; `retry_after` is its header."""
    why = _STATUSES.get(status, f"the upstream answered {status}")
    wait = headers.retry_after(retry_after)
    return FetchFailed(url, str(status), why, retry=status in _RETRIED, retry_after=wait)


def of_error(url: str, error: Exception, timeout: tuple[float, float]) -> FetchFailed:
    """The failure that an error of requests, urllib3 or the system is; `timeout` is as requests takes it."""
    chain = list(_chain(error))
    for kinds, cause, why in _ERRORS:
        if any(isinstance(one, kinds) for one in chain):
            connect, read = timeout
            return FetchFailed(url, cause, why.format(host=urlsplit(url).hostname, connect=connect, read=read))
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return FetchFailed(url, "disk", f"it could not be written: {error.strerror or error}", retry=False)
    return FetchFailed(url, "connection", f"the connection failed ({type(chain[-1]).__name__})")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was made from: chained, wrapped as `reason`, or given as first argument."""
    while error is not None:
        yield error
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
