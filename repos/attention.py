"""What needs attention: derived from what is there, whenever somebody asks, so that it is true at every moment."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from . import clock, conf, lagging, prepared, space, units
from .damage import IS_LOST, IS_NEEDED
from .finding import Act, Finding, Findings, Kind, Verb
from .models import Artifact, Damage, Job, Reservation, Worker
from .models.job import JobQuerySet, State
from .words import later, say, say_by

# How many of each kind are told one by one.
LIMIT = 50
# How long a job may wait for nothing before it is stuck.
PATIENCE = timedelta(minutes=1)
# Of repositories and of paths, so many are named in one sentence.
NAMED = 3
BRING_BACK = later(
    "upload the same bytes again, or copy them from a backup into the folder “pool” of the data and verify"
)

_ORDER = list(Kind)


def find(limit: int = LIMIT) -> Findings:
    """All that needs attention, the worst first; of what there is of a kind beyond `limit`, only how many."""
    found = Findings()
    workers = list(Worker.objects.order_by("-heartbeat_at"))
    threads = sum(worker.threads for worker in workers if worker.alive)
    if not threads:
        found.extend(_nobody_works(workers))
    elif Job.objects.filter(state=State.RUNNING).count() < threads:
        found.take(_waiting_for_nothing(), limit, _is_stuck)
    found.extend(_disk())
    found.extend(_damaged())
    found.extend(_clock())
    found.extend(_upkeep())
    lagging.look(found, limit)
    # The order within a kind stays.
    found.sort(key=lambda one: _ORDER.index(one.kind))
    return found


# ---- who works ----


def _nobody_works(workers: list[Worker]) -> Iterator[Finding]:
    """Where no worker is alive: bad if a job is there for one; else if there was one before."""
    active = Job.objects.active().aggregate(number=Count("pk"), oldest=Min("requested_at"))
    gone = ""
    if workers:
        last = f"{workers[0].heartbeat_at:%Y-%m-%d %H:%M}"
        gone = say("The last one gave no sign of life since {time} UTC.", time=last)
    act = Act(Verb.START)
    since = workers[0].heartbeat_at if workers else active["oldest"]
    if number := active["number"]:
        waits = say_by(
            number,
            "No worker is running, so {count} job waits.",
            "No worker is running, so {count} jobs wait.",
            count=units.number(number),
        )
        yield Finding(Kind.WORKER, _sentences(waits, gone, say("A server starts one.")), act, since)
    elif workers or _a_worker_ran_the_last_job():
        would = say("No worker is running, so a job would wait.")
        yield Finding(Kind.WORKER, _sentences(would, gone, say("A server starts one.")), act, since)


def _sentences(*all_: str) -> str:
    """One behind another; empty ones are left out."""
    return " ".join(filter(None, all_))


def _a_worker_ran_the_last_job() -> bool:
    """Whether it was not a terminal: who works from there needs no worker."""
    last = Job.objects.exclude(worker="").order_by("-pk").values_list("worker", flat=True).first()
    return last is not None and ":terminal:" not in last


def _waiting_for_nothing() -> QuerySet[Job]:
    moment = timezone.now() - PATIENCE
    # What was in the way until a moment ago is no reason to worry.
    in_the_way = Reservation.objects.filter(
        Q(job__finished_at=None) | Q(job__finished_at__gt=moment),
        job__lt=OuterRef("job"),
        resource=OuterRef("resource"),
    )
    blocked = Reservation.objects.filter(Exists(in_the_way), job=OuterRef("pk"))
    waiting = Job.objects.filter(state=State.WAITING, requested_at__lt=moment)
    return waiting.filter(~Exists(blocked)).select_related("repository").order_by("pk")


def _is_stuck(job: Job) -> Finding:
    """Of a job that waits for nothing while somebody is free to run it."""
    message = say(
        "Job {job} for {subject} waits since {time} UTC, though nothing is in its way. Restart "
        "the server; if that does not help, cancel the job and ask for it anew.",
        job=job.pk,
        subject=job.subject,
        time=f"{job.requested_at:%Y-%m-%d %H:%M}",
    )
    return Finding(Kind.STUCK, message, Act(Verb.CANCEL, job), job.requested_at, job.repository, job)


# ---- what is stored ----


def _disk() -> Iterator[Finding]:
    if space.is_low():
        free, reserve = units.size(space.free()), units.size(conf.reserve_bytes())
        message = say(
            "The disk is nearly full: {free} are free, and {reserve} are to stay free, so nothing is "
            "fetched. Make room, or let a clean-up do it.",
            free=free,
            reserve=reserve,
        )
        yield Finding(Kind.DISK, message, Act(Verb.CLEAN))


def _damaged() -> Iterator[Finding]:
    if not Damage.objects.exists():
        return
    needed = Q(needed=True)
    found = Damage.objects.annotate(needed=IS_NEEDED).aggregate(
        number=Count("pk"),
        # As a subquery: where nothing is damaged, no artifact is looked at.
        bytes=Sum(Subquery(Artifact.objects.filter(pk=OuterRef("artifact")).values("size"))),
        since=Min("found_at"),
        unneeded=Count("pk", filter=~needed),
        lost=Count("pk", filter=needed & IS_LOST),
    )
    if number := found["number"]:
        files = say("{files} ({size})", files=units.counted(number, "stored file"), size=units.size(found["bytes"]))
        some = say_by(
            number,
            "{files} is damaged or missing{where}. It is not served until repaired.",
            "{files} are damaged or missing{where}. They are not served until repaired.",
            files=files,
            where=_where(),
        )
        lost, unneeded = found["lost"], found["unneeded"]
        message = _sentences(some, _lost(lost, number), _unneeded(unneeded, number))
        act = Act(Verb.VERIFY) if lost + unneeded < number else None if lost else Act(Verb.CLEAN)
        yield Finding(Kind.DAMAGED, message, act, found["since"])


def _lost(some: int, number: int) -> str:
    """What to do about those of the damaged files whose bytes no upstream has."""
    all_ = later("No upstream has the bytes: {advice}.")
    of_them = later("No upstream has the bytes of {count} of them: {advice}.")
    return say(of_them if some < number else all_, count=units.number(some), advice=say(BRING_BACK)) if some else ""


def _unneeded(some: int, number: int) -> str:
    """What becomes of those that nothing needs."""
    all_ = later("Nothing needs the bytes any more: a clean-up takes them away.")
    of_them = later("Nothing needs the bytes of {count} of them any more: a clean-up takes them away.")
    return say(of_them if some < number else all_, count=units.number(some)) if some else ""


def _where() -> str:
    """A damaged file of each of the first repositories that have any, as the end of a clause."""
    damaged = Damage.objects.filter(artifact__content__repository__isnull=False)
    each = damaged.values_list("artifact__content__repository__name").annotate(path=Min("artifact__content__path"))
    told = [
        say("“{path}” of “{name}”", path=path, name=name)
        for name, path in each.order_by("artifact__content__repository__name")[:NAMED]
    ]
    return say(", such as {names}", names=", ".join(told)) if told else ""


def _clock() -> Iterator[Finding]:
    if doubt := clock.doubt():
        yield Finding(Kind.CLOCK, doubt)


def _upkeep() -> Iterator[Finding]:
    """The last clean-up, and the last verify of all and of each repository, if it failed. Damage is told by itself."""
    if not prepared.finds_any(_failed_upkeep):
        return
    failed = [job for job in _last_upkeep() if job.state == State.FAILED and job.error_code != "damaged"]
    for job in sorted(failed, key=lambda one: -one.pk)[:LIMIT]:
        message = say("Job {job} for {subject} failed. {error}", job=job.pk, subject=job.subject, error=job.error)
        yield Finding(Kind.FAILED, message, Act(Verb.AGAIN, job), job.finished_at, job.repository, job)


def _failed_upkeep() -> JobQuerySet:
    return Job.objects.upkeep().filter(state=State.FAILED)


def _last_upkeep() -> Iterator[Job]:
    """The last of each kind. A verify of all is one of each repository too."""
    ended = Job.objects.upkeep().ended().filter(started_at__isnull=False).select_related("repository")
    for kind in (ended.filter(with_clean=True), ended.filter(with_verify=True, repository=None)):
        yield from (of_all := list(kind[:1]))
    # What came after the last of all is each of a repository.
    later = ended.filter(with_verify=True, pk__gt=of_all[0].pk if of_all else 0)
    yield from {job.repository_id: job for job in reversed(later)}.values()
