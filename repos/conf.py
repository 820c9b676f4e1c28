"""What the domain asks of its surroundings: where the data lies, and an operator's choices."""

from datetime import timedelta
from pathlib import Path

from django.conf import settings


def data() -> Path:
    """The folder of all data."""
    return Path(settings.MILLRACE_DATA)


def data_name() -> str:
    """The same as text: quicker, for what is done for each of a million files."""
    return str(settings.MILLRACE_DATA)


def grace() -> timedelta:
    """How long the files of a superseded publication are still found."""
    return timedelta(days=settings.MILLRACE_GRACE_DAYS)


def retry_seconds() -> float:
    """The wait before the second try of a fetch; it doubles with each further one."""
    return float(settings.MILLRACE_RETRY_SECONDS)


def user_agent() -> str:
    """How we call ourselves at upstreams."""
    return f"Millrace/{settings.VERSION}"


def max_list_bytes() -> int:
    """The longest list of files that is taken from an upstream."""
    return int(settings.MILLRACE_MAX_LIST_BYTES)


def max_upload_bytes() -> int:
    """The longest upload that is taken, all its files together."""
    return int(settings.MILLRACE_MAX_UPLOAD_BYTES)


def bell() -> str:
    """The dotted name of the function that rings for a waiting job, given its id."""
    return str(settings.MILLRACE_BELL)


def beat_seconds() -> float:
    """The time between two writes of a running job's progress, which are its heartbeat."""
    return float(settings.MILLRACE_BEAT_SECONDS)


def silence() -> timedelta:
    """How long a running job's heartbeat may fail before its worker is presumed dead."""
    return timedelta(seconds=settings.MILLRACE_SILENCE_SECONDS)


def reserve_bytes() -> int:
    """How much of the disk is kept free."""
    return int(settings.MILLRACE_RESERVE_BYTES)


def protection() -> timedelta:
    """How long what nothing needs is spared by a clean-up."""
    return timedelta(hours=settings.MILLRACE_PROTECTION_HOURS)


def clean_every() -> timedelta:
    """How often a clean-up is done by itself; zero: never."""
    return timedelta(hours=settings.MILLRACE_CLEAN_HOURS)


def verify_every() -> timedelta:
    """How often all that is stored is verified by itself; zero: never."""
    return timedelta(days=settings.MILLRACE_VERIFY_DAYS)


def verify_rate() -> int:
    """How many bytes a second a verify reads at most; 0: there is no limit."""
    return int(settings.MILLRACE_VERIFY_RATE)


def allow_private() -> bool:
    """Whether upstreams may be on this machine and in private networks."""
    return bool(settings.MILLRACE_ALLOW_PRIVATE)
