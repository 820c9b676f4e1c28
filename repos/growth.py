"""How much was stored at the end of each day: a row a day, which is rewritten as the day goes on."""

import time
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from . import clock, prepared, stored
from .models import Artifact, Job, StorageDay

# Seconds between two notes: with a million files one takes a tenth of a second.
EVERY = 3600.0


class Watch:
    """Notes what is stored: call it as often as you like, it does so once an hour."""

    def __init__(self) -> None:
        self._next = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            note()


def note() -> None:
    """Writes today's row. Any number of workers may; with a clock that is in doubt nobody knows what day it is."""
    if clock.jumped():
        return
    # First: a clean-up that ends while it is counted makes the note one of before.
    last = last_clean_up()
    files, size, newest = Artifact.objects.totals()
    amounts = {"files": files, "size": size, "newest": newest, "cleaned": last, "side_by_side": stored.side_by_side()}
    StorageDay.objects.update_or_create(day=timezone.now().date(), defaults=amounts)


def last_clean_up() -> int:
    """The number of the last clean-up that ended, 0 where there was none: nothing else deletes."""
    return next((pk for (pk,) in prepared.rows(_last_clean_up)), 0)


def _last_clean_up() -> "QuerySet[Job, tuple[Any, ...]]":
    return Job.objects.upkeep().ended().filter(with_clean=True).values_list("pk")[:1]


def noted(cleaned: int) -> tuple[int, int, int]:
    """As `Artifact.objects.totals`, when it was noted last; zeros if that was before the clean-up `cleaned` ended."""
    last = StorageDay.objects.order_by("-day").first()
    if last is None or last.newest is None or last.cleaned != cleaned:
        return 0, 0, 0
    return last.files, last.size, last.newest


def days(number: int = 365) -> list[StorageDay]:
    """The last so many days as far as they were noted, the oldest first."""
    since = timezone.now().date() - timedelta(days=number)
    return list(StorageDay.objects.filter(day__gt=since).order_by("day"))
