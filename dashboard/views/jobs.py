"""Jobs: the list, the page with its live panel, cancel and run again."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from dashboard.roles import for_operators
from dashboard.steps import steps_of
from repos import jobs, workers
from repos.errors import Refused
from repos.jobs import Requested
from repos.models import Job, Repository, RequestedChange
from repos.models.job import ACTIVE, State

from .http import Request, go_to_job, page_of

JOBS = 50
FAILURES = 50
CHANGES = 10


@require_GET
def index(request: Request) -> HttpResponse:
    return render(request, "jobs/index.html", _table(request))


@require_GET
def table(request: Request) -> HttpResponse:
    """The live fragment of the list."""
    return render(request, "jobs/_table.html", _table(request))


def _table(request: Request) -> dict[str, Any]:
    """The jobs that the query string asks for: `state` (“active”: waiting or running), `repository`, `page`."""
    found = Job.objects.all()
    repository = Repository.objects.numbered(request.GET.get("repository", "")).first()
    if repository:
        found = found.filter(repository=repository)
    counts = found.counts()
    state = request.GET.get("state", "")
    states = {"active": ACTIVE}.get(state, [state] if state in State.values else State.values)
    page = page_of(request, found.for_list().filter(state__in=states), "page", JOBS)
    return {
        "page": page,
        "live": any(job.is_active for job in page),
        "repository": repository,
        "state": state,
        "filters": _filters(counts),
    }


def _filters(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """The links above the list: the value in the query string, the word, and how many jobs there are."""
    each = [(str(state), str(state).capitalize(), counts.get(state, 0)) for state in State]
    active = sum(counts.get(state, 0) for state in ACTIVE)
    return [("", "All", sum(counts.values())), ("active", "Active", active), *each]


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    return render(request, "jobs/detail.html", _page(request, _job(pk)))


@require_GET
def panel(request: Request, pk: int) -> HttpResponse:
    """The live fragment of a job's page."""
    return render(request, "jobs/_panel.html", _page(request, _job(pk)))


@require_POST
@for_operators
def cancel(request: Request, pk: int) -> HttpResponse:
    job = _job(pk)
    if not jobs.cancel(job):
        messages.info(request, jobs.NOTHING_TO_CANCEL)
    return redirect("job", pk)


@require_POST
@for_operators
def again(request: Request, pk: int) -> HttpResponse:
    return _follow_up(request, _job(pk), jobs.again)


@require_POST
@for_operators
def retry(request: Request, pk: int) -> HttpResponse:
    """Fetches what failed: all else is there already."""
    return _follow_up(request, _job(pk), jobs.retry)


@require_POST
@for_operators
def confirm(request: Request, pk: int) -> HttpResponse:
    """Lets a sync that the brake has stopped remove what it said it would."""
    return _follow_up(request, _job(pk), jobs.confirm)


def _follow_up(request: Request, job: Job, ask: Callable[..., Requested]) -> HttpResponse:
    try:
        requested = ask(job, by=request.user)
    except Refused as refusal:
        return render(request, "jobs/detail.html", _page(request, job) | {"refusal": str(refusal)}, status=409)
    return go_to_job(request, requested)


def _job(pk: int) -> Job:
    return get_object_or_404(Job.objects.for_page(), pk=pk)


def _page(request: Request, job: Job) -> dict[str, Any]:
    waiting = job.state == State.WAITING
    return {
        "job": job,
        "steps": steps_of(job),
        "in_the_way": Job.objects.in_the_way_of(job).select_related("repository") if waiting else [],
        "nobody_works": waiting and not workers.anyone(),
        "switches": job.switches.with_what_moved(),
        "changes": _changes(job),
        "shown_changes": CHANGES,
        "failures": page_of(request, job.failed_files.all(), "failures", FAILURES),
        "causes": job.failed_files.by_cause() if job.failed else [],
    }


def _changes(job: Job) -> list[tuple[str, QuerySet[RequestedChange]]]:
    """What it is to add and to remove by hand: the first changes of each, and one more if there are others."""
    asked = job.changes.order_by("path")
    each = (("Adds", asked.exclude(artifact=None)), ("Removes", asked.filter(artifact=None)))
    return [(word, rows[: CHANGES + 1]) for word, rows in each]
