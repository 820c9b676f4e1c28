"""The first page: figures, running jobs, all repositories, and the form that makes another."""

import hashlib
from typing import Any

from django.db.models import Prefetch, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import storage
from dashboard.acts import button_of
from dashboard.forms.repositories import MirrorForm
from dashboard.running import runs, watched
from repos import attention, workers
from repos.finding import Findings
from repos.models import Job, Repository

from .http import Request, page_of

# How many of the active jobs are shown here; the jobs' own page has them all.
RUNNING = 10
REPOSITORIES = 50
# How many of each kind of what needs attention are shown one by one.
FINDINGS = 10


@require_GET
def overview(request: Request) -> HttpResponse:
    return render(request, "overview/index.html", context(request, MirrorForm()))


@require_GET
def running(request: Request) -> HttpResponse:
    """The live fragment; when jobs came or ended since the page was drawn, with all that this may have changed.

    So it is when something else needs attention than did when the page was drawn.
    """
    live = _live()
    changed = any(live[name] != request.GET.get(name) for name in ("watched", "known"))
    if changed:
        live |= _settled(request)
    return render(request, "overview/_running.html", live | {"changed": changed})


def context(request: Request, form: MirrorForm) -> dict[str, Any]:
    """All that the page shows, with `form` as it stands."""
    return _live() | _settled(request) | {"form": form}


def _live() -> dict[str, Any]:
    active = runs(Job.objects.for_panel())
    found = attention.find(FINDINGS)
    return {
        "findings": [(one, button_of(one.act) if one.act else None) for one in found],
        "more_findings": found.more,
        "needing": found.total,
        "known": _digest(found),
        "runs": active[:RUNNING],
        "more_runs": len(active) - RUNNING,
        "watched": watched(active),
        "nobody_works": bool(active) and not workers.anyone(),
    }


def _settled(request: Request) -> dict[str, Any]:
    """What changes only when a job comes or ends."""
    shown = Repository.objects.for_overview().prefetch_related(
        "distributions__publication__version",
        Prefetch("jobs", Job.objects.telling(), to_attr="telling_jobs"),
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


def _digest(found: Findings) -> str:
    """By which a page tells that it knows of all this: what is found, not how it is put."""
    told = [(one.kind, one.repository, one.job, one.distribution, one.act) for one in found]
    return hashlib.sha256(f"{told} {found.more}".encode()).hexdigest()[:12]
