"""What weeks leave behind: runs that ended one way or another, and bytes that grew by the day."""

import hashlib
import random
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from repos.models import Artifact, Content, Job, Repository, StorageDay
from repos.models.job import State

GB = 1_000_000_000
# What ends how: mostly well, with nothing new.
_ENDS = [("unchanged", 12), ("failed", 1), ("partial", 1), ("canceled", 1)]


def runs(repository: Repository, number: int) -> None:
    """So many, one every eight hours, the last of them ten days ago; always the same for the same name."""
    dice, began = random.Random(repository.name), timezone.now() - timedelta(days=10, hours=8 * number)
    kinds = dice.choices([kind for kind, _ in _ENDS], [weight for _, weight in _ENDS], k=number)
    Job.objects.bulk_create(
        _run(repository, kind, began + timedelta(hours=8 * n), dice.lognormvariate(3, 1))
        for n, kind in enumerate(kinds)
    )


def _run(repository: Repository, kind: str, moment: datetime, took: float) -> Job:
    values: dict[str, Any] = {"state": State.COMPLETED}
    if kind == "partial":
        values["failed"] = 3
    elif kind in ("failed", "canceled"):
        values |= {"state": kind, "error": "It failed." if kind == "failed" else ""}
    ended = {"requested_at": moment, "started_at": moment, "finished_at": moment + timedelta(seconds=took)}
    asked = {"with_sync": True, "with_publish": True, "with_distribute": True, "request": "sync publish distribute"}
    return Job(repository=repository, **asked, **ended, **values)


def of_storage(days: int) -> None:
    """A row for each day before today, and files of each repository, some of which others have too."""
    needed_by_nothing = Artifact.objects.filter(content=None).order_by("-size")
    for number, repository in enumerate(Repository.objects.order_by("name")):
        _has(repository, [f"{repository.name}/{n}" for n in range(9)], size=(16 >> number) * GB // 9)
        _has(repository, ["shared/common.tar"], size=2 * GB)
        Content.objects.bulk_create(
            Content(repository=repository, path=f"old/{one.pk}", artifact=one, added=1) for one in needed_by_nothing[:1]
        )
    dice, size, today = random.Random(0), 55 * GB, timezone.now().date()
    for ago in range(days, 0, -1):
        size += int(dice.lognormvariate(0, 1) * GB / 4)
        apart, day = int(size * (1.05 + (days - ago) / 85)), today - timedelta(days=ago)
        StorageDay.objects.create(day=day, files=9_000 + 7 * (days - ago), size=size, side_by_side=apart)


def _has(repository: Repository, paths: list[str], size: int) -> None:
    for path in paths:
        sha256 = hashlib.sha256(path.encode()).hexdigest()
        artifact = Artifact.objects.get_or_create(sha256=sha256, defaults={"size": size})[0]
        Content.objects.create(repository=repository, path=path, artifact=artifact, added=1)
