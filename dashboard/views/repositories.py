"""A repository: its page, its making, and its runs."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from dashboard.forms.repositories import MirrorForm, RunForm, offers
from dashboard.running import runs, watched
from repos import create, jobs, workers
from repos.errors import MillraceError, Refused
from repos.models import Distribution, Job, Publication, Repository

from . import overview
from .http import Request, go_to_job, page_of

VERSIONS = 10
PUBLICATIONS = 10
JOBS = 10


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    return render(request, "repositories/detail.html", context(request, _repository(pk)))


@require_GET
def running(request: Request, pk: int) -> HttpResponse:
    """The live fragment; when jobs came or ended since the page was drawn, with all that this may have changed."""
    repository = _repository(pk)
    live = _live(repository)
    changed = live["watched"] != request.GET.get("watched")
    if changed:
        live |= _settled(request, repository)
    return render(request, "repositories/_running.html", live | {"repository": repository, "changed": changed})


@require_POST
def make(request: Request) -> HttpResponse:
    """Makes everything that a mirror needs, and starts its first job."""
    form = MirrorForm(request.POST)
    if form.is_valid():
        try:
            repository = create.make_repository(**form.cleaned_data)
            return go_to_job(request, jobs.request(repository, by=request.user))
        except MillraceError as error:
            form.refuse(error)
    if request.htmx:
        return render(request, "repositories/_form.html", {"form": form}, status=422)
    return render(request, "overview/index.html", overview.context(request, form), status=422)


@require_POST
def run(request: Request, pk: int) -> HttpResponse:
    repository = _repository(pk)
    form = RunForm(request.POST)
    if not form.is_valid():
        return _run_refused(request, repository, "Choose what the run is to do.", status=422)
    try:
        requested = jobs.request(repository, actions=form.cleaned_data["actions"], by=request.user)
    except Refused as refusal:
        return _run_refused(request, repository, str(refusal), status=409)
    return go_to_job(request, requested)


def _run_refused(request: Request, repository: Repository, reason: str, *, status: int) -> HttpResponse:
    template = "repositories/_run.html" if request.htmx else "repositories/detail.html"
    return render(request, template, context(request, repository) | {"refusal": reason}, status=status)


def _repository(pk: int) -> Repository:
    return get_object_or_404(Repository.objects.for_overview(), pk=pk)


def context(request: Request, repository: Repository) -> dict[str, Any]:
    """All that the page shows."""
    return {"repository": repository} | _live(repository) | _settled(request, repository)


def _live(repository: Repository) -> dict[str, Any]:
    # All active jobs, for one of another repository may be in the way.
    active = [run for run in runs(Job.objects.for_panel()) if run.job.repository_id == repository.pk]
    return {
        "runs": active,
        "watched": watched(active),
        "nobody_works": bool(active) and not workers.anyone(),
    }


def _settled(request: Request, repository: Repository) -> dict[str, Any]:
    """What changes only when a job comes or ends."""
    versions = repository.versions.complete().with_jobs()
    return {
        "offers": offers(repository),
        "distributions": Distribution.objects.with_served().filter(repository=repository),
        "versions": page_of(request, versions, "versions", VERSIONS),
        "publications": page_of(request, Publication.objects.of(repository), "publications", PUBLICATIONS),
        "jobs": Job.objects.for_list().filter(repository=repository)[:JOBS],
    }
