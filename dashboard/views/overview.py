"""The first page: figures, what needs attention, running jobs, the repositories that matter most now."""

import hashlib
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import cache, live
from dashboard.acts import button_of
from dashboard.figures import figures
from dashboard.forms.creating import MirrorForm
from dashboard.repository_rows import with_rows
from dashboard.running import runs
from repos import attention, conf, prepared
from repos.finding import Findings
from repos.models import Job, Repository

from .http import Request

# How many of the active jobs are shown here; the jobs' own page has them all.
RUNNING = 10
# The repositories' own page has the others.
REPOSITORIES = 30
# How many of each kind of what needs attention are looked at; how many of all are shown, and how many more to
# whoever unfolds them.
FINDINGS, UNFOLDED, FOLDED = 20, 6, 14
# Seconds for which a live answer takes what needs attention for what it was.
KNOWN = 5


@require_GET
def overview(request: Request) -> HttpResponse:
    return render(request, "overview/index.html", context())


@require_GET
def running(request: Request) -> HttpResponse:
    """The live fragment; when jobs came or ended since the page was drawn, with all that this may have changed.

    So it is when something else needs attention than did when the page was drawn.
    """
    seen = live.of_jobs()
    if any(value != request.GET.get(name) for name, value in (("watched", _watched()), ("known", _known()))):
        all_of_it = {"seen": seen, "changed": True}
        return live.answer(
            request, seen, lambda: render(request, "overview/_running.html", _all() | all_of_it), anew=True
        )
    return live.answer(request, seen, lambda: _only_running(request, seen), shared="overview")


def _only_running(request: Request, seen: str) -> HttpResponse:
    known = {name: request.GET[name] for name in ("watched", "known")}
    return render(request, "overview/_running.html", _running() | known | {"seen": seen})


def context() -> dict[str, Any]:
    """All that the page shows."""
    # First, so that nothing is missed that comes while the rest is read.
    seen = live.of_jobs()
    found = _all() | {"seen": seen}
    return found if found["repositories"] else found | {"form": MirrorForm()}


def _all() -> dict[str, Any]:
    found, running = attention.find(FINDINGS), _running()
    cache.set(_key(), _digest(found), KNOWN)
    return (
        running
        | _needing(found)
        | _repositories(running["busy"], found)
        | {"figures": figures(), "watched": _watched()}
    )


def _running() -> dict[str, Any]:
    active = runs(Job.objects.for_panel())
    return {
        "runs": active[:RUNNING],
        "more_runs": len(active) - RUNNING,
        "busy": [run.job.repository_id for run in active if run.job.repository_id],
    }


def _needing(found: Findings) -> dict[str, Any]:
    told = [(one, button_of(one.act) if one.act else None) for one in found[: UNFOLDED + FOLDED]]
    return {
        "findings": told[:UNFOLDED],
        "folded": told[UNFOLDED:],
        "more_findings": found.total - len(told),
        "needing": found.total,
        "known": _digest(found),
    }


def _repositories(busy: list[int], found: Findings) -> dict[str, Any]:
    """The first of them: those that run, those that need attention, then by name."""
    troubled = {one.repository.pk for one in found if one.repository}
    order = Repository.objects.what_matters_first(busy, troubled).values_list("pk", flat=True)
    first = list(order[: REPOSITORIES + 1])
    rows = {one.pk: one for one in Repository.objects.for_overview().filter(pk__in=first[:REPOSITORIES])}
    return with_rows([rows[pk] for pk in first[:REPOSITORIES] if pk in rows]) | {"has_more": len(first) > REPOSITORIES}


# ---- what a page knows ----


def _watched() -> str:
    """The active jobs by number: whoever asks for news says with it which ones were there."""
    return ",".join(str(pk) for (pk,) in prepared.rows(_active))


def _active() -> "QuerySet[Job, tuple[Any, ...]]":
    return Job.objects.active().values_list("pk")


def _known() -> str:
    """What needs attention now, or did a few seconds ago, as a digest."""
    known: str | None = cache.get(_key())
    if known is None:
        known = _digest(attention.find(FINDINGS))
        cache.set(_key(), known, KNOWN)
    return known


def _key() -> str:
    return f"attention:{conf.data()}"


def _digest(found: Findings) -> str:
    """What is found, not how it is put."""
    told = [(one.kind, one.repository, one.job, one.distribution, one.act) for one in found]
    return hashlib.sha256(f"{told} {found.more}".encode()).hexdigest()[:12]
