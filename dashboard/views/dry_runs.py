"""Dry runs: asked for, and what a sync would do, file by file."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dashboard.differing import Asked, Row, Shown, bar
from dashboard.roles import for_operators
from repos import dry_run, jobs, space, would
from repos.actions import DRY_RUN, SYNC_ONLY
from repos.errors.refusals import Refused
from repos.models import Job, Repository

from .http import Request, go_to_job


@require_POST
@for_operators
def ask(request: Request, pk: int) -> HttpResponse:
    """Asks for a dry run of the repository's sync."""
    repository = get_object_or_404(Repository, pk=pk)
    try:
        requested = jobs.request(repository, actions=SYNC_ONLY, details=DRY_RUN, by=request.user)
    except Refused as refusal:
        return _refused(request, repository, str(refusal))
    return go_to_job(request, requested)


def _refused(request: Request, repository: Repository, reason: str) -> HttpResponse:
    context = {"repository": repository, "refusal": reason, "crumbs": _crumbs_of(repository, _("Dry run"))}
    return render(request, "dry_runs/refused.html", context, status=409)


@require_GET
def files(request: Request, pk: int) -> HttpResponse:
    """What the sync would add, remove and change; of one that is not over, its job tells."""
    job = get_object_or_404(Job.objects.for_page().select_related("would"), pk=pk, dry_run=True)
    if not hasattr(job, "would"):
        return redirect("job", pk)
    asked = Asked(request)
    return render(request, "dry_runs/detail.html", told(job) | _listed(job, asked) | {"asked": asked})


def told(job: Job) -> dict[str, Any]:
    """What dry_runs/_result.html shows of a dry run that has ended well; nothing of another."""
    found = getattr(job, "would", None)
    if found is None:
        return {}
    newest = job.repository.latest_version().number if job.repository else found.base
    return {
        "job": job,
        "would": found,
        "bar": bar(found),
        "larger": abs(found.growth),
        "files_are_known": would.is_there(job),
        "does_not_fit": not space.fits(found.fetched_bytes),
        # What it was compared with is no longer what a sync would find.
        "overtaken": newest if newest != found.base else None,
    }


def _listed(job: Job, asked: Asked) -> dict[str, Any]:
    try:
        found = would.page(job, kind=asked.kind, q=asked.q, after=asked.after)
    except FileNotFoundError:
        return {"list": None, "crumbs": _crumbs(job)}
    rows = [Row(*one, fetched=fetched) for one, fetched in dry_run.differences(job, found.files)]
    return {
        "list": Shown(asked, job.would, rows, after=found.after, partly=found.partly),
        "crumbs": _crumbs(job),
    }


def _crumbs(job: Job) -> list[tuple[str, str]]:
    if job.repository is None:
        raise Http404
    trail = _crumbs_of(job.repository, _("What a sync would do"))
    own = (_("Job %(number)s") % {"number": job.pk}, reverse("job", args=[job.pk]))
    return [*trail[:-1], own, trail[-1]]


def _crumbs_of(repository: Repository, word: str) -> list[tuple[str, str]]:
    return [
        (_("Repositories"), reverse("repositories")),
        (repository.name, reverse("repository", args=[repository.pk])),
        (word, ""),
    ]
