"""Headers: those that a person has us send, and times in those of upstreams, which are free to write nonsense."""

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.utils import timezone

from .errors.values import InvalidValue
from .words import say

# A header's name (RFC 9110, 5.6.2).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What says how the bytes travel is ours to say; the user agent and the proxy's login have fields of their own.
_OURS = {
    "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive",
    "proxy-authorization", "proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}  # fmt: skip


def checked_value(field: str, text: str) -> str:
    """`text` itself if a header can carry it; else raises InvalidValue, for `field`, without telling the text."""
    if not text.isascii() or not text.isprintable():
        raise InvalidValue(field, say("It has a sign in it that no header can carry: only plain ASCII can be sent."))
    return text


def parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """The further headers that lines of the form “Name: value” give. Raises InvalidValue for the first that cannot be.

    Values may be secret, so no sentence has one in it.
    """
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            name, value = _parsed(number, line)
            if name.lower() in found:
                raise InvalidValue(
                    "headers", say("Line {number} gives the header “{name}” a second time.", number=number, name=name)
                )
            found[name.lower()] = (name, value)
    return tuple(found.values())


def _parsed(number: int, line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise InvalidValue("headers", say("Line {number} is not of the form “Name: value”.", number=number))
    if name.lower() in _OURS or name.lower().startswith("if-"):
        raise InvalidValue(
            "headers",
            say("Line {number} gives the header “{name}”, which Millrace sets itself.", number=number, name=name),
        )
    # The end of the line may be that of another system.
    return name, checked_value("headers", value.removesuffix("\r").strip(" \t"))


def date(text: str) -> datetime | None:
    """An HTTP date (RFC 9110, 5.6.7); None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else None


def strong(last_modified: str, now: str) -> str:
    """A Last-Modified that no later change can have too, by the answer's own Date (RFC 9110, 8.8.2.2); else nothing."""
    modified, answered = date(last_modified), date(now)
    old_enough = modified and answered and answered - modified >= timedelta(seconds=1)
    return last_modified if old_enough else ""


def retry_after(text: str) -> float | None:
    """The seconds that a Retry-After asks for, in either of its forms (RFC 9110, 10.2.3); None if it asks for none."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    moment = date(text)
    return max(0.0, (moment - timezone.now()).total_seconds()) if moment else None
