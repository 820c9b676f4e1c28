"""The third verb: switches what is served. Every move of a distribution is made here and leaves a row of history."""

from typing import Any

from django.db import transaction

from .models import Distribution, Job, Publication, Repository, Switch
from .progress import Progress


def distribute(
    repository: Repository, publication: Publication, *, progress: Progress, job: Job | None = None
) -> list[Switch]:
    """Moves every distribution that follows `repository` to `publication`: all in one transaction, or none.

    Returns the switches that were made; those that already served it are left alone, and so are pinned ones.
    """
    with progress.step("distribute", "distribute.switching", "Switching what is served") as report:
        with transaction.atomic():
            progress.confirm()
            following = Distribution.objects.following(repository).select_for_update()
            behind = [one for one in following if one.publication_id != publication.pk]
            reason = f"published version {publication.version.number}"
            switches = [_move(one, publication, job=job, by=_requester(job), reason=reason) for one in behind]
        if switches:
            report.done = report.total = len(switches)
            report.suffix = ", ".join(one.distribution.base_path for one in switches[:3])
        else:
            report.skip(f"Every distribution that follows already serves version {publication.version.number}")
    return switches


def pin(distribution: Distribution, publication: Publication, *, by: Any = None, reason: str) -> Switch | None:
    """Serves `publication` from now on, whatever jobs do: how to roll back. None if it was pinned to it already."""
    return _set(distribution, publication, pinned=True, by=by, reason=reason)


def follow(distribution: Distribution, *, by: Any = None, reason: str) -> Switch | None:
    """Lets jobs move the distribution again, and serves the repository's newest publication at once."""
    newest = Publication.objects.filter(version__repository=distribution.repository_id).latest("version__number", "pk")
    return _set(distribution, newest, pinned=False, by=by, reason=reason)


def _set(distribution: Distribution, publication: Publication, *, pinned: bool, by: Any, reason: str) -> Switch | None:
    with transaction.atomic():
        current = Distribution.objects.select_for_update().get(pk=distribution.pk)
        if (current.pinned, current.publication_id) == (pinned, publication.pk):
            return None
        current.pinned = pinned
        return _move(current, publication, job=None, by=by, reason=reason)


def _move(distribution: Distribution, publication: Publication, *, job: Job | None, by: Any, reason: str) -> Switch:
    """The move itself; `distribution` is locked by the caller's transaction."""
    earlier, distribution.publication = distribution.publication, publication
    distribution.save(update_fields=["publication", "pinned"])
    return Switch.objects.create(
        distribution=distribution, by=by, earlier=earlier, later=publication, job=job, reason=reason
    )


def _requester(job: Job | None) -> Any:
    return job.requested_by if job else None
