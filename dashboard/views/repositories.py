"""A repository: its page, its making and changing, and its runs."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dashboard.forms.repositories import DeleteForm, EditForm, MirrorForm, NewForm
from dashboard.forms.runs import RunForm, offers
from dashboard.roles import for_operators
from dashboard.running import runs, watched
from repos import change, create, deletion, jobs, retention, workers
from repos.errors import MillraceError, Refused, Stale
from repos.models import Distribution, Job, Publication, Repository

from . import overview
from .http import Request, ask_to_delete, form_page, go, go_to_job, page_of, sent, stale, status_of

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
@for_operators
def make(request: Request) -> HttpResponse:
    """Makes everything that a mirror needs of three fields, and starts its first job."""
    form = MirrorForm(request.POST)
    if answer := _made(request, form):
        return answer
    if request.htmx:
        return render(request, "repositories/_form.html", {"form": form}, status=422)
    return render(request, "overview/index.html", overview.context(request, form), status=422)


@form_page
@for_operators
def new(request: Request) -> HttpResponse:
    """The same with every setting."""
    form = NewForm(sent(request))
    if form.is_bound and (answer := _made(request, form)):
        return answer
    form.reach.forget_secrets()
    template = "repositories/_new.html" if request.htmx else "repositories/new.html"
    return render(request, template, {"form": form}, status=status_of(form))


def _made(request: Request, form: MirrorForm | NewForm) -> HttpResponse | None:
    """Makes what the form asks for and goes there; None where the form has to say why not."""
    if form.is_valid():
        try:
            return _go_to_made(request, create.make_and_run(**form.values(), by=request.user))
        except MillraceError as error:
            form.refuse(error)
    return None


def _go_to_made(request: Request, made: create.Made) -> HttpResponse:
    if made.joined:
        messages.info(request, f"“{made.repository}” was made by the same form a moment ago: here it is.")
    else:
        job = f" and job {made.job.pk} requested" if made.job else ""
        messages.success(request, f"“{made.repository}” was made{job}.")
    return go(request, "job", made.job.pk) if made.job else go(request, "repository", made.repository.pk)


@form_page
@for_operators
def edit(request: Request, pk: int) -> HttpResponse:
    repository = _to_change(pk)
    form = EditForm(sent(request), repository)
    if form.is_valid() and not form.stale:
        try:
            return _go_to_changed(request, change.change_repository(repository, **form.values()))
        except Stale:
            repository = _to_change(pk)
            form = EditForm(sent(request), repository)
            form.stale = True
        except MillraceError as error:
            form.refuse(error)
    if form.is_valid() and form.done:
        return _go_to_changed(request, repository)
    refusal = stale(form, f"“{repository}”")
    context = {"form": form, "repository": repository, "refusal": refusal}
    return render(request, "repositories/edit.html", context, status=status_of(form, refusal))


def _to_change(pk: int) -> Repository:
    return get_object_or_404(Repository.objects.select_related("remote", "publish_settings"), pk=pk)


def _go_to_changed(request: Request, repository: Repository) -> HttpResponse:
    messages.success(request, f"“{repository}” was changed.")
    if job := Job.objects.filter(repository=repository, state="running").first():
        messages.info(request, f"Job {job.pk} goes on with what it began with: the change counts from the next job.")
    return redirect("repository", repository.pk)


@form_page
@for_operators
def delete(request: Request, pk: int) -> HttpResponse:
    repository = get_object_or_404(Repository.objects.select_related("remote"), pk=pk)
    form = DeleteForm(sent(request), repository)
    refusal = ""
    if form.is_valid():
        try:
            deletion.delete_repository(repository, with_remote=form.cleaned_data.get("with_remote", False))
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, f"The repository “{repository}” was deleted.")
            return redirect("overview")
    return ask_to_delete(
        request,
        f"repository “{repository}”",
        consequences=deletion.of_repository(repository),
        back=reverse("repository", args=[pk]),
        form=form,
        refusal=refusal,
    )


@require_POST
@for_operators
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
        "telling": Job.objects.telling().filter(repository=repository),
        "offers": offers(repository),
        "distributions": Distribution.objects.with_served().filter(repository=repository),
        "versions": page_of(request, versions, "versions", VERSIONS),
        "fates": retention.fates(repository),
        "publications": page_of(request, Publication.objects.of(repository), "publications", PUBLICATIONS),
        "jobs": Job.objects.for_list().filter(repository=repository)[:JOBS],
    }
