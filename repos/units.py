"""Figures in the units that people read, and type."""

import re
from datetime import timedelta
from decimal import Decimal

from . import nouns
from .words import marked, say, say_by

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_TYPED = re.compile(r"(\d{1,18}(?:\.\d{1,6})?)\s*(?:([kmgtp])(i?))?b?", re.ASCII | re.IGNORECASE)
# More bytes than this no database counts.
_MOST = (1 << 63) - 1


def number(count: float, digits: int = 0) -> str:
    """A number with so many decimals: `2,345`."""
    return marked(f"{count:,.{digits}f}")


def size(count: float) -> str:
    """A number of bytes in decimal units: `999 B`, `1.2 kB`, `35.0 MB`, `120 GB`."""
    unit = 0
    while count >= 999.5 and unit < len(_SIZES) - 1:
        count, unit = count / 1000, unit + 1
    digits = 1 if unit and count < 99.95 else 0
    return f"{marked(f'{count:.{digits}f}')} {_SIZES[unit]}"


def typed_size(count: int) -> str:
    """The same as a form begins with: `50 MB`, `1500 kB`, `999`; exact, and `in_bytes` reads it."""
    unit = 0
    while count and count % 1000 == 0 and unit < len(_SIZES) - 1:
        count, unit = count // 1000, unit + 1
    return f"{count} {_SIZES[unit]}" if unit else str(count)


def in_bytes(text: str) -> int:
    """A size as people type it: `50MB`, `1.5 GB`, `250k`, `16 GiB`, `1000000`. Raises ValueError."""
    found = _TYPED.fullmatch(text.strip())
    if found:
        figure, unit, binary = found.groups(default="")
        size = int(Decimal(figure) * (1024 if binary else 1000) ** " kmgtp".index(unit.lower() or " "))
        if size <= _MOST:
            return size
    raise ValueError(f"{text!r} is no size")


def counted(count: int, noun: str) -> str:
    """“1 file”, “2,345 files”; the nouns are those of nouns.py."""
    return amount(count, noun, number(count))


def amount(count: int, noun: str, figures: str) -> str:
    """The same with figures that say more than the count: “3 of 12 files”."""
    return say_by(count, *nouns.COUNTED[noun], count=figures)


def without(failed: int) -> str:
    """What a version is said to be when files of the upstream's list could not be fetched: “without 3 files”."""
    return say("without {files}", files=counted(failed, "file")) if failed else ""


def version(number: int, failed: int) -> str:
    """“version 5”, or “version 5, without 3 files”."""
    named = say("version {number}", number=number)
    return say("{version}, {without}", version=named, without=without(failed)) if failed else named


def duration(time: timedelta) -> str:
    """A length of time: `< 0.1 s`, `0.4 s`, `42 s`, `3 min 04 s`, `2 h 05 min`, `1 d 3 h`."""
    seconds = time.total_seconds()
    if seconds < 0.05:
        return say("< 0.1 s")
    if seconds < 9.95:
        return say("{seconds} s", seconds=number(seconds, digits=1))
    return whole_seconds(round(seconds))


def period(time: timedelta) -> str:
    """A length of time that somebody has set: `24 hours`, `3 days`, `5 minutes`; as `duration` where it is not even."""
    seconds = time.total_seconds()
    for noun, length, least in (("day", 86400, 2), ("hour", 3600, 1), ("minute", 60, 1)):
        if seconds >= length * least and seconds % length == 0:
            return counted(int(seconds // length), noun)
    return duration(time)


def whole_seconds(seconds: int) -> str:
    """The same for a time in seconds that is no less than about ten."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return say("{seconds} s", seconds=seconds)
    if not hours:
        return say("{minutes} min {seconds} s", minutes=minutes, seconds=f"{seconds % 60:02}")
    if not days:
        return say("{hours} h {minutes} min", hours=hours, minutes=f"{minutes % 60:02}")
    return say("{days} d {hours} h", days=days, hours=hours % 24)


def even_seconds(seconds: int) -> str:
    """The same, without seconds where there are none: `3 min`."""
    minutes, rest = divmod(seconds, 60)
    return say("{minutes} min", minutes=minutes) if 0 < minutes < 60 and not rest else whole_seconds(seconds)
