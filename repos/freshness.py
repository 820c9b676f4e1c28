"""How a repository is, in two words: how fresh it is, and how its last run ended."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

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


def ending(job: Any) -> str:
    """How a run ended: ok, unchanged, partial, failed or canceled; else its state. `job` is one of `telling`."""
    if job.state != State.COMPLETED:
        return str(job.state)
    if job.failed:
        return "partial"
    made = job.version_id or job.publication_id or job.switched
    return "ok" if made else "unchanged"
