"""The first page: figures, running jobs, all repositories, and the form that makes another."""

from typing import Any

from django.db.models import Prefetch, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import storage
from dashboard.forms.repositories import MirrorForm
from dashboard.running import runs, watched
from repos import workers
from repos.models import Job, Repository

from .http import Request, page_of

# How many of the active jobs are shown here; the jobs' own page has them all.
RUNNING = 10
REPOSITORIES = 50


@require_GET
def overview(request: Request) -> HttpResponse:
    return render(request, "overview/index.html", context(request, MirrorForm()))


@require_GET
def running(request: Request) -> HttpResponse:
    """The live fragment; when jobs came or ended since the page was drawn, with all that this may have changed."""
    live = _live()
    changed = live["watched"] != request.GET.get("watched")
    if changed:
        live |= _settled(request)
    return render(request, "overview/_running.html", live | {"changed": changed})


def context(request: Request, form: MirrorForm) -> dict[str, Any]:
    """All that the page shows, with `form` as it stands."""
    return _live() | _settled(request) | {"form": form}


def _live() -> dict[str, Any]:
    active = runs(Job.objects.for_panel())
    return {
        "runs": active[:RUNNING],
        "more_runs": len(active) - RUNNING,
        "watched": watched(active),
        "nobody_works": bool(active) and not workers.anyone(),
    }


def _settled(request: Request) -> dict[str, Any]:
    """What changes only when a job comes or ends."""
    shown = Repository.objects.for_overview().prefetch_related(
        "distributions__publication__version",
        Prefetch("jobs", Job.objects.latest_of_each(), to_attr="latest_jobs"),
    )
    return {"figures": _figures(), "repositories": page_of(request, shown, "page", REPOSITORIES)}


def _figures() -> dict[str, int]:
    newest = Repository.objects.for_overview().aggregate(files=Sum("newest_files"))
    return {
        "repositories": Repository.objects.count(),
        "files": newest["files"] or 0,
        "stored": storage.used()[1],
        "jobs": Job.objects.requested_today().count(),
    }
