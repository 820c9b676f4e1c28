"""Repositories that are not as they should be: their last run, how fresh they are, what of them is served."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import freshness, prepared, units
from .finding import Act, Finding, Findings, Kind, Verb
from .models import Distribution, Job, Publication, Repository, RepositoryVersion
from .models.job import State
from .words import say

LastRuns: TypeAlias = "QuerySet[Repository, tuple[int | None, int | None]]"


def look(found: Findings, limit: int) -> None:
    """Adds what needs attention of repositories, at most `limit` of each kind one by one."""
    active = _active()
    troubled = _troubled()
    newest = Job.objects.filter(pk__in=troubled[:limit]).select_related("repository").order_by("-pk")
    ran = list(newest) if troubled else []
    found.extend(_of_run(job, active) for job in ran)
    found.more += max(0, len(troubled) - limit)
    busy = [pk for pk, job in active.items() if job.with_publish]
    # Mostly there are none of these.
    if prepared.finds_any(_unpublished):
        found.take(_unpublished().exclude(pk__in=busy), limit, _nothing_published)
    if prepared.finds_any(_distributions):
        found.take(_distributions().exclude(repository__in=busy), limit, _of_distribution)
    if prepared.finds_any(_partly):
        partly = _partly().exclude(pk__in=[job.repository_id for job in ran])
        found.take(partly, limit, lambda one: _goes_without(one, active))
    found.take(_stale(), limit, lambda one: _is_stale(one, active))


def of(repository: Repository) -> Findings:
    """The same of one repository, at the cost of looking at that alone."""
    found, only = Findings(), {"repository": repository.pk}
    active = _active(**only)
    runs = _last_runs_of(Repository.objects.filter(pk=repository.pk))
    ran = list(Job.objects.filter(pk__in=_troubles(runs)).select_related("repository").order_by("-pk"))
    found.extend(_of_run(job, active) for job in ran)
    if not any(job.with_publish for job in active.values()):
        found.extend(_nothing_published(one) for one in _unpublished().filter(pk=repository.pk))
        found.extend(_of_distribution(one) for one in _distributions().filter(**only))
    if not ran:
        found.extend(_goes_without(one, active) for one in _partly().filter(pk=repository.pk))
    found.extend(_is_stale(one, active) for one in _stale().filter(pk=repository.pk))
    return found


def needing() -> set[int]:
    """The numbers of all repositories of which `look` would tell something."""
    busy = [pk for pk, job in _active().items() if job.with_publish]
    asked = [_unpublished().exclude(pk__in=busy), _partly(), _stale()]
    found = {pk for rows in asked for pk in rows.order_by().values_list("pk", flat=True)}
    found |= set(_distributions().exclude(repository__in=busy).order_by().values_list("repository", flat=True))
    return found | set(Job.objects.filter(pk__in=_troubled()).order_by().values_list("repository", flat=True))


def _active(**only: int) -> dict[int, Job]:
    """The first active run of each repository that has one."""
    active = Job.objects.active().runs().filter(**only).order_by("-pk")
    return {job.repository_id: job for job in active if job.repository_id is not None}


def _unless_active(act: Act, repository: Repository, active: dict[int, Job]) -> Act:
    """`act`, or to watch the run that may mend it just now."""
    job = active.get(repository.pk)
    return Act(Verb.WATCH, job) if job else act


# ---- the last run ----


def _troubled() -> list[int]:
    """The numbers, the highest first, of the newest run that ended of each repository, if it failed or was partial.

    And of the newest sync, if that failed: an upload after it does not make it good.
    """
    return _troubles(prepared.rows(_last_runs))


def _troubles(runs: Iterable[Sequence[int | None]]) -> list[int]:
    return sorted({run for pair in runs for run in pair if run}, reverse=True)


def _last_runs() -> LastRuns:
    return _last_runs_of(Repository.objects.all())


def _last_runs_of(repositories: QuerySet[Repository]) -> LastRuns:
    """Of each repository the numbers of its newest run and of its newest sync; None for one that is well."""
    runs = Job.objects.runs().ended().filter(repository=OuterRef("pk"), started_at__isnull=False).order_by("-pk")
    failed = Q(state=State.FAILED)
    in_trouble = Case(When(failed | Q(state=State.COMPLETED, failed__gt=0), then="pk"))
    # Asked of the repositories: asked of the jobs, a database would look at all that ever failed.
    return repositories.order_by().values_list(
        Subquery(runs.values(number=in_trouble)[:1]),
        Subquery(runs.filter(with_sync=True).values(number=Case(When(failed, then="pk")))[:1]),
    )


def _of_run(job: Job, active: dict[int, Job]) -> Finding:
    repository = job.repository
    assert repository is not None
    if job.state == State.COMPLETED:
        files = units.counted(job.failed, "file")
        kind, act = Kind.PARTIAL, Act(Verb.RETRY, job)
        message = say(
            "Job {job} went on without {files} of “{repository}” that could not be fetched.",
            job=job.pk,
            files=files,
            repository=repository,
        )
    elif job.would_remove is not None:
        kind, act = Kind.BRAKE, Act(Verb.CONFIRM, job)
        message = say(
            "The brake stopped job {job} of “{repository}”. {error}", job=job.pk, repository=repository, error=job.error
        )
    else:
        kind, act = Kind.FAILED, Act(Verb.RETRY if job.failed else Verb.AGAIN, job)
        message = say("Job {job} of “{repository}” failed. {error}", job=job.pk, repository=repository, error=job.error)
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
    message = say(
        "The newest of “{repository}” is {newest} that could not be fetched.", repository=repository, newest=newest
    )
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
    message = say(
        "“{repository}” has {files}, but nothing is published, so nobody can download them.",
        repository=repository,
        files=files,
    )
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
        kind, message = (
            Kind.UNSERVED,
            say(
                "Nothing is served at “{distribution}”, though “{repository}” is published.",
                distribution=distribution,
                repository=repository,
            ),
        )
    else:
        newer = distribution.newest if repository.auto_publish else distribution.published
        kind = Kind.BEHIND
        message = say(
            "“{distribution}” serves version {number} of “{repository}”, though version {newer} is there.",
            distribution=distribution,
            number=publication.version.number,
            repository=repository,
            newer=newer,
        )
    since = distribution.newest_made
    return Finding(kind, message, Act(Verb.DISTRIBUTE, repository), since, repository, distribution=distribution)


# ---- freshness ----


def _stale() -> QuerySet[Repository]:
    """Those that have a remote, and whose last sync that got everything is too long ago; the longest first."""
    old = Repository.objects.filter(remote__isnull=False).annotate(agreed=Coalesce("synced_at", "created_at"))
    return old.filter(freshness.late("agreed")).order_by("agreed")


def _is_stale(repository: Repository, active: dict[int, Job]) -> Finding:
    days = units.counted(repository.stale_days or 0, "day")
    if repository.synced_at:
        gone = units.duration(timezone.now() - repository.synced_at)
        message = say(
            "“{repository}” is stale: its last sync that got everything was {gone} ago, more than {days}.",
            repository=repository,
            gone=gone,
            days=days,
        )
    else:
        message = say(
            "“{repository}” is stale: no sync has got everything in the {days} since it was made, or ever.",
            repository=repository,
            days=days,
        )
    act = _unless_active(Act(Verb.RUN, repository), repository, active)
    return Finding(Kind.STALE, message, act, repository.synced_at or repository.created_at, repository)
