"""Why a fetch failed and what to do about it, in words: by the errors of the transport and the answers of upstreams."""

import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.exceptions import NameResolutionError, ProxySchemeUnknown, ReadTimeoutError

from . import headers, reasons, tls, units
from .dial import NotAsked
from .errors.upstreams import FetchFailed
from .route import Route
from .transport import Proxy, Transport, origin_of
from .words import later, say

_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_WRONG_NAME = {62, 64}
# Seconds for a question that only makes an error clearer.
_ASIDE = 3
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
    "address": later("Name an upstream that may be asked."),
    "dns": later("Look whether the name is spelled right, and whether this server can ask DNS."),
    "connection": later(
        "Look whether the upstream runs and is reached from this server; it may be mended by itself later."
    ),
    "proxy": later("Look at the remote's proxy: its address, user name and password."),
    "tls": later("Look whether the URL and the remote's certificates are right."),
    "authentication": later("Set a user name and a password, or a token, on the remote."),
    "not_found": later("Look whether the URL is right: open it in a browser."),
    "limit": later("Raise MILLRACE_MAX_LIST_BYTES if a list may be so long."),
    "content": later(
        "The list and the files upstream do not fit together: run again later, or ask who runs the upstream."
    ),
    "upstream": later("Run again later, or ask who runs the upstream."),
}
_ADVICE_OF_CAUSE = {
    "encoding": later("Turn off its compression there, or ask who runs the upstream."),
    "403": later("Look whether the remote's login may read this."),
    "protocol": later("Look whether the URL should begin with https://, or name another port."),
    "slow": later("Run again later, or lower the remote's least speed."),
    "deadline": later("Raise the remote's deadline, or run again later."),
    "redirects": later("Look at the URL in a browser; enter the address that it ends at."),
    "disk": later("Make room on this server's disk, or look at the rights of the data folder."),
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
        return say("The list names a file that is not there: run again later, or ask who runs the upstream.")
    return _advice_on(cause)


def _advice_on(cause: str) -> str:
    return say(_ADVICE_OF_CAUSE.get(cause) or _ADVICE[_kind(cause)])


def _kind(cause: str) -> str:
    return _KINDS.get(cause, "upstream")


def of_status(url: str, at: str, response: requests.Response, transport: Transport, route: Route) -> FetchFailed:
    """The failure that an answer with another status than the wanted one is; it came for `at`, to which `url` led."""
    status = response.status_code
    if status == 407 and (proxy := route.proxy(at)):
        return _of_proxy_status(url, proxy.name, status, at)
    if status == 401:
        return _of_login(url, at, transport, trusted=route.trusted)
    why = say(reasons.STATUSES.get(status, later("the upstream answered {status}")), status=status)
    wait = headers.retry_after(response.headers.get("Retry-After", ""))
    if wait and wait >= 1:
        why = say("{why}, and asks to wait {time}", why=why, time=units.duration(timedelta(seconds=wait)))
    return FetchFailed(url, str(status), why, retry=status in _RETRIED, retry_after=wait)


def _of_login(url: str, at: str, transport: Transport, *, trusted: bool) -> FetchFailed:
    login = transport.login
    if not login:
        return FetchFailed(url, "401", say("the upstream asks for a login (401)"), retry=False)
    if trusted:
        mend = say("Enter the remote's {login} again, or ask who runs the upstream what is accepted.", login=login)
        why = say("the upstream does not accept the remote's {login} (401)", login=login)
        return FetchFailed(url, "401", why, retry=False, advice=mend)
    why = say(
        "{who} asks for a login (401), but the remote's {login} may be sent to {host} only",
        who=_host(at),
        login=login,
        host=_host_of(transport),
    )
    mend = say("If that is where the files are, name it in the remote's URL.")
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
        why = say("it could not be written: {why}", why=error.strerror or error)
        return FetchFailed(url, "disk", why, retry=False)
    return FetchFailed(url, "connection", say("the connection failed ({error})", error=type(chain[-1]).__name__))


def of_pace(url: str, cause: str, transport: Transport, before: str = "") -> FetchFailed:
    """A stream that was too slow, or a file that was too late; `before` is what went wrong in its last try."""
    if cause == "slow":
        why = say("fewer than {bytes} a second came", bytes=units.counted(transport.least_speed, "byte"))
        return FetchFailed(url, cause, why)
    why = say("it took longer than {time}", time=_seconds(transport.deadline))
    if before:
        why = say("{why}; the last try: {before}", why=why, before=before)
    return FetchFailed(url, cause, why, retry=False)


def _named(chain: list[BaseException], who: str, transport: Transport) -> tuple[str, str] | None:
    """Cause and reason, if one of the errors has them in the table."""
    for kinds, cause, why in reasons.ERRORS:
        if any(isinstance(one, kinds) for one in chain):
            connect, read = _seconds(transport.connect_timeout), _seconds(transport.read_timeout)
            return cause, say(why, who=who, connect=connect, read=read)
    return None


def _seconds(count: float) -> str:
    return units.amount(1 if count == 1 else 2, "second", f"{count:g}")


def _of_address(url: str, at: str, chain: list[BaseException], proxy: Proxy | None) -> FetchFailed | None:
    """The failure that a host is which may not be asked, be it the upstream or the proxy."""
    refused = next((one for one in chain if isinstance(one, NotAsked)), None)
    if refused is None:
        return None
    is_proxy = proxy and any(isinstance(one, urllib3.exceptions.ProxyError) for one in chain)
    who = say("the proxy {name}", name=proxy.name) if proxy and is_proxy else _host(at)
    what, advice = map(say, refused.refusal)
    return FetchFailed(url, "address", say("{who} is {what}", who=who, what=what), retry=False, advice=advice)


def _of_proxy(url: str, at: str, chain: list[BaseException], proxy: Proxy, transport: Transport) -> FetchFailed | None:
    """The failure that the proxy is to blame for, if it is."""
    name = proxy.name
    if any(isinstance(one, ProxySchemeUnknown) for one in chain):
        why = say("the proxy {name} cannot be used: only http and https can", name=name)
        return FetchFailed(url, "proxy", why, retry=False)
    if found := next((match for one in chain if (match := _TUNNEL.match(str(one)))), None):
        return _of_proxy_status(url, name, int(found[1]), at)
    if any(isinstance(one, ReadTimeoutError) and origin_of(one.url or "") == origin_of(proxy.url) for one in chain):
        time = _seconds(transport.connect_timeout)
        why = say("the proxy {name} did not connect us to {host} within {time}", name=name, host=_host(at), time=time)
        return FetchFailed(url, "proxy", why)
    if not any(isinstance(one, urllib3.exceptions.ProxyError) for one in chain):
        return None
    who = say("the proxy {name}", name=name)
    if any(isinstance(one, ssl.SSLError) for one in chain):
        return FetchFailed(url, "proxy", say("the TLS connection to {who} failed", who=who), retry=False)
    if any(isinstance(one, NameResolutionError) for one in chain):
        return FetchFailed(url, "proxy", say("the name of the proxy {name} is not known to DNS", name=name))
    if found_cause := _named(chain, who, transport):
        return FetchFailed(url, "proxy", found_cause[1])
    why = say("the connection to {who} failed ({error})", who=who, error=type(chain[-1]).__name__)
    return FetchFailed(url, "proxy", why)


def _of_proxy_status(url: str, name: str, status: int, at: str) -> FetchFailed:
    if status == 407:
        mend = say("Set the proxy's user name and password on the remote, or look whether they are right.")
        why = say("the proxy {name} asks for a login (407)", name=name)
        return FetchFailed(url, "proxy", why, retry=False, advice=mend)
    why = say("the proxy {name} does not connect us to {host} ({status})", name=name, host=_host(at), status=status)
    return FetchFailed(url, "proxy", why, retry=status in _RETRIED)


def _of_tls(url: str, at: str, error: ssl.SSLError, transport: Transport, *, direct: bool) -> FetchFailed:
    who = _host(at)
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_NAME:
            _, host, port = origin_of(at)
            names = tls.names_of(host, port, min(transport.connect_timeout, _ASIDE)) if direct else []
            why, mend = reasons.WRONG_NAME if names else reasons.UNKNOWN_NAMES
            why = say(why, who=who, names=_listed(names))
        else:
            why, mend = reasons.CERTIFICATES.get(error.verify_code, reasons.NO_GOOD)
            why = say(why, who=who, why=error.verify_message)
        return FetchFailed(url, "tls", why, retry=False, advice=say(mend))
    for part, (why, mend) in reasons.ALERTS.items():
        if part in (error.reason or ""):
            return FetchFailed(url, "tls", say(why, who=who), retry=False, advice=say(mend))
    if isinstance(error, ssl.SSLEOFError):
        # Whoever refuses a certificate may hang up before that is heard.
        why = say("{who} ended the TLS connection without a reason", who=who)
        return FetchFailed(url, "tls", why, advice=say(reasons.MEND_CLIENT))
    return FetchFailed(url, "tls", say("the TLS connection to {who} failed", who=who))


def _listed(names: list[str]) -> str:
    first = ", ".join(names[:3])
    return say("{first} and {more} more", first=first, more=len(names) - 3) if len(names) > 3 else first


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
