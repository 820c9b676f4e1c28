"""What jobs need for themselves alone, and which of those that wait may begin."""

from . import bell
from .models import Distribution, Job, Reservation
from .models.job import State


def reserve(job: Job) -> None:
    """Notes what the job needs: its repository, and each distribution that it may move.

    Upkeep goes beside all of that, but only one of each kind at a time.
    """
    resources = [
        f"upkeep:{'verify' if job.with_verify else 'clean'}" if job.is_upkeep else f"repository:{job.repository_id}"
    ]
    if job.with_distribute and job.repository:
        following = Distribution.objects.following(job.repository)
        resources += [f"distribution:{pk}" for pk in following.values_list("pk", flat=True)]
    Reservation.objects.bulk_create(
        [Reservation(job=job, resource=resource) for resource in resources], ignore_conflicts=True
    )


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
