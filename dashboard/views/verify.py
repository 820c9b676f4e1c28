"""Verify and repair: asked for; and what is known to be damaged."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard.forms.verify import VerifyForm
from dashboard.roles import for_operators
from repos import damage, jobs
from repos.actions import VERIFY
from repos.damage import Damaged
from repos.errors.refusals import Refused
from repos.models import Damage, Repository, RepositoryVersion
from repos.words import say

from .http import Request, go_to_job, page_of

DAMAGED = 50


@require_POST
@for_operators
def everything(request: Request) -> HttpResponse:
    return _asked(request, None, back=reverse("storage"))


@require_POST
@for_operators
def repository(request: Request, pk: int) -> HttpResponse:
    """The files of all its versions, and what it has published."""
    return _asked(request, get_object_or_404(Repository, pk=pk), back=reverse("repository", args=[pk]))


@require_POST
@for_operators
def version(request: Request, pk: int, number: int) -> HttpResponse:
    shown = RepositoryVersion.objects.complete().select_related("repository")
    found = get_object_or_404(shown, repository=pk, number=number)
    return _asked(request, found.repository, number, back=reverse("repository", args=[pk]))


def _asked(request: Request, repository: Repository | None, number: int | None = None, *, back: str) -> HttpResponse:
    """Asks for the job and goes there; or goes `back`, and says why not."""
    form = VerifyForm(request.POST)
    if not form.is_valid():
        messages.error(request, say("Choose one of the speeds that are offered."))
        return redirect(back)
    try:
        details = form.details(number)
        return go_to_job(request, jobs.request(repository, actions=VERIFY, details=details, by=request.user))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)


def context(request: Request) -> dict[str, Any]:
    """What storage/_verify.html and storage/_damage.html show."""
    page: Page[Damage] = page_of(request, Damage.objects.select_related("artifact"), "damaged", DAMAGED)
    found: list[Damaged] = damage.with_places(list(page))
    return {
        "verify_form": VerifyForm(),
        "damage_page": page,
        "damaged": found,
        "repairable": bool(found) and damage.may_be_repaired(Damage.objects.all()).exists(),
    }
