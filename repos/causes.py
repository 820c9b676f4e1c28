"""Why a fetch failed and what to do about it, in words: by the errors of the transport and the answers of upstreams."""

import http.client
import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.exceptions import (
    InvalidChunkLength,
    LocationParseError,
    NameResolutionError,
    ProxySchemeUnknown,
    ReadTimeoutError,
)

from . import headers, tls, units
from .dial import NotAsked, SlowLookup
from .errors import FetchFailed
from .route import Route
from .transport import Proxy, Transport, origin_of
from .wire import Late

_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_STATUSES = {
    206: "only a part came, although all was asked for (206)",
    304: "the upstream says “not changed” to somebody who has nothing yet (304)",
    403: "the upstream refuses access (403)",
    404: "there is no such file (404)",
    410: "the file is gone (410)",
    429: "the upstream says that there are too many requests (429)",
}
# The first that fits one of the errors in the chain; `{who}` is the host that was asked, or the proxy.
_ERRORS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((SlowLookup,), "dns", "DNS did not answer within {connect} where {who} is"),
    ((NameResolutionError,), "dns", "the name {who} is not known to DNS"),
    ((LocationParseError,), "dns", "{who} is no name that a host can have"),
    ((ConnectionRefusedError,), "refused", "{who} refuses the connection"),
    ((urllib3.exceptions.ConnectTimeoutError,), "timeout", "{who} did not answer for {connect}"),
    ((Late,), "timeout", "no whole answer came within {read}"),
    ((urllib3.exceptions.TimeoutError, requests.Timeout, TimeoutError), "timeout", "nothing came for {read}"),
    (
        (urllib3.exceptions.IncompleteRead, http.client.IncompleteRead, InvalidChunkLength),
        "short",
        "the connection ended before the whole file came",
    ),
    ((http.client.RemoteDisconnected,), "reset", "{who} closed the connection without an answer"),
    ((ConnectionResetError, BrokenPipeError), "reset", "the connection was reset"),
    ((http.client.HTTPException,), "protocol", "what {who} answered is not HTTP"),
)
_MEND_CA = "If you trust it, enter the certificate of its authority as the remote's CA certificates."
# By OpenSSL's numbers for what it did not like about a certificate (X509_V_ERR_…).
_CERTIFICATES = {
    9: ("is not valid yet", "Compare the clocks of this server and of the upstream."),
    10: ("has expired", "Whoever runs the upstream has to renew it."),
    18: ("is signed by nobody but itself", "If you trust it, enter it as the remote's CA certificates."),
    **dict.fromkeys((2, 19, 20, 21), ("comes from an authority that is not trusted here", _MEND_CA)),
}
_WRONG_NAME = {62, 64}
# Seconds for a question that only makes an error clearer.
_ASIDE = 3
_MEND_NAME = "Use a name of the certificate in the remote's URL, or have a certificate made out to this name."
_MEND_CLIENT = "Enter a client certificate and its key on the remote, or look whether they are the right ones."
_MEND_VERSION = "The upstream is too old to be spoken to safely: it needs TLS 1.2 or newer."
_MEND_SCHEME = "Look whether the URL should begin with http://, or name another port."
# By a part of OpenSSL's reason for ending a connection; `{who}` as above.
_ALERTS = {
    "CERTIFICATE_REQUIRED": ("{who} asks for a client certificate", _MEND_CLIENT),
    "HANDSHAKE_FAILURE": ("{who} broke off while TLS was agreed on; it may ask for a client certificate", _MEND_CLIENT),
    **dict.fromkeys(
        ("UNKNOWN_CA", "_CERTIFICATE", "CERTIFICATE_", "ACCESS_DENIED"),
        ("{who} does not accept the client certificate", _MEND_CLIENT),
    ),
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"),
        ("{who} does not speak TLS at this port", _MEND_SCHEME),
    ),
    **dict.fromkeys(
        ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"),
        ("{who} has no version of TLS in common with us", _MEND_VERSION),
    ),
}
# What a proxy that refuses to connect us says; the error is http.client's, and has no other form.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")

