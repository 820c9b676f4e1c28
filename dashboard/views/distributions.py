"""Distributions: where something is served, what, since when, and why."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard.forms.distributions import DeleteForm, EditForm, FollowForm, NewForm
from dashboard.lists import Choice, Filter, Listing, Sort
from dashboard.roles import for_operators
from repos import base_paths, deletion, distributions, paths
from repos.errors import MillraceError
from repos.errors.values import BasePathTaken, InvalidValue
from repos.models import Distribution, Publication, Switch
from repos.words import say

from .http import Request, ask_to_delete, form_page, numbered, page_of, sent, stale, status_of

# Where the trail of each page begins.
LIST = (_("Distributions"), reverse_lazy("distributions"))
HISTORY = 20
PUBLICATIONS = 10
DISTRIBUTIONS = Listing(
    sorts=(
        Sort("path", _("Base path"), "base_path"),
        Sort("repository", _("Repository"), "repository__name"),
        Sort("since", _("Since"), "since", down=True, nullable=True),
    ),
    search=("base_path", "repository__name"),
    filters=(
        Filter(
            "show",
            _("Distributions by what they serve"),
            (
                Choice("serving", _("Serving"), Q(publication__isnull=False)),
                Choice("nothing", _("Nothing published yet"), Q(publication=None)),
                Choice("behind", _("Behind"), Distribution.objects.all().behind),
                Choice("follows", _("Follows"), Q(pinned=False)),
                Choice("pinned", _("Pinned"), Q(pinned=True)),
                Choice("protected", _("Protected"), Q(protected=True)),
            ),
        ),
    ),
)


@require_GET
def index(request: Request) -> HttpResponse:
    shown = DISTRIBUTIONS.shown(request, Distribution.objects.for_list())
    return render(request, "distributions/index.html", {"list": shown})


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    return render(request, "distributions/detail.html", page(request, distribution_at(pk)))


def distribution_at(pk: int) -> Distribution:
    return get_object_or_404(Distribution.objects.for_list(), pk=pk)


def page(request: Request, distribution: Distribution) -> dict[str, Any]:
    """What its page shows, also where a deed on it was not done."""
    history = distribution.history.with_both_sides().select_related("by", "job")
    publications = Publication.objects.of(distribution.repository)
    return {
        "crumbs": [LIST, (distribution.base_path, "")],
        "distribution": distribution,
        "before": Switch.objects.before(distribution),
        "beside": Distribution.objects.beside(distribution).with_served(),
        "history": page_of(request, history, "history", HISTORY),
        "publications": page_of(request, publications, "publications", PUBLICATIONS),
        "form": FollowForm(),
    }


@form_page
@for_operators
def new(request: Request) -> HttpResponse:
    """`repository`, and with it `publication`, in the query string are those that the form begins with."""
    chosen = {name: request.GET[name] for name in ("repository", "publication") if name in request.GET}
    how = {"how": NewForm.PIN} if "publication" in chosen else {}
    form = NewForm(sent(request), initial=chosen | how)
    if form.is_valid():
        try:
            values = form.values()
            made = distributions.add_once(form.cleaned_data["repository"], by=request.user, **values)
        except MillraceError as error:
            form.refuse(error)
        else:
            messages.success(request, gettext("The distribution at “%s” was made.") % made)
            return redirect("distribution", made.pk)
    context = {"form": form, "crumbs": [LIST, (_("New"), "")]}
    return render(request, "distributions/new.html", context, status=status_of(form))


@form_page
@for_operators
def edit(request: Request, pk: int) -> HttpResponse:
    distribution = distribution_at(pk)
    form = EditForm(sent(request), distribution)
    if form.is_valid() and not form.stale:
        try:
            distributions.change(distribution, by=request.user, **form.values())
            return _go_to_moved(request, pk, form)
        except MillraceError as error:
            form.refuse(error)
    if form.is_valid() and form.done:
        return _go_to_moved(request, pk, form)
    refusal = stale(form, say("The distribution at “{distribution}”", distribution=distribution))
    trail = [LIST, (distribution.base_path, reverse("distribution", args=[pk])), (_("Edit"), "")]
    context = {"form": form, "distribution": distribution, "refusal": refusal, "crumbs": trail}
    return render(request, "distributions/edit.html", context, status=status_of(form, refusal))


def _go_to_moved(request: Request, pk: int, form: EditForm) -> HttpResponse:
    protected = gettext("It is served at “%s” from now on, to those who are signed in or have a token for it.")
    said = protected if form.cleaned_data["protected"] else gettext("It is served at “%s” to all from now on.")
    messages.success(request, said % form.cleaned_data["base_path"])
    return redirect("distribution", pk)


@form_page
@for_operators
def delete(request: Request, pk: int) -> HttpResponse:
    distribution = get_object_or_404(Distribution.objects.select_related("publication__version__repository"), pk=pk)
    form = DeleteForm(sent(request), distribution)
    refusal = ""
    if form.is_valid():
        try:
            deletion.delete_distribution(distribution, confirmed=form.cleaned_data.get("confirmed", ""))
        except InvalidValue as error:
            form.refuse(error)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, gettext("The distribution at “%s” was deleted.") % distribution)
            return redirect("distributions")
    return ask_to_delete(
        request,
        gettext("distribution “%s”") % distribution,
        consequences=deletion.of_distribution(distribution),
        back=reverse("distribution", args=[pk]),
        form=form,
        refusal=refusal,
    )


@require_GET
@for_operators
def check_base_path(request: Request) -> HttpResponse:
    """The fragment below a field for a base path: free, or why not. `distribution` asks about its own new one."""
    text, own = request.GET.get("base_path", ""), request.GET.get("distribution", "")
    checked: dict[str, Any] = {}
    try:
        if text.strip():
            checked["free"] = paths.base_path(text)
            base_paths.refuse_taken(checked["free"], but=numbered(own) or 0)
    except BasePathTaken as taken:
        checked = {"refusal": str(taken), "other": Distribution.objects.filter(base_path=taken.other).first()}
    except MillraceError as error:
        checked = {"refusal": str(error)}
    return render(request, "distributions/_base_path_check.html", checked)
