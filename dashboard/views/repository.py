"""The pages of one repository: what it is and does now, and the lists of what belongs to it, a tab each."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard import live
from dashboard.acts import button_of
from dashboard.lists import Filter, Listing, Sort
from dashboard.repository_page import TABS, frame, known, shown
from dashboard.running import runs, with_steps
from repos import lagging, retention, workers
from repos.models import Job, Publication, Repository

from .http import Request
from .jobs import ACTIVE, ENDED

# How many of each the overview shows.
NEWEST = 5

PUBLICATIONS = Listing(sorts=(Sort("made", _("Made"), "pk", down=True),))
JOBS = Listing(
    sorts=(Sort("job", _("Job"), "pk", down=True),),
    filters=(Filter("state", _("State"), (ACTIVE, *ENDED), counted=False),),
)


@require_GET
def overview(request: Request, pk: int) -> HttpResponse:
    return render(request, "repositories/detail.html", overview_context(shown(pk)))


@require_GET
def running(request: Request, pk: int) -> HttpResponse:
    """The live fragment; when jobs came or ended since the page was drawn, with all that this may have changed."""
    seen = live.of_jobs()
    if known(pk) != request.GET.get("known"):
        context = overview_context(shown(pk)) | {"seen": seen, "changed": True}
        return render(request, "repositories/_running.html", context)
    return live.answer(request, seen, lambda: _only_running(request, pk, seen), shared=f"repository {pk}")


def _only_running(request: Request, pk: int, seen: str) -> HttpResponse:
    repository = get_object_or_404(Repository, pk=pk)
    context = _running(repository) | {"repository": repository, "known": request.GET["known"], "seen": seen}
    return render(request, "repositories/_running.html", context)


@require_GET
def status_now(request: Request, pk: int) -> HttpResponse:
    """The live fragment of the other `tab`s: how the repository is, how it can be run now, how much is on each tab."""

    def make() -> HttpResponse:
        tab = request.GET.get("tab", "")
        context = frame(shown(pk), tab if tab in TABS else "files")
        return render(request, "repositories/_status_now.html", context)

    return live.answer(request, known(pk), make)


def overview_context(repository: Any) -> dict[str, Any]:
    """All that the first tab shows."""
    # First, so that nothing is missed that comes while the rest is read.
    seen = live.of_jobs()
    return frame(repository, "overview") | _running(repository) | _settled(repository) | {"seen": seen}


def _running(repository: Repository) -> dict[str, Any]:
    # All active jobs, for one of another repository may be in the way.
    active = [run for run in runs(Job.objects.for_panel()) if run.job.repository_id == repository.pk]
    return {
        "runs": active,
        "nobody_works": bool(active) and not workers.anyone(),
    }


def _settled(repository: Repository) -> dict[str, Any]:
    """What changes only when a job comes or ends."""
    return {
        "findings": [(one, button_of(one.act) if one.act else None) for one in lagging.of(repository)],
        "sharing": repository.publish_settings.repositories.count() - 1,
        "keeps": retention.rule(repository),
        "versions": repository.versions.made().with_jobs()[:NEWEST],
        "jobs": Job.objects.for_list().filter(repository=repository)[:NEWEST],
    }


@require_GET
def publications(request: Request, pk: int) -> HttpResponse:
    repository = shown(pk)
    rows = PUBLICATIONS.shown(request, Publication.objects.of(repository), many=repository.publication_count)
    return render(request, "repositories/publications.html", frame(repository, "publications") | {"list": rows})


@require_GET
def distributions(request: Request, pk: int) -> HttpResponse:
    return render(request, "repositories/distributions.html", frame(shown(pk), "distributions"))


@require_GET
def jobs(request: Request, pk: int) -> HttpResponse:
    repository, seen = shown(pk), live.of_jobs()
    context = frame(repository, "jobs") | _jobs(request, repository, seen)
    return render(request, "repositories/jobs.html", context)


@require_GET
def jobs_table(request: Request, pk: int) -> HttpResponse:
    """The live fragment of that list."""
    seen, now = live.of_jobs(), known(pk)
    repository = get_object_or_404(Repository, pk=pk)

    def make() -> HttpResponse:
        context = {"repository": repository, "known": now} | _jobs(request, repository, seen)
        return render(request, "repositories/_jobs_list.html", context)

    return live.answer(request, seen, make)


def _jobs(request: Request, repository: Repository, seen: str) -> dict[str, Any]:
    at = reverse("repository-jobs", args=[repository.pk])
    found = JOBS.shown(request, Job.objects.for_list().filter(repository=repository), at=at)
    return {"list": found, "seen": seen, "live": any(job.is_active for job in with_steps(found.rows))}
