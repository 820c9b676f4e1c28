"""How much the pool holds, and what takes long to count: without counting it anew for every page."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.utils import timezone

from repos import conf, growth, prepared, stored
from repos.models import Artifact, Job, Publication, RepositoryVersion

from . import cache

T = TypeVar("T")

# Seconds after which it is counted again from what was noted last, or else after a clean-up: only those delete.
RECOUNT = 600
# The same of what was counted of versions, publications and who needs what: those, people may delete.
REMEMBERED = 60


def used() -> tuple[int, int]:
    """The number of files in the pool, and their size in bytes: what was known, or noted last, and what came since."""
    cleaned = growth.last_clean_up()
    key = f"pool:{conf.data()}:{int(time.time() / RECOUNT)}:{cleaned}"
    files, size, newest = cache.get(key) or growth.noted(cleaned)
    more, bytes_more, newest = Artifact.objects.totals(after=newest)
    cache.set(key, (files + more, size + bytes_more, newest), RECOUNT)
    return files + more, size + bytes_more


def saved(bytes_used: int) -> int:
    """What storing each file once saves, in bytes."""
    return max(0, remembered("side by side", stored.side_by_side)[0] - bytes_used)


def remembered(name: str, count: Callable[[], T]) -> tuple[T, datetime]:
    """What `count` returns, and when it did: for a minute what it returned before, if nothing new came since."""
    newest = [prepared.rows(make) for make in (_versions, _publications, _upkeep)]
    key = f"storage:{name}:{conf.data()}:{newest}".replace(" ", "")
    known: tuple[T, datetime] | None = cache.get(key)
    if known is None:
        known = count(), timezone.now()
        cache.set(key, known, REMEMBERED)
    return known


def _versions() -> "QuerySet[RepositoryVersion, tuple[Any, ...]]":
    return RepositoryVersion.objects.filter(complete=True).order_by("-pk").values_list("pk")[:1]


def _publications() -> "QuerySet[Publication, tuple[Any, ...]]":
    return Publication.objects.order_by("-pk").values_list("pk")[:1]


def _upkeep() -> "QuerySet[Job, tuple[Any, ...]]":
    return Job.objects.upkeep().ended().values_list("pk")[:1]
