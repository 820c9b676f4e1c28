"""Repositories: the list of all, runs of one or of many, and changing and deleting one."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from dashboard import live
from dashboard.forms.repositories import DeleteForm, EditForm
from dashboard.forms.runs import RunForm
from dashboard.lists import Choice, Filter, Listing, Sort, chosen
from dashboard.repository_page import frame, shown
from dashboard.repository_page import status as state_of
from dashboard.repository_rows import with_rows
from dashboard.roles import for_operators
from repos import change, deletion, freshness, jobs, lagging
from repos.errors import MillraceError
from repos.errors.refusals import Refused, Stale
from repos.models import Job, Repository

from .http import Request, ask_to_delete, form_page, go_to_job, sent, stale, status_of
from .repository import overview_context

# So many are named of those that were refused, or that are in the way.
NAMED = 3
# On a page: each brings the picture of its last runs along.
REPOSITORIES = 30

SORTS = (
    Sort("name", gettext_lazy("Repository"), "name"),
    Sort("files", gettext_lazy("Files"), "newest_files", down=True, nullable=True),
    Sort("size", gettext_lazy("Size"), "newest_size", down=True, nullable=True),
    Sort("synced", gettext_lazy("Fresh"), "synced_at", down=True, nullable=True),
    Sort("made", gettext_lazy("Made"), "pk", down=True),
)
KINDS = Filter(
    "kind",
    gettext_lazy("Where their files come from"),
    (
        Choice("mirror", gettext_lazy("Mirror"), Q(mirror=True)),
        Choice("additive", gettext_lazy("Additive"), Q(mirror=False, remote__isnull=False)),
        Choice("uploads", gettext_lazy("Uploads only"), Q(remote=None)),
    ),
    everything=gettext_lazy("All kinds"),
)


def _listing() -> Listing:
    """As of now: what needs attention is looked for once, and who is late depends on the clock."""
    states = (
        Choice("attention", gettext_lazy("Needs attention"), Q(pk__in=lagging.needing())),
        Choice("stale", gettext_lazy("Stale"), freshness.which(freshness.STALE)),
        Choice("never", gettext_lazy("Never synced"), freshness.which(freshness.NEVER)),
        Choice("syncing", gettext_lazy("Syncing"), freshness.which(freshness.SYNCING)),
    )
    state = Filter("state", gettext_lazy("How they are"), states)
    search = ("name", "remote__url", "remote__name")
    return Listing(SORTS, search=search, filters=(state, KINDS), per_page=REPOSITORIES)


# ---- all of them ----


@require_GET
def index(request: Request) -> HttpResponse:
    return render(request, "repositories/index.html", _table(request, live.of_jobs()))


@require_GET
def table(request: Request) -> HttpResponse:
    """The live fragment of the list."""
    seen = live.of_jobs()
    return live.answer(request, seen, lambda: render(request, "repositories/_table.html", _table(request, seen)))


def _table(request: Request, seen: str) -> dict[str, Any]:
    found = _listing().shown(request, Repository.objects.for_overview(), at=reverse("repositories"))
    return {"list": found, "seen": seen} | with_rows(found.rows)


@require_POST
@for_operators
def run_chosen(request: Request) -> HttpResponse:
    """Asks for a run of each chosen repository, and says what came of it."""
    rows = Repository.objects.filter(pk__in=chosen(request, most=200)).order_by("name")
    came, refused = Counter[str](), list[str]()
    for repository in rows:
        try:
            requested = jobs.request(repository, by=request.user)
            came["joined" if requested.joined else "made"] += 1
        except Refused as refusal:
            refused.append(str(refusal))
    _tell(request, came["made"], came["joined"], refused)
    query = request.META["QUERY_STRING"]
    return redirect(f"{reverse('repositories')}?{query}" if query else "repositories")


def _tell(request: Request, made: int, joined: int, refused: list[str]) -> None:
    if made:
        said = ngettext("%d job was requested.", "%d jobs were requested.", made)
        messages.success(request, said % made)
    if joined:
        said = ngettext(
            "%d was joined: the same run is waiting or running already.",
            "%d were joined: the same runs are waiting or running already.",
            joined,
        )
        messages.info(request, said % joined)
    for reason in refused[:NAMED]:
        messages.warning(request, reason)
    if more := len(refused) - NAMED if len(refused) > NAMED else 0:
        messages.warning(request, ngettext("%d more was refused.", "%d more were refused.", more) % more)
    if not (made or joined or refused):
        messages.info(request, _("No repository was chosen, so nothing was requested."))


# ---- one of them ----


@form_page
@for_operators
def edit(request: Request, pk: int) -> HttpResponse:
    """The tab of the settings: a form of all that can be changed."""
    repository = shown(pk)
    form = EditForm(sent(request), repository)
    if form.is_valid() and not form.stale:
        try:
            return _go_to_changed(request, change.change_repository(repository, **form.values()))
        except Stale:
            repository = shown(pk)
            form = EditForm(sent(request), repository)
            form.stale = True
        except MillraceError as error:
            form.refuse(error)
    if form.is_valid() and form.done:
        return _go_to_changed(request, repository)
    refusal = stale(form, f"“{repository}”")
    context = frame(repository, "settings") | {"form": form, "refusal": refusal}
    return render(request, "repositories/edit.html", context, status=status_of(form, refusal))


def _go_to_changed(request: Request, repository: Repository) -> HttpResponse:
    messages.success(request, _("“%s” was changed.") % repository)
    if job := Job.objects.filter(repository=repository, state="running").first():
        goes_on = _("Job %d goes on with what it began with: the change counts from the next job.")
        messages.info(request, goes_on % job.pk)
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
            messages.success(request, _("The repository “%s” was deleted.") % repository)
            return redirect("repositories")
    return ask_to_delete(
        request,
        _("repository “%s”") % repository,
        consequences=deletion.of_repository(repository),
        back=reverse("repository", args=[pk]),
        form=form,
        refusal=refusal,
    )


@require_POST
@for_operators
def run(request: Request, pk: int) -> HttpResponse:
    repository = shown(pk)
    form = RunForm(request.POST)
    if not form.is_valid():
        return _run_refused(request, repository, _("Choose what the run is to do."), status=422)
    try:
        requested = jobs.request(repository, actions=form.cleaned_data["actions"], by=request.user)
    except Refused as refusal:
        return _run_refused(request, repository, str(refusal), status=409)
    return go_to_job(request, requested)


def _run_refused(request: Request, repository: Repository, reason: str, *, status: int) -> HttpResponse:
    if request.htmx:
        return render(request, "repositories/_run.html", state_of(repository) | {"refusal": reason}, status=status)
    context = overview_context(repository) | {"refusal": reason}
    return render(request, "repositories/detail.html", context, status=status)
