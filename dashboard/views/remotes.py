"""Remotes: the upstreams, how they are reached, and what a check finds there."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from dashboard import checking, reach
from dashboard.checking import Checked
from dashboard.forms.remotes import RemoteForm
from dashboard.lists import Choice, Filter, Listing, Sort
from dashboard.repository_rows import with_rows
from dashboard.roles import for_operators
from repos import remotes
from repos.errors import MillraceError
from repos.errors.refusals import Stale
from repos.models import Remote
from repos.words import say

from .http import Request, ask_to_delete, form_page, numbered, page_of, sent, stale, status_of

# Where the trail of each page begins.
LIST = (_("Remotes"), reverse_lazy("remotes"))
REPOSITORIES = 50
REMOTES = Listing(
    sorts=(
        Sort("name", _("Name"), "name"),
        Sort("url", _("Upstream"), "url"),
        Sort("used", _("Used by"), "used_by", down=True),
        Sort("made", _("Made"), "pk", down=True),
    ),
    search=("name", "url"),
    filters=(
        Filter(
            "use",
            _("Remotes by use"),
            (
                Choice("used", _("In use"), remotes.in_use),
                Choice("unused", _("Not in use"), lambda: ~remotes.in_use()),
            ),
        ),
    ),
)


@require_GET
def index(request: Request) -> HttpResponse:
    shown = REMOTES.shown(request, remotes.listed())
    rows = [(remote, reach.summary(remote)) for remote in shown]
    return render(request, "remotes/index.html", {"list": shown, "rows": rows})


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    return render(request, "remotes/detail.html", _page(request, get_object_or_404(Remote, pk=pk)))


def _page(request: Request, remote: Remote) -> dict[str, Any]:
    page = page_of(request, remote.repositories.for_overview().order_by("name"), "repositories", REPOSITORIES)
    return {
        "crumbs": [LIST, (remote.name, "")],
        "page": page,
        "remote": remote,
        "login": reach.login(remote),
        "trust": reach.trust(remote),
        "way": reach.way(remote),
    } | with_rows(list(page))


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
            messages.success(request, gettext("The remote “%s” was made. Repositories can choose it now.") % remote)
            return redirect("remote", remote.pk)
    form.forget_secrets()
    return render(request, "remotes/form.html", _form_page(form, None), status=status_of(form))


def _form_page(form: RemoteForm, remote: Remote | None) -> dict[str, Any]:
    own = [(remote.name, reverse("remote", args=[remote.pk])), (_("Edit"), "")] if remote else [(_("New"), "")]
    return {"form": form, "remote": remote, "crumbs": [LIST, *own]}


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
    refusal = stale(form, say("The remote “{remote}”", remote=remote))
    context = _form_page(form, remote) | {"refusal": refusal}
    return render(request, "remotes/form.html", context, status=status_of(form, refusal))


def _go_to_changed(request: Request, pk: int) -> HttpResponse:
    messages.success(request, gettext("Saved. It counts from the next job on."))
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
            messages.success(request, gettext("The remote “%s” was deleted.") % remote)
            return redirect("remotes")
    return ask_to_delete(
        request,
        gettext("remote “%s”") % remote,
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
        return _answer(request, {"remote": remote}, checking.stored(remote))
    form = RemoteForm(request.POST, remote=remote, checking=True)
    return _answer(request, _form_page(form, remote), checking.entered(form, remote))


def _named(request: Request) -> Remote | None:
    """The stored remote that is meant, if one is."""
    pk = request.POST.get("remote", "")
    return get_object_or_404(Remote, pk=numbered(pk)) if pk else None


def _answer(request: Request, context: dict[str, Any], checked: Checked) -> HttpResponse:
    """The result alone for htmx; else the page that asked, as it was."""
    context |= {"finding": checked.finding, "busy": checked.busy}
    if request.htmx:
        return render(request, "remotes/_finding.html", context, status=checked.status)
    if "form" in context:
        context["form"].forget_secrets()
        return render(request, "remotes/form.html", context, status=checked.status)
    return render(request, "remotes/detail.html", _page(request, context["remote"]) | context, status=checked.status)
