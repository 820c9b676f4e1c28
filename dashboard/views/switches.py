"""Switching what a distribution serves, by hand: to a publication, to what another serves, to what is newest."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from dashboard.forms.distributions import FollowForm, PinForm, PromoteForm
from dashboard.roles import for_operators
from repos import distribute, distributions
from repos.errors import MillraceError
from repos.models import Distribution

from .distributions import distribution_at, page
from .http import Request, go_to_job

# What is chosen by a button, by its field: such a choice has no field on the page to stand at.
_GONE = {
    "publication": gettext_lazy("This publication is not there, or is of another repository. Choose another."),
    "source": gettext_lazy("This distribution is not there, or is of another repository. Choose another."),
}


@require_POST
@for_operators
def pin(request: Request, pk: int) -> HttpResponse:
    distribution = distribution_at(pk)
    form = PinForm(request.POST, distribution)

    def switch(**how: Any) -> str:
        publication = form.cleaned_data["publication"]
        distribute.pin(distribution, publication, **how)
        said = _("“%(base_path)s” serves version %(number)s, and is pinned to it.")
        return said % {"base_path": distribution, "number": publication.version.number}

    return _switched(request, distribution, form, switch)


@require_POST
@for_operators
def promote(request: Request, pk: int) -> HttpResponse:
    """Serves here what another distribution of the repository serves."""
    distribution = distribution_at(pk)
    form = PromoteForm(request.POST, distribution)

    def switch(**how: Any) -> str:
        source = form.cleaned_data["source"]
        distribute.promote(distribution, source, shown=form.instead_of(source), **how)
        said = _("“%(base_path)s” serves what “%(source)s” serves, and is pinned to it.")
        return said % {"base_path": distribution, "source": source}

    return _switched(request, distribution, form, switch)


@require_POST
@for_operators
def follow(request: Request, pk: int) -> HttpResponse:
    distribution = distribution_at(pk)

    def switch(**how: Any) -> str:
        distribute.follow(distribution, **how)
        return _("“%s” follows its repository.") % distribution

    return _switched(request, distribution, FollowForm(request.POST), switch)


def _switched(
    request: Request, distribution: Distribution, form: FollowForm, switch: Callable[..., str]
) -> HttpResponse:
    """Switches it, as the form has it; `switch` returns the sentence that says what was done."""
    if not form.is_valid():
        return _not_switched(request, distribution, form, status=422)
    try:
        seen, reason = form.instead_of(distribution), form.cleaned_data["reason"]
        messages.success(request, switch(instead_of=seen, by=request.user, reason=reason))
    except MillraceError as error:
        form.refuse(error)
        return _not_switched(request, distribution, form, status=409)
    return redirect("distribution", distribution.pk)


def _not_switched(request: Request, distribution: Distribution, form: FollowForm, *, status: int) -> HttpResponse:
    refusal = next((said for field, said in _GONE.items() if field in form.errors), "")
    context = page(request, distribution) | {"form": form, "refusal": refusal}
    return render(request, "distributions/detail.html", context, status=status)


@require_POST
@for_operators
def refresh(request: Request, pk: int) -> HttpResponse:
    distribution = distribution_at(pk)
    try:
        return go_to_job(request, distributions.refresh(distribution, by=request.user))
    except MillraceError as error:
        context = page(request, distribution) | {"refusal": str(error)}
        return render(request, "distributions/detail.html", context, status=409)