_KINDS = {
    "address": "address",
    "dns": "dns",
    "proxy": "proxy",
    "tls": "tls",
    **dict.fromkeys(("401", "403"), "authentication"),
    **dict.fromkeys(("404", "410"), "not_found"),
    **dict.fromkeys(("limit", "deadline", "disk"), "limit"),
    **dict.fromkeys(("size", "digest", "encoding"), "content"),
    **dict.fromkeys(("refused", "timeout", "reset", "short", "slow", "connection", "protocol"), "connection"),
}
_ADVICE = {
    "address": "Name an upstream that may be asked.",
    "dns": "Look whether the name is spelled right, and whether this server can ask DNS.",
    "connection": "Look whether the upstream runs and is reached from this server; it may be mended by itself later.",
    "proxy": "Look at the remote's proxy: its address, user name and password.",
    "tls": "Look whether the URL and the remote's certificates are right.",
    "authentication": "Set a user name and a password, or a token, on the remote.",
    "not_found": "Look whether the URL is right: open it in a browser.",
    "limit": "Raise MILLRACE_MAX_LIST_BYTES if a list may be so long.",
    "content": "The list and the files upstream do not fit together: run again later, or ask who runs the upstream.",
    "upstream": "Run again later, or ask who runs the upstream.",
}
_ADVICE_OF_CAUSE = {
    "encoding": "Turn off its compression there, or ask who runs the upstream.",
    "403": "Look whether the remote's login may read this.",
    "protocol": "Look whether the URL should begin with https://, or name another port.",
    "slow": "Run again later, or lower the remote's least speed.",
    "deadline": "Raise the remote's deadline, or run again later.",
    "redirects": "Look at the URL in a browser; enter the address that it ends at.",
    "disk": "Make room on this server's disk, or look at the rights of the data folder.",
}


def kind(error: FetchFailed) -> str:
    """The class of a failure.

    address, dns, connection, proxy, tls, authentication, not_found, limit, content or upstream.
    """
    return _kind(error.cause)


def advice(error: FetchFailed) -> str:
    """What to do about a failure: a sentence."""
    return error.advice or _advice_on(error.cause)


def advice_on_file(cause: str) -> str:
    """What to do about a file of a list that failed by this cause: a sentence."""
    if _kind(cause) == "not_found":
        return "The list names a file that is not there: run again later, or ask who runs the upstream."
    return _advice_on(cause)


def _advice_on(cause: str) -> str:
    return _ADVICE_OF_CAUSE.get(cause) or _ADVICE[_kind(cause)]


def _kind(cause: str) -> str:
    return _KINDS.get(cause, "upstream")


def of_status(url: str, at: str, response: requests.Response, transport: Transport, route: Route) -> FetchFailed:
    """The failure that an answer with another status than the wanted one is; it came for `at`, to which `url` led."""
    status = response.status_code
    if status == 407 and (proxy := route.proxy(at)):
        return _of_proxy_status(url, proxy.name, status, at)
    if status == 401:
        return _of_login(url, at, transport, trusted=route.trusted)
    why = _STATUSES.get(status, f"the upstream answered {status}")
    wait = headers.retry_after(response.headers.get("Retry-After", ""))
    if wait and wait >= 1:
        why += f", and asks to wait {units.duration(timedelta(seconds=wait))}"
    return FetchFailed(url, str(status), why, retry=status in _RETRIED, retry_after=wait)


def _of_login(url: str, at: str, transport: Transport, *, trusted: bool) -> FetchFailed:
    login = transport.login
    if not login:
        return FetchFailed(url, "401", "the upstream asks for a login (401)", retry=False)
    if trusted:
        mend = f"Enter the remote's {login} again, or ask who runs the upstream what is accepted."
        why = f"the upstream does not accept the remote's {login} (401)"
        return FetchFailed(url, "401", why, retry=False, advice=mend)
    why = f"{_host(at)} asks for a login (401), but the remote's {login} may be sent to {_host_of(transport)} only"
    mend = "If that is where the files are, name it in the remote's URL."
    return FetchFailed(url, "401", why, retry=False, advice=mend)


def of_error(url: str, at: str, error: Exception, transport: Transport, route: Route) -> FetchFailed:
    """The failure that an error of requests, urllib3 or the system is; it came from `at`, to which `url` led."""
    chain = list(_chain(error))
    proxy = route.proxy(at)
    if failed := _of_address(url, at, chain, proxy):
        return failed
    if proxy and (failed := _of_proxy(url, at, chain, proxy, transport)):
        return failed
    for one in chain:
        if isinstance(one, ssl.SSLError):
            return _of_tls(url, at, one, transport, direct=not proxy)
    if found := _named(chain, _host(at), transport):
        return FetchFailed(url, *found)
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return FetchFailed(url, "disk", f"it could not be written: {error.strerror or error}", retry=False)
    return FetchFailed(url, "connection", f"the connection failed ({type(chain[-1]).__name__})")


def of_pace(url: str, cause: str, transport: Transport, before: str = "") -> FetchFailed:
    """A stream that was too slow, or a file that was too late; `before` is what went wrong in its last try."""
    if cause == "slow":
        why = f"fewer than {units.counted(transport.least_speed, 'byte')} a second came"
        return FetchFailed(url, cause, why)
    why = f"it took longer than {_seconds(transport.deadline)}" + (f"; the last try: {before}" if before else "")
    return FetchFailed(url, cause, why, retry=False)


