"""Storage: where the bytes are, how that grows, and what a clean-up would free.

To count takes a second or two where there are a million files. So the pages come at once, and what has to be counted
comes after them, as fragments; without JavaScript a link asks for all of it (`?counted`).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from dashboard import live, storage
from dashboard.roles import for_operators
from dashboard.running import runs
from repos import clean_plan, conf, growth, jobs, orphans, quarantine, retention, space, stored
from repos.actions import CLEAN
from repos.models import Job, Repository, StorageDay
from repos.models.job import JobQuerySet
from repos.stored import Amount, OfRepository
from repos.words import say

from . import verify
from .http import Request, go_to_job, page_of

VERSIONS = 50
REPOSITORIES = 50
JOBS = 10
# How many of the versions that would go, or are held, are shown one by one.
FATES = 20
# Seconds that the page's dry run looks through the pool.
PATIENCE = 4.0


@dataclass(frozen=True)
class Share:
    """What a picture shows of a repository: `size` in bytes, those that it shares with others included."""

    words: str
    url: str
    size: int


@require_GET
def index(request: Request) -> HttpResponse:
    used = storage.used()
    context = {
        "used": used,
        "saved": storage.saved(used[1]),
        "free": space.free(),
        "quarantine": quarantine.held(),
        "days": _days(*used),
        "jobs": page_of(request, _upkeep().for_list(), "page", JOBS),
        "every": conf.clean_every(),
        "protection": orphans.protection(),
    }
    context |= verify.context(request) | _running()
    if "counted" in request.GET:
        context |= _sizes(request) | _plan()
    return render(request, "storage/index.html", context)


@require_GET
def running(request: Request) -> HttpResponse:
    """The live fragment; when the last job has ended the whole page is asked for anew, for it may have changed all."""
    context = _running()
    if not context["runs"]:
        return HttpResponseClientRefresh()
    make = partial(render, request, "storage/_running.html", context)
    return live.answer(request, context["seen"], make, shared="storage")


def _running() -> dict[str, Any]:
    seen = live.of_jobs()
    active = _upkeep().active().select_related("requested_by").prefetch_related("reports", "reservations")
    return {"seen": seen, "runs": runs(active)}


@require_GET
def sizes(request: Request) -> HttpResponse:
    """The fragment with who needs how much."""
    return render(request, "storage/_sizes.html", _sizes(request))


@require_GET
def plan(request: Request) -> HttpResponse:
    """The fragment with the dry run of a clean-up."""
    return render(request, "storage/_plan.html", _plan())


@require_GET
def repository(request: Request, pk: int) -> HttpResponse:
    """The versions of one: how much each has, what only it has, and what retention makes of it."""
    shown = get_object_or_404(Repository, pk=pk)
    fates = retention.plan(shown)
    context = {
        "repository": shown,
        "crumbs": [(_("Storage"), reverse("storage")), (shown.name, "")],
        "rule": retention.rule(shown),
        "going": sum(fate.goes for fate in fates),
    }
    if "counted" in request.GET:
        context |= _versions(request, shown)
    return render(request, "storage/repository.html", context)


@require_GET
def versions(request: Request, pk: int) -> HttpResponse:
    """The fragment with the versions of one."""
    shown = get_object_or_404(Repository, pk=pk)
    return render(request, "storage/_versions.html", {"repository": shown} | _versions(request, shown))


@require_POST
@for_operators
def clean(request: Request) -> HttpResponse:
    return go_to_job(request, jobs.request(None, actions=CLEAN, by=request.user))


@require_POST
@for_operators
def empty_quarantine(request: Request) -> HttpResponse:
    messages.success(request, say("{files} removed from the quarantine.", files=quarantine.empty()))
    return redirect("storage")


def _upkeep() -> JobQuerySet:
    return Job.objects.filter(repository=None)


def _days(files: int, size: int) -> list[StorageDay]:
    """What was noted of the days before, and what is stored now."""
    today = timezone.now().date()
    noted = [one for one in growth.days() if one.day < today]
    return [*noted, StorageDay(day=today, files=files, size=size, side_by_side=size + storage.saved(size))]


def _sizes(request: Request) -> dict[str, Any]:
    found, at = storage.remembered("sizes", stored.stored)
    page = Paginator(found.repositories, REPOSITORIES).get_page(request.GET.get("sizes"))
    return {
        "stored": found,
        "sized_at": at,
        "sizes_page": page,
        "most": max((row.size for row in found.repositories), default=0),
        "shares": [_share(row) for row in found.repositories],
    }


def _share(row: OfRepository) -> Share:
    url = reverse("storage-repository", args=[row.repository.pk])
    return Share(row.repository.name, url, row.size)


def _versions(request: Request, shown: Repository) -> dict[str, Any]:
    fates = retention.plan(shown)
    only, at = storage.remembered(f"only:{shown.pk}", lambda: stored.only_in(shown))
    rows = [(fate, only.get(fate.version.number, Amount())) for fate in fates]
    return {
        "page": Paginator(rows, VERSIONS).get_page(request.GET.get("page")),
        "most": max((amount.size for amount in only.values()), default=0),
        "counted_at": at,
    }


def _plan() -> dict[str, Any]:
    found, at = storage.remembered("plan", lambda: clean_plan.plan(seconds=PATIENCE))
    return {
        "plan": found,
        "planned_at": at,
        "going": found.going[:FATES],
        "more_going": len(found.going) - FATES,
        "held": found.held[:FATES],
        "more_held": len(found.held) - FATES,
        "protection": orphans.protection(),
    }
