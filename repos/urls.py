"""Addresses of upstreams: the one place that says which may be asked. Strings in, strings out."""

import re
from urllib.parse import urljoin, urlsplit

from requests.utils import requote_uri

from .errors import FetchFailed, InvalidUrl

MAX_LENGTH = 2000

# What no host has in it: spaces of any kind, and the signs that addresses use for other things.
_NO_HOST = re.compile(r"[\s<>\"\\^`{|}%]")


def checked(url: str) -> str:
    """`url` itself if it can be an upstream; else raises InvalidUrl with the reason."""
    if len(url) > MAX_LENGTH:
        raise InvalidUrl(f"The address is longer than {MAX_LENGTH:,} characters.")
    if not url.isprintable():
        raise InvalidUrl("The address has a sign in it that cannot be shown.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidUrl(f"The address cannot be read: {error}.") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidUrl("The address must begin with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise InvalidUrl("The address has a user name or a password in it, which would show up in logs and pages.")
    if not parts.hostname or port == 0 or _NO_HOST.search(parts.hostname):
        raise InvalidUrl("The address names no host, or no port, that could be asked.")
    return url


def redirected(url: str, at: str, location: str) -> str:
    """Where `at`, reached from `url`, leads by its header `Location`. Raises FetchFailed if nobody may go there."""
    try:
        # A header's bytes come as one character each; many servers send UTF-8 in them, and unquoted.
        target = location.encode("latin-1").decode("utf-8", "replace")
        return checked(requote_uri(urljoin(at, target)))
    except (ValueError, InvalidUrl) as error:
        why = f"it redirects to an address that cannot be asked. {error}"
        raise FetchFailed(url, "redirects", why.rstrip("."), retry=False) from None
