"""Times in the headers of upstreams, which are free to write nonsense."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from django.utils import timezone


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
