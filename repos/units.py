"""Figures in the units that people read."""

from datetime import timedelta

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def size(count: float) -> str:
    """A number of bytes in decimal units: `999 B`, `1.2 kB`, `35.0 MB`, `120 GB`."""
    unit = 0
    while count >= 999.5 and unit < len(_SIZES) - 1:
        count, unit = count / 1000, unit + 1
    digits = 1 if unit and count < 99.95 else 0
    return f"{count:.{digits}f} {_SIZES[unit]}"


def plural(count: int, noun: str) -> str:
    """“file” or “files”; of a noun with an odd plural both are given: “repository,repositories”."""
    one, _, many = noun.partition(",")
    return one if count == 1 else many or f"{one}s"


def counted(count: int, noun: str) -> str:
    """“1 file”, “2,345 files”."""
    return f"{count:,} {plural(count, noun)}"


def without(failed: int) -> str:
    """What a version is said to be when files of the upstream's list could not be fetched: “without 3 files”."""
    return f"without {counted(failed, 'file')}" if failed else ""


def version(number: int, failed: int) -> str:
    """“version 5”, or “version 5, without 3 files”."""
    return f"version {number}{', ' if failed else ''}{without(failed)}"


def duration(time: timedelta) -> str:
    """A length of time: `0.4 s`, `42 s`, `3 min 04 s`, `2 h 05 min`, `1 d 3 h`."""
    seconds = max(time.total_seconds(), 0.0)
    return f"{seconds:.1f} s" if seconds < 9.95 else whole_seconds(round(seconds))


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
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min {seconds % 60:02} s"
    return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60:02} min"
