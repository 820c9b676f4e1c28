"""Jobs as requests: made, joined, refused, canceled. What running one means is in chain.py."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import bell
from .errors import Refused
from .models import Distribution, Job, ProgressReport, Repository, Reservation
from .models.job import State

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Actions:
    """What a run does, in this order."""

    sync: bool = True
    publish: bool = True
    distribute: bool = True

    def columns(self) -> dict[str, bool]:
        """The same by the names that a job's row has."""
        return {"with_sync": self.sync, "with_publish": self.publish, "with_distribute": self.distribute}


@dataclass(frozen=True, slots=True)
class Requested:
    """A job, and whether it was there before: an identical request is joined, not repeated."""

    job: Job
    joined: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a run cannot be requested anew, and the identical job that is in the way, if it is that."""

    reason: str
    job: Job | None = None


def defaults(repository: Repository) -> Actions:
    """What a run does where nothing else is chosen: the repository's toggles."""
    return Actions(True, repository.auto_publish, repository.auto_distribute)


def of(job: Job) -> Actions:
    """What `job` was asked to do."""
    return Actions(job.with_sync, job.with_publish, job.with_distribute)


def refusal(repository: Repository, actions: Actions) -> str:
    """The sentence with which such a run is refused, empty if it is not."""
    if actions.distribute and not actions.publish:
        return "A run cannot distribute without publishing: choose both, or neither."
    if not (actions.sync or actions.publish):
        return "A run has to do something: sync, publish, or both."
    if actions.sync and repository.remote_id is None:
        return f"“{repository}” has no remote to sync from. Give it one first."
    if not actions.sync and not repository.versions.complete().filter(number__gt=0).exists():
        return f"“{repository}” has no files yet, so there is nothing to publish. Sync it first."
    if actions.distribute and not Distribution.objects.following(repository).exists():
        return (
            f"No distribution follows “{repository}”, so there is nothing to switch. "
            "Add one or let one follow, or run without distribute."
        )
    return ""


def obstacle(repository: Repository, actions: Actions) -> Obstacle | None:
    """What keeps such a run from being requested now; None if nothing does."""
    if reason := refusal(repository, actions):
        return Obstacle(reason)
    if job := _identical(repository, actions):
        return Obstacle(f"The same run is already {job.state}.", job)
    return None


def request(repository: Repository, *, actions: Actions | None = None, by: "User | None" = None) -> Requested:
    """Asks for a run; `actions` default to the repository's toggles. Raises Refused, and then makes no job.

    The job is rung for when the transaction that this is called in is committed.
    """
    actions = actions or defaults(repository)
    if reason := refusal(repository, actions):
        raise Refused(reason)
    if job := _identical(repository, actions):
        return Requested(job, joined=True)
    try:
        with transaction.atomic():
            job = Job.objects.create(repository=repository, requested_by=by, **actions.columns())
            reserve(job)
            bell.ring(job.pk)
    except IntegrityError:
        # Somebody else made the identical request in this very moment.
        if job := _identical(repository, actions):
            return Requested(job, joined=True)
        raise
    return Requested(job, joined=False)


def _identical(repository: Repository, actions: Actions) -> Job | None:
    return Job.objects.active().filter(repository=repository, **actions.columns()).first()


def reserve(job: Job) -> None:
    """Notes what the job needs: its repository, and each distribution that it may move."""
    resources = [f"repository:{job.repository_id}"]
    if job.with_distribute:
        following = Distribution.objects.following(job.repository)
        resources += [f"distribution:{pk}" for pk in following.values_list("pk", flat=True)]
    Reservation.objects.bulk_create(
        [Reservation(job=job, resource=resource) for resource in resources], ignore_conflicts=True
    )


def cancel(job: Job) -> bool:
    """Cancels a waiting job at once, tells a running one to stop; returns whether there was anything to cancel."""
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk)
        if mine.filter(state=State.WAITING).update(state=State.CANCELED, finished_at=timezone.now()):
            ring_waiting(job)
            return True
    running = mine.filter(state=State.RUNNING, cancel_requested_at=None)
    return bool(running.update(cancel_requested_at=timezone.now()))


def end(job: Job, state: str, *, error: str = "", code: str = "") -> bool:
    """Moves a running job of ours to its end, and rings for those that waited for it. False if it was not ours."""
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.RUNNING)
        ended = {"state": state, "finished_at": timezone.now(), "error": error, "error_code": code}
        if not mine.update(**ended):
            return False
        _let_go(job)
        return True


def give_back(job: Job) -> bool:
    """Makes a running job of ours wait again, to be taken up by whoever comes. False if it was not ours."""
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.RUNNING)
        if not mine.update(state=State.WAITING, worker=""):
            return False
        _let_go(job)
        bell.ring(job.pk)
        return True


def _let_go(job: Job) -> None:
    """Frees what a job held and closes the reports that it left open."""
    job.reservations.update(held=False)
    still_open = job.reports.filter(state=ProgressReport.State.RUNNING)
    still_open.update(state=ProgressReport.State.CANCELED, finished_at=timezone.now())
    ring_waiting(job)


def ring_waiting(job: Job) -> None:
    """Rings for the waiting jobs that need something which `job` needed too."""
    resources = job.reservations.values("resource")
    waiting = Job.objects.filter(state=State.WAITING, reservations__resource__in=resources).exclude(pk=job.pk)
    for pk in waiting.order_by("pk").values_list("pk", flat=True).distinct():
        bell.ring(pk)


def overlooked() -> list[int]:
    """The ids of waiting jobs with nothing in their way, in order of request."""
    waiting = Job.objects.filter(state=State.WAITING).order_by("pk")
    return [job.pk for job in waiting if not Job.objects.in_the_way_of(job).exists()]
