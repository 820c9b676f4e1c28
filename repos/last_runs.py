"""The last runs of several repositories, read at once: for pictures of them."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from .models import Job, Repository, Switch


class Ran(NamedTuple):
    """What a picture of many runs shows of each; `freshness.ending` tells how it ended."""

    repository_id: int
    pk: int
    state: str
    failed: int
    version_id: int | None
    publication_id: int | None
    started_at: datetime | None
    finished_at: datetime | None
    switched: int | None


def last_runs(repositories: Collection[int], number: int) -> dict[int, list[Ran]]:
    """By repository its last runs, at most so many, the oldest first."""
    found: dict[int, list[Ran]] = {pk: [] for pk in repositories}
    if begins := _begins(repositories, number):
        # With the numbers in it: so a database reads these from the index, and none of the many others.
        since = Q(*(Q(repository=pk, pk__gte=begin) for pk, begin in begins), _connector=Q.OR)
        # No EXISTS: for that many rows PostgreSQL would rather read all switches.
        switched = Subquery(Switch.objects.filter(job=OuterRef("pk")).order_by().values("pk")[:1])
        for row in Job.objects.runs().filter(since).order_by("pk").values_list(*Ran._fields[:-1], switched):
            found[row[0]].append(Ran(*row))
    return found


def _begins(repositories: Collection[int], number: int) -> list[tuple[int, int]]:
    """Of each of these repositories from which job on its last runs are."""
    # Not “is”: with that PostgreSQL may read all jobs backwards until it has enough of a repository that slept.
    of = {"repository__gte": OuterRef("pk"), "repository__lte": OuterRef("pk")}
    newest = Job.objects.runs().filter(**of).order_by("-repository_id", "-pk").values("pk")
    begin = Coalesce(Subquery(newest[number - 1 : number]), 0)
    return list(Repository.objects.filter(pk__in=repositories).order_by().values_list("pk", begin))
