"""What needs attention: derived from what is there, whenever somebody asks, so that it is true at every moment."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from . import clock, conf, lagging, space, units
from .damage import IS_LOST, IS_NEEDED
from .finding import Act, Finding, Findings, Kind, Verb
from .models import Damage, Job, Reservation, Worker
from .models.job import ACTIVE, ENDED, State

# How many of each kind are told one by one.
LIMIT = 50
# How long a job may wait for nothing before it is stuck.
PATIENCE = timedelta(minutes=1)
# Of repositories and of paths, so many are named in one sentence.
NAMED = 3
BRING_BACK = "upload the same bytes again, or copy them from a backup into the folder “pool” of the data and verify"

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
    gone = f"The last one gave no sign of life since {workers[0].heartbeat_at:%Y-%m-%d %H:%M} UTC. " if workers else ""
    act = Act(Verb.START)
    since = workers[0].heartbeat_at if workers else active["oldest"]
    if number := active["number"]:
        wait = "waits" if number == 1 else "wait"
        message = f"No worker is running, so {units.counted(number, 'job')} {wait}. {gone}A server starts one."
        yield Finding(Kind.WORKER, message, act, since)
    elif workers or _a_worker_ran_the_last_job():
        message = f"No worker is running, so a job would wait. {gone}A server starts one."
        yield Finding(Kind.WORKER, message, act, since)


def _a_worker_ran_the_last_job() -> bool:
    """Whether it was not a terminal: who works from there needs no worker."""
    last = Job.objects.exclude(worker="").order_by("-pk").values_list("worker", flat=True).first()
    return last is not None and ":terminal:" not in last


def _waiting_for_nothing() -> QuerySet[Job]:
    moment = timezone.now() - PATIENCE
    # What was in the way until a moment ago is no reason to worry.
    in_the_way = Reservation.objects.filter(
        Q(job__state__in=ACTIVE) | Q(job__finished_at__gt=moment),
        job__lt=OuterRef("job"),
        resource=OuterRef("resource"),
    )
    blocked = Reservation.objects.filter(Exists(in_the_way), job=OuterRef("pk"))
    waiting = Job.objects.filter(state=State.WAITING, requested_at__lt=moment)
    return waiting.filter(~Exists(blocked)).select_related("repository").order_by("pk")


def _is_stuck(job: Job) -> Finding:
    """Of a job that waits for nothing while somebody is free to run it."""
    message = (
        f"Job {job.pk} for {job.subject} waits since {job.requested_at:%Y-%m-%d %H:%M} UTC, though nothing is in "
        "its way. Restart the server; if that does not help, cancel the job and ask for it anew."
    )
    return Finding(Kind.STUCK, message, Act(Verb.CANCEL, job), job.requested_at, job.repository, job)


# ---- what is stored ----


def _disk() -> Iterator[Finding]:
    if space.is_low():
        free, reserve = units.size(space.free()), units.size(conf.reserve_bytes())
        message = (
            f"The disk is nearly full: {free} are free, and {reserve} are to stay free, so nothing is fetched. "
            "Make room, or let a clean-up do it."
        )
        yield Finding(Kind.DISK, message, Act(Verb.CLEAN))


def _damaged() -> Iterator[Finding]:
    needed = Q(needed=True)
    found = Damage.objects.annotate(needed=IS_NEEDED).aggregate(
        number=Count("pk"),
        bytes=Sum("artifact__size"),
        since=Min("found_at"),
        unneeded=Count("pk", filter=~needed),
        lost=Count("pk", filter=needed & IS_LOST),
    )
    if number := found["number"]:
        files = f"{units.counted(number, 'stored file')} ({units.size(found['bytes'])})"
        is_, they = ("is", "It is") if number == 1 else ("are", "They are")
        message = f"{files} {is_} damaged or missing{_where()}. {they} not served until repaired."
        lost, unneeded = found["lost"], found["unneeded"]
        if lost:
            message += f" No upstream has the bytes{_of_them(lost, number)}: {BRING_BACK}."
        if unneeded:
            message += f" Nothing needs the bytes{_of_them(unneeded, number)} any more: a clean-up takes them away."
        act = Act(Verb.VERIFY) if lost + unneeded < number else None if lost else Act(Verb.CLEAN)
        yield Finding(Kind.DAMAGED, message, act, found["since"])


def _of_them(some: int, number: int) -> str:
    return f" of {some:,} of them" if some < number else ""


def _where() -> str:
    """A damaged file of each of the first repositories that have any, as the end of a clause."""
    damaged = Damage.objects.filter(artifact__content__repository__isnull=False)
    each = damaged.values_list("artifact__content__repository__name").annotate(path=Min("artifact__content__path"))
    told = [f"“{path}” of “{name}”" for name, path in each.order_by("artifact__content__repository__name")[:NAMED]]
    return f", such as {', '.join(told)}" if told else ""


def _clock() -> Iterator[Finding]:
    if doubt := clock.doubt():
        yield Finding(Kind.CLOCK, doubt)


def _upkeep() -> Iterator[Finding]:
    """The last clean-up, and the last verify of all and of each repository, if it failed. Damage is told by itself.

    A verify of all is one of each repository too.
    """
    ended = Job.objects.filter(Q(with_verify=True) | Q(with_clean=True), state__in=ENDED, started_at__isnull=False)
    later = ended.filter(with_clean=OuterRef("with_clean"), pk__gt=OuterRef("pk"))
    same = Q(repository=OuterRef("repository")) | Q(repository=None)
    failed = ended.filter(~Exists(later.filter(same)), state=State.FAILED).exclude(error_code="damaged")
    for job in failed.select_related("repository").order_by("-pk")[:LIMIT]:
        message = f"Job {job.pk} for {job.subject} failed. {job.error}"
        yield Finding(Kind.FAILED, message, Act(Verb.AGAIN, job), job.finished_at, job.repository, job)
