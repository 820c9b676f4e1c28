"""Storage: where the bytes are, and what a clean-up would free.

To count takes a second or two where there are a million files. So the page comes at once, and what has to be counted
comes after it, as fragments; without JavaScript a link asks for all of it (`?counted`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dashboard import cache
from dashboard.roles import for_operators
from dashboard.running import runs
from repos import clean_plan, conf, jobs, orphans, quarantine, retention, space, stored
from repos.models import Artifact, Job, Repository
from repos.models.job import JobQuerySet
from repos.stored import Amount

from . import verify
from .http import Request, go_to_job, page_of

T = TypeVar("T")

VERSIONS = 50
JOBS = 10
# How many of the versions that would go, or are held, are shown one by one.
FATES = 20
# Seconds for which what was counted is shown again, unless a job has ended since.
REMEMBERED = 60
# Seconds that the page's dry run looks through the pool.
PATIENCE = 4.0


@require_GET
def index(request: Request) -> HttpResponse:
    context = {
        "used": Artifact.objects.totals(),
        "free": space.free(),
        "quarantine": quarantine.held(),
        "runs": runs(_upkeep().active().select_related("requested_by").prefetch_related("reports", "reservations")),
        "jobs": page_of(request, _upkeep().for_list(), "page", JOBS),
        "every": conf.clean_every(),
        "protection": orphans.protection(),
    }
    context |= verify.context(request)
    if "counted" in request.GET:
        context |= _sizes() | _plan()
    return render(request, "storage/index.html", context)


@require_GET
def sizes(request: Request) -> HttpResponse:
    """The fragment with who needs how much."""
    return render(request, "storage/_sizes.html", _sizes())


@require_GET
def plan(request: Request) -> HttpResponse:
    """The fragment with the dry run of a clean-up."""
    return render(request, "storage/_plan.html", _plan())


@require_GET
def repository(request: Request, pk: int) -> HttpResponse:
    """The versions of one: how much each has, what only it has, and what retention makes of it."""
    shown = get_object_or_404(Repository, pk=pk)
    fates, only = retention.plan(shown), stored.only_in(shown)
    rows = [(fate, only.get(fate.version.number, Amount())) for fate in fates]
    context = {
        "repository": shown,
        "rule": retention.rule(shown),
        "going": sum(fate.goes for fate in fates),
        "page": Paginator(rows, VERSIONS).get_page(request.GET.get("page")),
    }
    return render(request, "storage/repository.html", context)


@require_POST
@for_operators
def clean(request: Request) -> HttpResponse:
    return go_to_job(request, jobs.request(None, actions=jobs.CLEAN, by=request.user))


@require_POST
@for_operators
def empty_quarantine(request: Request) -> HttpResponse:
    messages.success(request, f"{quarantine.empty()} removed from the quarantine.")
    return redirect("storage")


def _upkeep() -> JobQuerySet:
    return Job.objects.filter(repository=None)


def _sizes() -> dict[str, Any]:
    found, at = _remembered("sizes", stored.stored)
    return {"stored": found, "sized_at": at}


def _plan() -> dict[str, Any]:
    found, at = _remembered("plan", lambda: clean_plan.plan(seconds=PATIENCE))
    return {
        "plan": found,
        "planned_at": at,
        "going": found.going[:FATES],
        "more_going": len(found.going) - FATES,
        "held": found.held[:FATES],
        "more_held": len(found.held) - FATES,
        "protection": orphans.protection(),
    }


def _remembered(name: str, count: Callable[[], T]) -> tuple[T, datetime]:
    """What `count` returns, and when it did; for a moment what it returned before."""
    ended = Job.objects.aggregate(at=Max("finished_at"))["at"]
    key = f"storage:{name}:{conf.data()}:{ended and ended.timestamp()}"
    known: tuple[T, datetime] | None = cache.get(key)
    if known is None:
        known = count(), timezone.now()
        cache.set(key, known, REMEMBERED)
    return known
