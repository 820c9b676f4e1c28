"""Jobs: the list, the page with its live panel, cancel and run again."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from dashboard import live
from dashboard.lists import MOST_COUNTED, Choice, Filter, Listing, Sort, chosen
from dashboard.roles import for_operators
from dashboard.running import with_steps
from dashboard.steps import steps_of
from repos import damage, jobs, workers
from repos.errors.refusals import Refused
from repos.jobs import Requested
from repos.models import Job, Repository, RequestedChange
from repos.models import job as states
from repos.models.job import UPKEEP, State

from .dry_runs import told
from .http import Request, go_to_job, looked_for, page_of

FAILURES = 50
CHANGES = 10
ACTIVE = Choice("active", _lazy("Active"), Q(finished_at=None))
ENDED = (
    Choice("completed", _lazy("Completed"), Q(state=State.COMPLETED)),
    Choice("failed", _lazy("Failed"), Q(state=State.FAILED)),
    Choice("canceled", _lazy("Canceled"), Q(state=State.CANCELED)),
)
JOBS = Listing(
    sorts=(Sort("number", _lazy("Job"), "pk", down=True),),
    filters=(
        Filter(
            "state",
            _lazy("Jobs by state"),
            (
                ACTIVE,
                Choice("waiting", _lazy("Waiting"), Q(state=State.WAITING)),
                Choice("running", _lazy("Running"), Q(state=State.RUNNING)),
                *ENDED,
            ),
            counted=False,
        ),
        Filter(
            "action",
            _lazy("Jobs by action"),
            (
                Choice("sync", _lazy("Sync"), Q(with_sync=True, dry_run=False)),
                Choice("dry-run", _lazy("Dry run"), Q(dry_run=True)),
                Choice("modify", _lazy("Change"), Q(with_modify=True)),
                Choice("publish", _lazy("Publish"), Q(with_publish=True)),
                Choice("verify", _lazy("Verify"), UPKEEP & Q(with_verify=True)),
                Choice("clean", _lazy("Clean"), UPKEEP & Q(with_clean=True)),
            ),
            everything=_lazy("Any action"),
            counted=False,
        ),
    ),
)


@require_GET
def index(request: Request) -> HttpResponse:
    return render(request, "jobs/index.html", _list(request, live.of_jobs()))


@require_GET
def table(request: Request) -> HttpResponse:
    """The live fragment of the list."""
    seen = live.of_jobs()
    return live.answer(request, seen, lambda: render(request, "jobs/_list.html", _list(request, seen)))


def _list(request: Request, seen: str) -> dict[str, Any]:
    """The jobs that the address asks for: `q`, `state`, `action`, `repository`, a page by key."""
    found = Job.objects.for_list()
    repository = Repository.objects.numbered(request.GET.get("repository", "")).first()
    if repository:
        found = found.filter(repository=repository)
    text = looked_for(request).strip()
    of_all = not (repository or text or request.GET.get("action"))
    shown = JOBS.shown(request, found.looked_for(text), at=reverse("jobs"), counts=_counts(of_all=of_all))
    return {
        "list": shown,
        "seen": seen,
        "live": any(job.is_active for job in with_steps(shown.rows)),
        "cancelable": any(job.is_active for job in shown.rows),
        "repository": repository,
    }


def _counts(*, of_all: bool) -> dict[str, dict[str, int]]:
    """Of the active ones, which are few; and, in a list `of_all`, of the ended ones as far as they are told."""
    active = Job.objects.active().counts()
    known = {"active": sum(active.values()), "waiting": 0, "running": 0} | active
    if of_all:
        of_state = {state: Job.objects.filter(state=state).order_by().values("pk") for state in states.ENDED}
        known |= {state: rows[: MOST_COUNTED + 1].count() for state, rows in of_state.items()}
    return {"state": known, "action": {}}


@require_POST
@for_operators
def cancel_chosen(request: Request) -> HttpResponse:
    """Cancels the jobs that were ticked in the list; those that have ended meanwhile are left alone."""
    found = Job.objects.filter(pk__in=chosen(request))
    canceled = sum(jobs.cancel(job, by=request.user) for job in found)
    if canceled:
        said = ngettext("%d job was told to stop.", "%d jobs were told to stop.", canceled)
        messages.success(request, said % canceled)
    else:
        messages.info(request, _("Nothing was canceled: no job was chosen that is waiting or running."))
    return redirect("jobs")


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    seen = live.of_job(pk)
    return render(request, "jobs/detail.html", _page(request, _job(pk), seen))


@require_GET
def panel(request: Request, pk: int) -> HttpResponse:
    """The live fragment of a job's page: the same for all who look on, until the job has ended and offers its deeds."""
    seen = live.of_job(pk)

    def make() -> HttpResponse:
        return render(request, "jobs/_panel.html", _page(request, _job(pk), seen))

    shared = request.htmx and seen != live.ENDED
    return live.answer(request, seen, make, shared=f"job {pk}" if shared else "")


