"""Addresses of upstreams: the one place that says which may be asked. Strings in, strings out."""

import re
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from . import addresses, conf
from .errors.upstreams import FetchFailed
from .errors.values import AddressRefused, InvalidUrl
from .units import number
from .words import later, say

MAX_LENGTH = 2000

_WRITE = later("Write it as in https://example.org/files/.")
# What no host has in it: spaces of any kind, and the signs that addresses use for other things.
_NO_HOST = re.compile(r"[\s<>\"\\^`{|}%]")


def checked(url: str, *, proxy: bool = False) -> str:
    """`url` itself if it can be an upstream, or a proxy; else raises InvalidUrl with the reason.

    What a name leads to is seen when it is asked.
    """
    if len(url) > MAX_LENGTH:
        raise InvalidUrl(say("The address is longer than {most} characters.", most=number(MAX_LENGTH)))
    if not url.isprintable():
        raise InvalidUrl(say("The address has a sign in it that cannot be shown."))
    try:
        parts = urlsplit(url)
    except ValueError:
        # The error's own words may have a password in them.
        raise InvalidUrl(say("The address cannot be read."), say(_WRITE)) from None
    if parts.scheme not in ("http", "https"):
        raise InvalidUrl(say("The address must begin with http:// or https://."))
    if parts.username is not None or parts.password is not None:
        why = say("The address has a user name or a password in it, which would show up in logs and pages.")
        raise InvalidUrl(why, say("Take them out: a remote has fields of its own for them."))
    if not parts.hostname or _NO_HOST.search(parts.hostname):
        raise InvalidUrl(say("The address names no host that could be asked."), say(_WRITE))
    if not _has_port(parts):
        advice = say("Ports are numbers from 1 to 65535.")
        raise InvalidUrl(say("The address has a port that there is not."), advice)
    if refused := addresses.of_host(parts.hostname, private=proxy or conf.allow_private()):
        raise AddressRefused(say(refused.why), say(refused.advice))
    return url


def _has_port(parts: SplitResult) -> bool:
    """Whether the port is one, or left to the scheme."""
    try:
        return parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """`url` for people, without what may be secret: its user name, its password, its query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def redirected(url: str, at: str, location: str) -> str:
    """Where `at`, reached from `url`, leads by its header `Location`. Raises FetchFailed if nobody may go there."""
    # Late: commands that fetch nothing know addresses, too.
    from requests.utils import requote_uri

    where = ""
    try:
        # A header's bytes come as one character each; many servers send UTF-8 in them, and unquoted.
        target = requote_uri(urljoin(at, location.encode("latin-1").decode("utf-8", "replace")))
        where = shown(target)
        return checked(target)
    except AddressRefused as error:
        why = say("it redirects to {where}, which is {what}", where=where, what=error.is_what)
        raise FetchFailed(url, "address", why, retry=False, advice=error.advice) from None
    except InvalidUrl as error:
        reason = error.reason
    except ValueError:
        reason = say("It cannot be read.")
    # What is written wrongly may have its login in an odd place.
    why = (
        say("it redirects to {where}, which cannot be asked. {reason}", where=where, reason=reason)
        if where and "@" not in where
        else say("it redirects to an address that cannot be asked. {reason}", reason=reason)
    )
    raise FetchFailed(url, "redirects", why.rstrip("."), retry=False)
