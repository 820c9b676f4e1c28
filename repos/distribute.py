"""The third verb: switches what is served. Every move of a distribution is made here and leaves a row of history.

All moves lock the repository first. So what is decided by looking at several distributions or publications of it
still holds when it is written, and nothing is served while it is being deleted.
"""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, Value, When

from .errors import Gone, InvalidValue, Refused, Stale
from .models import Distribution, Job, Publication, Repository, Switch
from .progress import Progress

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of a note on why something was switched.
MAX_REASON = 500


def distribute(
    repository: Repository, publication: Publication, *, progress: Progress, job: Job | None = None
) -> list[Switch]:
    """Moves every distribution that follows `repository` to `publication`: all in one transaction, or none.

    Returns the switches that were made; those that already served it are left alone, and so are pinned ones.
    """
    with progress.step("distribute", "distribute.switching", "Switching what is served") as report:
        with transaction.atomic():
            progress.confirm()
            Repository.objects.locked(repository.pk)
            following = Distribution.objects.following(repository).select_for_update()
            behind = [one for one in following if one.publication_id != publication.pk]
            reason = f"published version {publication.version.number}"
            by = job.requested_by if job else None
            switches = [_move(one, publication, job=job, by=by, reason=reason) for one in behind]
        if switches:
            report.done = report.total = len(switches)
            report.suffix = ", ".join(one.distribution.base_path for one in switches[:3])
        elif following:
            report.skip(f"Every distribution that follows already serves version {publication.version.number}")
        else:
            report.skip("No distribution follows the repository any more")
    return switches


@transaction.atomic
def pin(
    distribution: Distribution,
    publication: Publication,
    *,
    instead_of: int | None = None,
    by: "User | None" = None,
    reason: str = "",
) -> Switch | None:
    """Serves `publication` from now on, whatever jobs do: how to roll back. None if it was pinned to it already.

    `instead_of` is the number of the publication that it is taken to serve, 0 for none; None where that is all one.
    Raises Refused where the publication is of another repository, Gone where one of the two is, and Stale where it
    serves another by now.
    """
    current = _locked(distribution)
    known = Publication.objects.select_related("version").filter(pk=publication.pk).first()
    if known is None:
        raise Gone(f"The publication of version {publication.version.number}", "Choose another.")
    if known.version.repository_id != current.repository_id:
        raise Refused(f"“{current}” is of another repository than this publication, so it cannot serve it.")
    _refuse_stale(current, known, instead_of)
    return _set(current, known, pinned=True, by=by, reason=reason or f"pinned to version {known.version.number}")


@transaction.atomic
def follow(
    distribution: Distribution, *, instead_of: int | None = None, by: "User | None" = None, reason: str = ""
) -> Switch | None:
    """Lets jobs move the distribution again, and serves the repository's newest publication at once.

    None if it did both already, or nothing is published yet. Raises Gone and, as `pin` does, Stale.
    """
    current = _locked(distribution)
    newest = newest_publication(current.repository)
    if newest is None:
        return None
    _refuse_stale(current, newest, instead_of)
    reason = reason or f"follows, now at version {newest.version.number}"
    return _set(current, newest, pinned=False, by=by, reason=reason)


def newest_publication(repository: Repository) -> Publication | None:
    """That of the newest version that has any; with the repository's settings, as a job makes it, if there is that."""
    as_a_job = Case(When(settings=repository.publish_settings_id, then=Value(1)), default=Value(0))
    found = Publication.objects.filter(version__repository=repository).select_related("version")
    return found.order_by("-version__number", as_a_job.desc(), "-pk").first()


def _locked(distribution: Distribution) -> Distribution:
    Repository.objects.locked(distribution.repository_id)
    current = Distribution.objects.select_for_update().filter(pk=distribution.pk).first()
    if current is None:
        raise Gone(f"The distribution at “{distribution}”")
    return current


def _refuse_stale(current: Distribution, wanted: Publication, instead_of: int | None) -> None:
    if instead_of is not None and current.publication_id not in (instead_of or None, wanted.pk):
        raise Stale(f"What “{current}” serves")


def _set(
    current: Distribution, publication: Publication, *, pinned: bool, by: "User | None", reason: str
) -> Switch | None:
    if len(reason) > MAX_REASON:
        raise InvalidValue("reason", f"A note has {MAX_REASON} characters at most.")
    if (current.pinned, current.publication_id) == (pinned, publication.pk):
        return None
    current.pinned = pinned
    return _move(current, publication, job=None, by=by, reason=reason)


def _move(
    distribution: Distribution, publication: Publication, *, job: Job | None, by: "User | None", reason: str
) -> Switch:
    """The move itself; `distribution` is locked by the caller's transaction."""
    earlier, distribution.publication = distribution.publication_id, publication
    distribution.save(update_fields=["publication", "pinned"])
    return Switch.objects.create(
        distribution=distribution, by=by, earlier_id=earlier, later=publication, job=job, reason=reason
    )
