"""Repositories as rows of a list (repositories/_rows.html): what each shows besides the repository's own figures."""

from collections.abc import Sequence
from typing import Any

from django.db.models import prefetch_related_objects

from repos.last_runs import last_runs
from repos.models import Job, Repository

# How many runs the strip of a row shows.
RUNS = 20


def with_rows(repositories: Sequence[Repository]) -> dict[str, Any]:
    """By the numbers of `repositories` (see for_overview), what tells of each, and its last runs; and what each serves.

    The same few queries for one row and for a page of them.
    """
    pks = [one.pk for one in repositories]
    prefetch_related_objects(repositories, "distributions__publication__version")
    telling: dict[int, list[Job]] = {pk: [] for pk in pks}
    for job in Job.objects.telling(pks):
        telling[job.repository_id or 0].append(job)
    return {
        "repositories": repositories,
        "telling": telling,
        "strips": last_runs(pks, RUNS),
        "live": any(job.is_active for jobs in telling.values() for job in jobs),
    }
