"""Distributions: where something is served, what, since when, and why."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dashboard.forms.base import DomainForm
from dashboard.forms.distributions import DeleteForm, EditForm, FollowForm, NewForm, PinForm
from dashboard.roles import for_operators
from repos import base_paths, deletion, distributions, paths
from repos.distribute import follow as let_follow
from repos.distribute import pin as pin_to
from repos.errors import BasePathTaken, InvalidValue, MillraceError
from repos.models import Distribution, Publication, RepositoryVersion
from repos.models.distribution import DistributionQuerySet

from .http import Request, ask_to_delete, form_page, go_to_job, looked_for, numbered, page_of, sent, stale, status_of

DISTRIBUTIONS = 50
HISTORY = 20
PUBLICATIONS = 10
# The filters of the list: the value in the query string, the word, and what it lets through.
FILTERS = (
    ("", "All", Q()),
    ("follows", "Follows", Q(pinned=False)),
    ("pinned", "Pinned", Q(pinned=True)),
    ("protected", "Protected", Q(protected=True)),
    ("nothing", "Nothing published yet", Q(publication=None)),
)


@require_GET
def index(request: Request) -> HttpResponse:
    text, show = looked_for(request).strip(), request.GET.get("show", "")
    found = Distribution.objects.filter(Q(base_path__icontains=text) | Q(repository__name__icontains=text))
    counts = found.aggregate(**{value or "all": Count("pk", filter=which) for value, _, which in FILTERS})
    which = {value: which for value, _, which in FILTERS}.get(show, Q())
    context = {
        "page": page_of(request, _shown(found.filter(which)), "page", DISTRIBUTIONS),
        "filters": [(value, word, counts[value or "all"]) for value, word, _ in FILTERS],
        "q": text,
        "show": show,
    }
    return render(request, "distributions/index.html", context)


def _shown(rows: DistributionQuerySet) -> DistributionQuerySet:
    """With what each serves, since when, and which version of its repository is the newest."""
    newest = RepositoryVersion.objects.complete().filter(repository=OuterRef("repository")).order_by("-number")
    shown = rows.with_served().select_related("repository", "publication__version", "publication__settings")
    return shown.annotate(newest=Subquery(newest.values("number")[:1]))


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    return render(request, "distributions/detail.html", _page(request, _distribution(pk)))


def _distribution(pk: int) -> Distribution:
    return get_object_or_404(_shown(Distribution.objects.all()), pk=pk)


def _page(request: Request, distribution: Distribution) -> dict[str, Any]:
    history = distribution.history.with_both_sides().select_related("by", "job")
    publications = Publication.objects.of(distribution.repository)
    return {
        "distribution": distribution,
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
            messages.success(request, f"The distribution at “{made}” was made.")
            return redirect("distribution", made.pk)
    return render(request, "distributions/new.html", {"form": form}, status=status_of(form))


@form_page
@for_operators
def edit(request: Request, pk: int) -> HttpResponse:
    distribution = _distribution(pk)
    form = EditForm(sent(request), distribution)
    if form.is_valid() and not form.stale:
        try:
            distributions.change(distribution, by=request.user, **form.values())
            return _go_to_moved(request, pk, form)
        except MillraceError as error:
            form.refuse(error)
    if form.is_valid() and form.done:
        return _go_to_moved(request, pk, form)
    refusal = stale(form, f"The distribution at “{distribution}”")
    context = {"form": form, "distribution": distribution, "refusal": refusal}
    return render(request, "distributions/edit.html", context, status=status_of(form, refusal))


def _go_to_moved(request: Request, pk: int, form: EditForm) -> HttpResponse:
    who = "those who are signed in or have a token for it" if form.cleaned_data["protected"] else "all"
    messages.success(request, f"It is served at “{form.cleaned_data['base_path']}” to {who} from now on.")
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
            messages.success(request, f"The distribution at “{distribution}” was deleted.")
            return redirect("distributions")
    return ask_to_delete(
        request,
        f"distribution “{distribution}”",
        consequences=deletion.of_distribution(distribution),
        back=reverse("distribution", args=[pk]),
        form=form,
        refusal=refusal,
    )


@require_POST
@for_operators
def pin(request: Request, pk: int) -> HttpResponse:
    distribution = _distribution(pk)
    form = PinForm(request.POST, distribution)
    if not form.is_valid():
        return _not_switched(request, distribution, form, status=422)
    try:
        publication = form.cleaned_data["publication"]
        seen, reason = form.instead_of(distribution), form.cleaned_data["reason"]
        pin_to(distribution, publication, instead_of=seen, by=request.user, reason=reason)
    except MillraceError as error:
        form.refuse(error)
        return _not_switched(request, distribution, form, status=409)
    messages.success(request, f"“{distribution}” serves version {publication.version.number}, and is pinned to it.")
    return redirect("distribution", pk)


@require_POST
@for_operators
def follow(request: Request, pk: int) -> HttpResponse:
    distribution = _distribution(pk)
    form = FollowForm(request.POST)
    if not form.is_valid():
        return _not_switched(request, distribution, form, status=422)
    try:
        seen, reason = form.instead_of(distribution), form.cleaned_data["reason"]
        let_follow(distribution, instead_of=seen, by=request.user, reason=reason)
    except MillraceError as error:
        form.refuse(error)
        return _not_switched(request, distribution, form, status=409)
    messages.success(request, f"“{distribution}” follows its repository.")
    return redirect("distribution", pk)


def _not_switched(request: Request, distribution: Distribution, form: DomainForm, *, status: int) -> HttpResponse:
    # What was chosen by a button has no field to stand at.
    chosen = "publication" in form.errors
    refusal = "This publication is not there, or is of another repository. Choose another." if chosen else ""
    context = _page(request, distribution) | {"form": form, "refusal": refusal}
    return render(request, "distributions/detail.html", context, status=status)


@require_POST
@for_operators
def refresh(request: Request, pk: int) -> HttpResponse:
    distribution = _distribution(pk)
    try:
        return go_to_job(request, distributions.refresh(distribution, by=request.user))
    except MillraceError as error:
        context = _page(request, distribution) | {"refusal": str(error)}
        return render(request, "distributions/detail.html", context, status=409)


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