@require_POST
@for_operators
def cancel(request: Request, pk: int) -> HttpResponse:
    job = _job(pk)
    if not jobs.cancel(job, by=request.user):
        messages.info(request, _(jobs.NOTHING_TO_CANCEL))
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
        page = _page(request, job, live.of_job(job.pk)) | {"refusal": str(refusal)}
        return render(request, "jobs/detail.html", page, status=409)
    return go_to_job(request, requested)


def _job(pk: int) -> Any:
    """With what `for_page` adds to it."""
    return get_object_or_404(Job.objects.for_page(), pk=pk)


def _page(request: Request, job: Any, seen: str) -> dict[str, Any]:
    steps = steps_of(job)
    broken = [] if job.is_active else [step for step in steps if step.is_open]
    return {
        "job": job,
        "seen": seen,
        "crumbs": _crumbs(job),
        "broken": broken,
        "steps": [step for step in steps if step not in broken],
        "fetching": next((step.current for step in steps if step.state == "running"), None),
        "switches": job.switches.with_what_moved() if job.switched else [],
        "compare": _comparison(job),
        "changes": _changes(job) if job.with_modify else [],
        "shown_changes": CHANGES,
        "repairable": _is_repairable(job),
        **_waiting(job),
        **_failed(request, job),
        **(told(job) if job.dry_run else {}),
    }


def _crumbs(job: Job) -> list[tuple[str, str]]:
    subject = [(job.repository.name, reverse("repository", args=[job.repository_id]))] if job.repository else []
    return [(_("Jobs"), reverse("jobs")), *subject, (_("Job %(number)s") % {"number": job.pk}, "")]


def _waiting(job: Job) -> dict[str, Any]:
    """What a job that waits waits for."""
    waiting = job.state == State.WAITING
    return {
        "in_the_way": Job.objects.in_the_way_of(job).select_related("repository") if waiting else [],
        "nobody_works": waiting and not workers.anyone(),
    }


def _failed(request: Request, job: Job) -> dict[str, Any]:
    # A live panel is asked for again and again: what the job's row says not to be there is not looked for.
    count = 0 if job.is_active and not job.failed and not job.with_verify else None
    return {
        "failures": page_of(request, job.failed_files.order_by("path"), "failures", FAILURES, count=count),
        "causes": job.failed_files.by_cause() if job.failed else [],
    }


def _is_repairable(job: Job) -> bool:
    """Whether a repair may help some of what a verify without one found."""
    found = job.with_verify and not job.may_repair and not job.is_active and job.failed
    return bool(found) and damage.may_be_repaired(damage.left_by(job)).exists()


def _comparison(job: Job) -> str:
    """Where the version that it made is compared with the one before."""
    if job.is_active or not job.version:
        return ""
    before = job.version.repository.versions.complete().filter(number__lt=job.version.number).order_by("-number")
    number = before.values_list("number", flat=True).first()
    if number is None:
        return ""
    return f"{reverse('compare', args=[job.repository_id])}?from={number}&to={job.version.number}"


def _changes(job: Job) -> list[tuple[str, QuerySet[RequestedChange]]]:
    """What it is to add and to remove by hand: the first changes of each, and one more if there are others."""
    asked = job.changes.order_by("path")
    each = ((_("Adds"), asked.exclude(artifact=None)), (_("Removes"), asked.filter(artifact=None)))
    return [(word, rows[: CHANGES + 1]) for word, rows in each]
