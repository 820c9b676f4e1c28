"""The jobs that are waiting or running, each with its steps and with the job that it waits for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects

from repos.models import Job
from repos.models.job import State

from .steps import Step, steps_of


@dataclass(frozen=True)
class Run:
    job: Job
    steps: list[Step]
    # The nearest of the earlier jobs that reserve something which this one needs.
    waits_for: Job | None


def runs(active: Iterable[Job]) -> list[Run]:
    """One for each of `active`, which are all active jobs in order of request, as `for_panel` reads them."""
    last_with: dict[str, Job] = {}
    found = []
    for job in active:
        resources = [reservation.resource for reservation in job.reservations.all()]
        earlier = [last_with[resource] for resource in resources if resource in last_with]
        found.append(Run(job, steps_of(job), max(earlier, key=lambda one: one.pk, default=None)))
        last_with.update(dict.fromkeys(resources, job))
    return found


def with_steps(jobs: "list[Any]") -> list[Any]:
    """The same jobs of a list; those that are running have their `steps`, which are read at once."""
    running = [job for job in jobs if job.state == State.RUNNING]
    prefetch_related_objects(running, "reports")
    for job in running:
        job.steps = steps_of(job)
    return jobs


def watched(shown: Iterable[Run]) -> str:
    """The jobs of a live list by number: a page that asks for news says with it which ones it knows."""
    return ",".join(str(run.job.pk) for run in shown)
