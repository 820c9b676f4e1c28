"""Changing a repository's files by hand: upload, add what is stored, remove."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from dashboard import uploads
from dashboard.forms.files import AddForm, ChangeFilesForm, RemoveForm, UploadForm, lines_of
from dashboard.repository_page import frame, shown
from dashboard.roles import for_operators
from dashboard.uploads import TooLarge
from repos import by_hand, conf
from repos.arrivals import Arrivals
from repos.errors import MillraceError
from repos.errors.refusals import PathTaken, Refused
from repos.errors.storage import NotStored
from repos.jobs import Requested
from repos.models import Repository

from .http import Request, form_page, go_to_job, sent


@csrf_exempt
@form_page
@for_operators
def upload(request: Request, pk: int) -> HttpResponse:
    """Exempt because the token is in the body: that is read only here, behind the login, and `_upload` looks at it."""
    repository = shown(pk)
    if request.method == "GET" or by_hand.refusal(repository):
        return _page(request, repository, UploadForm(repository=repository))
    try:
        with Arrivals() as arrivals:
            uploads.receive(request, arrivals)
            return _upload(request, repository, arrivals)
    except MillraceError as error:
        return _page(request, repository, UploadForm(repository=repository), error)


@csrf_protect
def _upload(request: Request, repository: Repository, arrivals: Arrivals) -> HttpResponse:
    def change() -> Requested:
        # Refused as early as can be, then the bytes, then the rows.
        by_hand.check(repository, values["wanted"], actions=values["then"])
        kept = dict(zip(values["wanted"], arrivals.keep(values["wanted"].values()), strict=True))
        return by_hand.add(repository, kept, replace=values["replace"], actions=values["then"], by=request.user)

    form = UploadForm(request.POST, request.FILES, repository=repository)
    values = form.cleaned_data if form.is_valid() else {}
    return _answer(request, repository, form, change)


@form_page
@for_operators
def add(request: Request, pk: int) -> HttpResponse:
    """Puts bytes that are stored already at the paths that are named with their digests."""
    repository = shown(pk)
    form = AddForm(sent(request), repository=repository)

    def change() -> Requested:
        values = form.cleaned_data
        return by_hand.add_by_digest(
            repository, values["wanted"], replace=values["replace"], actions=values["then"], by=request.user
        )

    return _answer(request, repository, form, change)


@form_page
@for_operators
def remove(request: Request, pk: int) -> HttpResponse:
    """The files that come as `path` in the query string are those that the form begins with."""
    repository = shown(pk)
    chosen = "\n".join(request.GET.getlist("path"))
    form = RemoveForm(sent(request), repository=repository, initial={"lines": chosen})

    def change() -> Requested:
        values = form.cleaned_data
        return by_hand.remove(repository, values["wanted"], actions=values["then"], by=request.user)

    return _answer(request, repository, form, change)


def _answer(
    request: Request, repository: Repository, form: ChangeFilesForm, change: Callable[[], Requested]
) -> HttpResponse:
    """To the job, if the form is sent and the change taken; else the page with the form, and why."""
    if by_hand.refusal(repository) or not form.is_valid():
        return _page(request, repository, form)
    try:
        return go_to_job(request, change())
    except MillraceError as error:
        return _page(request, repository, form, error)


def _page(
    request: Request, repository: Repository, form: ChangeFilesForm, error: MillraceError | None = None
) -> HttpResponse:
    """The page as it is asked for, or, after something was sent, with what is in the way of it."""
    closed = by_hand.refusal(repository)
    status = _status(request, error, closed=bool(closed))
    if error and form.is_bound and not isinstance(error, (Refused, PathTaken)):
        form.refuse(error)
        error = None
    context = {
        "repository": repository,
        "version": repository.latest_version(),
        "form": form,
        "deed": request.resolver_match and request.resolver_match.url_name,
        "closed": closed,
        "refusal": "" if isinstance(error, PathTaken) else error,
        "taken": _offer(form, error) if isinstance(error, PathTaken) else None,
        "limit": conf.max_upload_bytes(),
    }
    if request.htmx:
        return render(request, "files/_change.html", context, status=status)
    around = frame(repository, "files", (_("Change files"), ""))
    return render(request, "files/change.html", around | context, status=status)


def _offer(form: ChangeFilesForm, error: PathTaken) -> dict[str, Any]:
    """How to replace what is there: nothing has to be sent again, for the bytes are stored by now."""
    files = form.cleaned_data["wanted"]
    lines = lines_of({path: getattr(value, "sha256", value) for path, value in files.items()})
    some, then = error.some, form["then"].value()
    return {"count": error.count, "paths": some, "more": error.count - len(some), "lines": lines, "then": then}


def _status(request: Request, error: MillraceError | None, *, closed: bool) -> int:
    if request.method == "GET":
        return 200
    if closed:
        return 409
    known: dict[type[MillraceError], int] = {TooLarge: 413, NotStored: 507, Refused: 409, PathTaken: 409}
    return next((status for kind, status in known.items() if isinstance(error, kind)), 422)
