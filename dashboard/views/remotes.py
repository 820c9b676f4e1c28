"""Remotes: the upstreams, how they are reached, and what a check finds there."""

from threading import BoundedSemaphore
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dashboard import reach
from dashboard.forms.remotes import RemoteForm
from dashboard.roles import for_operators
from repos import remotes
from repos.check import check_remote
from repos.errors import MillraceError, Stale
from repos.models import Remote

from .http import Request, ask_to_delete, by_use, form_page, is_in_use, numbered, page_of, sent, stale, status_of

REMOTES = 50
REPOSITORIES = 50
# A check waits for an upstream: so many at once, or no thread of the server would be left for anybody else.
ROOM = BoundedSemaphore(3)


@require_GET
def index(request: Request) -> HttpResponse:
    asked = by_use(request)
    found = remotes.listed(asked["q"], in_use=is_in_use(asked["use"]))
    page = page_of(request, found, "page", REMOTES)
    rows = [(remote, reach.summary(remote)) for remote in page]
    return render(request, "remotes/index.html", asked | {"page": page, "rows": rows})


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


@form_page
@for_operators
def new(request: Request) -> HttpResponse:
    form = RemoteForm(sent(request))
    if form.is_valid():
        try:
            remote = remotes.make_once(**form.values())
        except MillraceError as error:
            form.refuse(error)
        else:
            messages.success(request, f"The remote “{remote}” was made. Repositories can choose it now.")
            return redirect("remote", remote.pk)
    form.forget_secrets()
    return render(request, "remotes/form.html", {"form": form}, status=status_of(form))


@form_page
@for_operators
def edit(request: Request, pk: int) -> HttpResponse:
    remote = get_object_or_404(Remote, pk=pk)
    form = RemoteForm(sent(request), remote=remote)
    if form.is_valid() and not form.stale:
        try:
            remotes.change(remote, **form.values())
            return _go_to_changed(request, pk)
        except Stale:
            remote = get_object_or_404(Remote, pk=pk)
            form = RemoteForm(sent(request), remote=remote)
            form.stale = True
        except MillraceError as error:
            form.refuse(error)
    if form.is_valid() and form.done:
        return _go_to_changed(request, pk)
    form.forget_secrets()
    refusal = stale(form, f"The remote “{remote}”")
    context = {"form": form, "remote": remote, "refusal": refusal}
    return render(request, "remotes/form.html", context, status=status_of(form, refusal))


def _go_to_changed(request: Request, pk: int) -> HttpResponse:
    messages.success(request, "Saved. It counts from the next job on.")
    return redirect("remote", pk)


@form_page
@for_operators
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
    return ask_to_delete(
        request,
        f"remote “{remote}”",
        consequences=remotes.consequences(remote),
        back=reverse("remote", args=[pk]),
        refusal=refusal,
    )


@require_POST
@for_operators
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
            return _checked(request, remotes.draft(remote, **form.values()), context)
        except MillraceError as error:
            form.refuse(error)
    return _answer(request, context, 422)


def _named(request: Request) -> Remote | None:
    """The stored remote that is meant; a form that offers a new one too says by `upstream` that it is not."""
    pk = request.POST.get("remote", "")
    if not pk or request.POST.get("upstream", "existing") != "existing":
        return None
    return get_object_or_404(Remote, pk=numbered(pk))


def _checked(request: Request, remote: Remote, context: dict[str, Any]) -> HttpResponse:
    if not ROOM.acquire(blocking=False):
        return _answer(request, context | {"busy": True}, 409)
    try:
        return _answer(request, context | {"finding": check_remote(remote)}, 200)
    finally:
        ROOM.release()


def _answer(request: Request, context: dict[str, Any], status: int) -> HttpResponse:
    """The result alone for htmx; else the page that asked, as it was, or a page of its own."""
    remote, shown = context.get("remote"), request.POST.get("shown")
    if request.htmx:
        return render(request, "remotes/_finding.html", context, status=status)
    if shown == "form":
        context["form"].forget_secrets()
    if shown == "detail" and remote:
        return render(request, "remotes/detail.html", _page(request, remote) | context, status=status)
    page = "remotes/form.html" if shown == "form" else "remotes/finding.html"
    return render(request, page, context, status=status)
