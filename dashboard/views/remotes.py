"""Remotes: the upstreams, how they are reached, and what a check finds there."""

from threading import BoundedSemaphore
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard import reach
from dashboard.forms.remotes import RemoteForm
from repos import remotes
from repos.check import check_remote
from repos.errors import MillraceError, Stale
from repos.models import Remote

from .http import Request, page_of

REMOTES = 50
REPOSITORIES = 50
# The filters of the list: a value, its word, and whether such remotes are in use.
FILTERS = (("", "All", None), ("used", "In use", True), ("unused", "Not in use", False))
# A check waits for an upstream: so many at once, or no thread of the server would be left for anybody else.
_ROOM = BoundedSemaphore(3)


@require_GET
def index(request: Request) -> HttpResponse:
    text, use = request.GET.get("q", "").strip(), request.GET.get("use", "")
    found = remotes.listed(text, in_use={value: used for value, _, used in FILTERS}.get(use))
    page = page_of(request, found, "page", REMOTES)
    rows = [(remote, reach.summary(remote)) for remote in page]
    context = {"page": page, "rows": rows, "q": text, "use": use, "filters": FILTERS}
    return render(request, "remotes/index.html", context)


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    return render(request, "remotes/detail.html", _page(request, get_object_or_404(Remote, pk=pk)))


def _page(request: Request, remote: Remote) -> dict[str, Any]:
    return {
        "remote": remote,
        "login": reach.login(remote),
        "trust": reach.trust(remote),
        "way": reach.way(remote),
        "repositories": page_of(request, remote.repositories.order_by("name"), "repositories", REPOSITORIES),
    }


@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    form = RemoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            remote = remotes.make_once(**form.chosen())
        except MillraceError as error:
            form.refuse(error)
        else:
            messages.success(request, f"The remote “{remote}” was made. Repositories can choose it now.")
            return redirect("remote", remote.pk)
    return render(request, "remotes/form.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    remote = get_object_or_404(Remote, pk=pk)
    form = RemoteForm(request.POST if request.method == "POST" else None, remote=remote)
    refusal = str(Stale(f"The remote “{remote}”")) if form.stale else ""
    if not refusal and form.is_valid():
        try:
            remotes.change(remote, **form.chosen())
        except Stale as error:
            refusal = str(error)
        except MillraceError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved. It counts from the next job on.")
            return redirect("remote", pk)
    status = 409 if refusal else 422 if form.is_bound else 200
    return render(request, "remotes/form.html", {"form": form, "remote": remote, "refusal": refusal}, status=status)


@require_http_methods(["GET", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    remote = get_object_or_404(Remote, pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            remotes.delete(remote)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, f"The remote “{remote}” was deleted.")
            return redirect("remotes")
    context = {
        "what": f"the remote “{remote}”",
        "consequences": remotes.consequences(remote),
        "back": reverse("remote", args=[pk]),
    }
    return render(request, "shared/delete.html", context, status=409 if refusal else 200)


@require_POST
def check(request: Request) -> HttpResponse:
    """What is found at a stored remote (`remote`), at one as a form has it (its fields), or at one as it would be then.

    `shown` names the page that asked, where it is to be drawn anew: “form” or “detail”.
    """
    remote = _named(request)
    if remote and request.POST.get("shown") != "form":
        return _checked(request, remote, {"remote": remote})
    form = RemoteForm(request.POST, remote=remote, checking=True)
    context = {"form": form, "remote": remote}
    if form.is_valid():
        try:
            return _checked(request, remotes.draft(remote, **form.chosen()), context)
        except MillraceError as error:
            form.refuse(error)
    return _answer(request, context, 422)


def _named(request: Request) -> Remote | None:
    """The stored remote that is meant; a form that offers a new one too says by `upstream` that it is not."""
    pk = request.POST.get("remote", "")
    if not pk or request.POST.get("upstream", "existing") != "existing":
        return None
    return get_object_or_404(Remote, pk=pk if pk.isdecimal() and len(pk) < 19 else None)


def _checked(request: Request, remote: Remote, context: dict[str, Any]) -> HttpResponse:
    if not _ROOM.acquire(blocking=False):
        return _answer(request, context | {"busy": True}, 409)
    try:
        return _answer(request, context | {"finding": check_remote(remote)}, 200)
    finally:
        _ROOM.release()


def _answer(request: Request, context: dict[str, Any], status: int) -> HttpResponse:
    """The result alone for htmx; else the page that asked, as it was, or a page of its own."""
    remote, shown = context.get("remote"), request.POST.get("shown")
    if request.htmx:
        return render(request, "remotes/_finding.html", context, status=status)
    if shown == "detail" and remote:
        return render(request, "remotes/detail.html", _page(request, remote) | context, status=status)
    page = "remotes/form.html" if shown == "form" else "remotes/finding.html"
    return render(request, page, context, status=status)
