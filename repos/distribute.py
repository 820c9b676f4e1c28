"""The third verb: switches what is served. Every move of a distribution is made here and leaves a row of history.

All moves lock the repository first. So what is decided by looking at several distributions or publications of it
still holds when it is written, and nothing is served while it is being deleted.
"""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, Value, When

from .errors.refusals import Gone, Refused, Stale
from .errors.values import InvalidValue
from .models import Distribution, Job, Publication, Repository, Switch
from .progress import Progress
from .words import say

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Of a note on why something was switched.
MAX_REASON = 500
# So many moves of a job are in its log.
LOGGED = 5


def distribute(
    repository: Repository, publication: Publication, *, progress: Progress, job: Job | None = None
) -> list[Switch]:
    """Moves every distribution that follows `repository` to `publication`: all in one transaction, or none.

    Returns the switches that were made; those that already served it are left alone, and so are pinned ones.
    """
    with progress.step("distribute", "distribute.switching", say("Switching what is served")) as report:
        with transaction.atomic():
            progress.confirm()
            Repository.objects.locked(repository.pk)
            following = Distribution.objects.following(repository).select_for_update()
            behind = [one for one in following if one.publication_id != publication.pk]
            reason = say("published version {number}", number=publication.version.number)
            by = job.requested_by if job else None
            switches = [_move(one, publication, job=job, by=by, reason=reason) for one in behind]
        if switches:
            report.done = report.total = len(switches)
            report.suffix = ", ".join(one.distribution.base_path for one in switches[:3])
            for one in switches[:LOGGED]:
                progress.log(
                    say(
                        "“{distribution}” serves version {number} now.",
                        distribution=one.distribution,
                        number=publication.version.number,
                    )
                )
        elif following:
            report.skip(
                say(
                    "Every distribution that follows already serves version {number}", number=publication.version.number
                )
            )
        else:
            report.skip(say("No distribution follows the repository any more"))
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
        raise Gone(
            say("The publication of version {number}", number=publication.version.number), say("Choose another.")
        )
    if known.version.repository_id != current.repository_id:
        raise Refused(
            say("“{current}” is of another repository than this publication, so it cannot serve it.", current=current)
        )
    _refuse_stale(current, known, instead_of)
    return _set(
        current,
        known,
        pinned=True,
        by=by,
        reason=reason or say("pinned to version {number}", number=known.version.number),
    )


@transaction.atomic
def promote(
    distribution: Distribution,
    source: Distribution,
    *,
    instead_of: int | None = None,
    shown: int | None = None,
    by: "User | None" = None,
    reason: str = "",
) -> Switch | None:
    """Serves what `source`, another distribution of the same repository, serves now: pinned, as `pin` does it.

    `shown` is the number of the publication that `source` is taken to serve. Raises Refused where it serves nothing,
    Gone and Stale where it is gone, or serves another by now; and what `pin` raises.
    """
    Repository.objects.locked(distribution.repository_id)
    current = Distribution.objects.select_related("publication__version").filter(pk=source.pk).first()
    if current is None:
        raise Gone(say("The distribution at “{source}”", source=source))
    if current.publication is None:
        raise Refused(
            say(
                "“{current}” serves nothing yet, so “{distribution}” cannot serve the same.",
                current=current,
                distribution=distribution,
            )
        )
    if shown is not None and shown != current.publication_id:
        raise Stale(say("What “{current}” serves", current=current))
    number = current.publication.version.number
    reason = reason or say("version {number}, as served at “{current}”", number=number, current=current)
    return pin(distribution, current.publication, instead_of=instead_of, by=by, reason=reason)


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
    reason = reason or say("follows, now at version {number}", number=newest.version.number)
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
        raise Gone(say("The distribution at “{distribution}”", distribution=distribution))
    return current


def _refuse_stale(current: Distribution, wanted: Publication, instead_of: int | None) -> None:
    if instead_of is not None and current.publication_id not in (instead_of or None, wanted.pk):
        raise Stale(say("What “{current}” serves", current=current))


def _set(
    current: Distribution, publication: Publication, *, pinned: bool, by: "User | None", reason: str
) -> Switch | None:
    if len(reason) > MAX_REASON:
        raise InvalidValue("reason", say("A note has {most} characters at most.", most=MAX_REASON))
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
