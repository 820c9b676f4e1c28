"""Repositories that are not as they should be: their last run, how fresh they are, what of them is served."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import units
from .finding import Act, Finding, Findings, Kind, Verb
from .models import Distribution, Job, Publication, Repository, RepositoryVersion
from .models.job import ENDED, State


def look(found: Findings, limit: int) -> None:
    """Adds what needs attention of repositories, at most `limit` of each kind one by one."""
    active = _active()
    ran = found.take(_last_runs(), limit, lambda job: _of_run(job, active))
    busy = [pk for pk, job in active.items() if job.with_publish]
    found.take(_unpublished().exclude(pk__in=busy), limit, _nothing_published)
    found.take(_distributions().exclude(repository__in=busy), limit, _of_distribution)
    partly = _partly().exclude(pk__in=[job.repository_id for job in ran])
    found.take(partly, limit, lambda one: _goes_without(one, active))
    stale = _stale()
    found.extend(_is_stale(one, active) for one in stale[:limit])
    found.more += max(0, len(stale) - limit)


def _active() -> dict[int, Job]:
    """The first active run of each repository that has one."""
    active = Job.objects.active().runs().order_by("-pk")
    return {job.repository_id: job for job in active if job.repository_id is not None}


def _unless_active(act: Act, repository: Repository, active: dict[int, Job]) -> Act:
    """`act`, or to watch the run that may mend it just now."""
    job = active.get(repository.pk)
    return Act(Verb.WATCH, job) if job else act


# ---- the last run ----


def _last_runs() -> QuerySet[Job]:
    """The newest run that ended of each repository, if it failed, or went on without some files.

    And the newest sync, if that failed: an upload after it does not make it good.
    """
    runs = Job.objects.runs().filter(repository=OuterRef("pk"), state__in=ENDED, started_at__isnull=False)
    newest = runs.order_by("-pk").values("pk")
    last = Repository.objects.annotate(last=Subquery(newest[:1])).order_by()
    last_sync = Repository.objects.annotate(last=Subquery(newest.filter(with_sync=True)[:1])).order_by()
    troubled = Q(state=State.FAILED) | Q(state=State.COMPLETED, failed__gt=0)
    found = Q(troubled, pk__in=last.values("last")) | Q(state=State.FAILED, pk__in=last_sync.values("last"))
    return Job.objects.filter(found).select_related("repository").order_by("-pk")


def _of_run(job: Job, active: dict[int, Job]) -> Finding:
    repository = job.repository
    assert repository is not None
    if job.state == State.COMPLETED:
        files = units.counted(job.failed, "file")
        kind, act = Kind.PARTIAL, Act(Verb.RETRY, job)
        message = f"Job {job.pk} went on without {files} of “{repository}” that could not be fetched."
    elif job.would_remove is not None:
        kind, act = Kind.BRAKE, Act(Verb.CONFIRM, job)
        message = f"The brake stopped job {job.pk} of “{repository}”. {job.error}"
    else:
        kind, act = Kind.FAILED, Act(Verb.RETRY if job.failed else Verb.AGAIN, job)
        message = f"Job {job.pk} of “{repository}” failed. {job.error}"
    act = _unless_active(act, repository, active)
    return Finding(kind, message, act, job.finished_at, repository, job)


# ---- the newest version ----


def _newest(of: str) -> QuerySet[RepositoryVersion]:
    """The newest version of the repository whose number the outer query has as `of`."""
    return RepositoryVersion.objects.complete().filter(repository=OuterRef(of)).order_by("-number")


def _partly() -> QuerySet[Repository]:
    """Those whose newest version goes without some files, which no later sync found to be gone upstream."""
    newest = _newest("pk")
    found = Repository.objects.annotate(
        newest_number=Subquery(newest.values("number")[:1]),
        newest_failed=Subquery(newest.values("failed")[:1]),
        newest_made=Subquery(newest.values("created_at")[:1]),
    )
    not_since = Q(synced_at=None) | Q(synced_at__lt=F("newest_made"))
    return found.filter(not_since, newest_failed__gt=0)


def _goes_without(repository: Any, active: dict[int, Job]) -> Finding:
    newest = units.version(repository.newest_number, repository.newest_failed)
    message = f"The newest of “{repository}” is {newest} that could not be fetched."
    act = _unless_active(Act(Verb.RUN, repository), repository, active) if repository.remote_id else None
    return Finding(Kind.PARTIAL, message, act, repository.newest_made, repository)


# ---- what is published and served ----


def _unpublished() -> QuerySet[Repository]:
    """Those that have files, and nothing published, though they are to be published or served."""
    publications = Publication.objects.filter(version__repository=OuterRef("pk"))
    distributions = Distribution.objects.filter(repository=OuterRef("pk"))
    wanted = Q(auto_publish=True) | Exists(distributions)
    newest = _newest("pk")
    found = Repository.objects.annotate(
        newest_files=Subquery(newest.values("files")[:1]),
        newest_made=Subquery(newest.values("created_at")[:1]),
        followed=Exists(distributions),
    )
    return found.filter(wanted, ~Exists(publications), newest_files__gt=0)


def _nothing_published(repository: Any) -> Finding:
    files = units.counted(repository.newest_files, "file")
    message = f"“{repository}” has {files}, but nothing is published, so nobody can download them."
    verb = Verb.DISTRIBUTE if repository.followed else Verb.PUBLISH
    return Finding(Kind.UNPUBLISHED, message, Act(verb, repository), repository.newest_made, repository)


def _distributions() -> QuerySet[Distribution]:
    """Those that follow and serve nothing though something is published, or less than a run would have published."""
    publications = Publication.objects.filter(version__repository=OuterRef("repository")).order_by("-version__number")
    newest = _newest("repository")
    following = Distribution.objects.filter(pinned=False).annotate(
        newest=Subquery(newest.values("number")[:1]),
        newest_files=Subquery(newest.values("files")[:1]),
        newest_made=Subquery(newest.values("created_at")[:1]),
        published=Coalesce(Subquery(publications.values("version__number")[:1]), Value(0)),
    )
    nothing = Q(publication=None, published__gt=0, newest_files__gt=0)
    unpublished = Q(repository__auto_publish=True, publication__version__number__lt=F("newest"))
    behind = unpublished | Q(publication__version__number__lt=F("published"))
    return following.filter(nothing | behind).select_related("repository", "publication__version").order_by("base_path")


def _of_distribution(distribution: Any) -> Finding:
    repository, publication = distribution.repository, distribution.publication
    if publication is None:
        kind, message = Kind.UNSERVED, f"Nothing is served at “{distribution}”, though “{repository}” is published."
    else:
        newer = distribution.newest if repository.auto_publish else distribution.published
        kind = Kind.BEHIND
        message = (
            f"“{distribution}” serves version {publication.version.number} of “{repository}”, "
            f"though version {newer} is there."
        )
    since = distribution.newest_made
    return Finding(kind, message, Act(Verb.DISTRIBUTE, repository), since, repository, distribution=distribution)


# ---- freshness ----


def _stale() -> list[Repository]:
    """Those that have a remote, and whose last sync that got everything is too long ago; the longest first."""
    now = timezone.now()
    found = Repository.objects.filter(remote__isnull=False, stale_days__isnull=False)
    # No database of ours multiplies days as the other does. What was in order a day ago is never stale.
    old = found.annotate(agreed=Coalesce("synced_at", "created_at")).filter(agreed__lt=now - timedelta(days=1))
    return [one for one in old.order_by("agreed") if _agreed(one) < now - timedelta(days=one.stale_days or 0)]


def _agreed(repository: Repository) -> datetime:
    return repository.synced_at or repository.created_at


def _is_stale(repository: Repository, active: dict[int, Job]) -> Finding:
    days = units.counted(repository.stale_days or 0, "day")
    if repository.synced_at:
        gone = units.duration(timezone.now() - repository.synced_at)
        message = f"“{repository}” is stale: its last sync that got everything was {gone} ago, more than {days}."
    else:
        message = f"“{repository}” is stale: no sync has got everything in the {days} since it was made, or ever."
    act = _unless_active(Act(Verb.RUN, repository), repository, active)
    return Finding(Kind.STALE, message, act, repository.synced_at or repository.created_at, repository)