def _named(chain: list[BaseException], who: str, transport: Transport) -> tuple[str, str] | None:
    """Cause and reason, if one of the errors has them in the table."""
    for kinds, cause, why in _ERRORS:
        if any(isinstance(one, kinds) for one in chain):
            connect, read = _seconds(transport.connect_timeout), _seconds(transport.read_timeout)
            return cause, why.format(who=who, connect=connect, read=read)
    return None


def _seconds(count: float) -> str:
    return "1 second" if count == 1 else f"{count:g} seconds"


def _of_address(url: str, at: str, chain: list[BaseException], proxy: Proxy | None) -> FetchFailed | None:
    """The failure that a host is which may not be asked, be it the upstream or the proxy."""
    refused = next((one for one in chain if isinstance(one, NotAsked)), None)
    if refused is None:
        return None
    is_proxy = proxy and any(isinstance(one, urllib3.exceptions.ProxyError) for one in chain)
    who = f"the proxy {proxy.name}" if proxy and is_proxy else _host(at)
    why = f"{who} is {refused.refusal.why}"
    return FetchFailed(url, "address", why, retry=False, advice=refused.refusal.advice)


def _of_proxy(url: str, at: str, chain: list[BaseException], proxy: Proxy, transport: Transport) -> FetchFailed | None:
    """The failure that the proxy is to blame for, if it is."""
    name = proxy.name
    if any(isinstance(one, ProxySchemeUnknown) for one in chain):
        return FetchFailed(url, "proxy", f"the proxy {name} cannot be used: only http and https can", retry=False)
    if found := next((match for one in chain if (match := _TUNNEL.match(str(one)))), None):
        return _of_proxy_status(url, name, int(found[1]), at)
    if any(isinstance(one, ReadTimeoutError) and origin_of(one.url or "") == origin_of(proxy.url) for one in chain):
        why = f"the proxy {name} did not connect us to {_host(at)} within {_seconds(transport.connect_timeout)}"
        return FetchFailed(url, "proxy", why)
    if not any(isinstance(one, urllib3.exceptions.ProxyError) for one in chain):
        return None
    who = f"the proxy {name}"
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return FetchFailed(url, "proxy", f"the TLS connection to {who} failed", retry=False)
    _, why = _named(chain, who, transport) or ("", f"the connection to {who} failed ({type(chain[-1]).__name__})")
    return FetchFailed(url, "proxy", why.replace("the name the proxy", "the name of the proxy"))


def _of_proxy_status(url: str, name: str, status: int, at: str) -> FetchFailed:
    if status == 407:
        mend = "Set the proxy's user name and password on the remote, or look whether they are right."
        return FetchFailed(url, "proxy", f"the proxy {name} asks for a login (407)", retry=False, advice=mend)
    why = f"the proxy {name} does not connect us to {_host(at)} ({status})"
    return FetchFailed(url, "proxy", why, retry=status in _RETRIED)


def _of_tls(url: str, at: str, error: ssl.SSLError, transport: Transport, *, direct: bool) -> FetchFailed:
    who = _host(at)
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_NAME:
            _, host, port = origin_of(at)
            names = tls.names_of(host, port, min(transport.connect_timeout, _ASIDE)) if direct else []
            others = f"to {_listed(names)}, " if names else ""
            why, mend = f"is made out {others}not to {who}", _MEND_NAME
        else:
            found = _CERTIFICATES.get(error.verify_code)
            why, mend = found or (f"is not good ({error.verify_message})", _MEND_CA)
        return FetchFailed(url, "tls", f"the certificate of {who} {why}", retry=False, advice=mend)
    for part, (why, mend) in _ALERTS.items():
        if part in (error.reason or ""):
            return FetchFailed(url, "tls", why.format(who=who), retry=False, advice=mend)
    if isinstance(error, ssl.SSLEOFError):
        # Whoever refuses a certificate may hang up before that is heard.
        return FetchFailed(url, "tls", f"{who} ended the TLS connection without a reason", advice=_MEND_CLIENT)
    return FetchFailed(url, "tls", f"the TLS connection to {who} failed")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _host_of(transport: Transport) -> str:
    scheme, host, port = transport.origin or ("", "", 0)
    return f"{scheme}://{host}" if (scheme, port) in (("http", 80), ("https", 443)) else f"{scheme}://{host}:{port}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was made from: chained, wrapped as `reason`, or given as first argument."""
    while error is not None:
        yield error
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
