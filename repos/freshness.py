"""How a repository is, in two words: how fresh it is, and how its last run ended."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils import timezone

from .models import Job, Repository
from .models.job import State

SYNCING, FRESH, STALE, NEVER = "syncing", "fresh", "stale", "never"


def freshness(repository: Repository, runs: Sequence[Job]) -> str:
    """Syncing, fresh, stale, or never (no sync has got everything yet); empty where there is no upstream.

    `runs` are its active ones, at least (see JobQuerySet.telling).
    """
    if repository.remote_id is None:
        return ""
    if any(job.with_sync and job.is_active for job in runs):
        return SYNCING
    if repository.synced_at is None:
        return NEVER
    days = repository.stale_days
    late = days is not None and repository.synced_at < timezone.now() - timedelta(days=days)
    return STALE if late else FRESH


def which(word: str) -> Q:
    """The repositories of which `freshness` says this."""
    syncing = Q(pk__in=Job.objects.active().runs().filter(with_sync=True).order_by().values("repository"))
    if word == SYNCING:
        return syncing & Q(remote__isnull=False)
    resting = Q(remote__isnull=False) & ~syncing
    if word == NEVER:
        return resting & Q(synced_at=None)
    stale = late("synced_at")
    return resting & (stale if word == STALE else Q(synced_at__isnull=False) & ~stale)


def late(field: str) -> Q:
    """The repositories that are to be stale so long after the moment that `field` holds."""
    # No database of ours multiplies days as the other does; and people choose but few numbers of days.
    found = Repository.objects.filter(stale_days__isnull=False).order_by()
    days, now = found.values_list("stale_days", flat=True).distinct(), timezone.now()
    each = (Q(**{"stale_days": one, f"{field}__lt": now - timedelta(days=one or 0)}) for one in days)
    return reduce(or_, each, Q(pk=None))


def ending(job: Any) -> str:
    """How a run ended: ok, unchanged, partial, failed or canceled; else its state. `job` is one of `telling`."""
    if job.state != State.COMPLETED:
        return str(job.state)
    if job.failed:
        return "partial"
    made = job.version_id or job.publication_id or job.switched
    return "ok" if made else "unchanged"
