"""Publications: what can be served, where it is, and where it was."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from dashboard.forms.distributions import FollowForm
from dashboard.roles import for_operators
from repos import deletion
from repos.errors import MillraceError
from repos.models import Publication, Switch

from .http import Request, ask_to_delete, form_page, looked_for, page_of

PUBLICATIONS = 50
HISTORY = 20


@require_GET
def index(request: Request) -> HttpResponse:
    text = looked_for(request).strip()
    found = Publication.objects.filter(version__repository__name__icontains=text).order_by("-pk")
    shown = found.select_related("version__repository", "settings").prefetch_related("distributions")
    context = {"page": page_of(request, shown, "page", PUBLICATIONS), "q": text}
    return render(request, "publications/index.html", context)


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    publication = get_object_or_404(_with_version(), pk=pk)
    repository = publication.version.repository
    switches = Switch.objects.filter(Q(earlier=publication) | Q(later=publication))
    shown = switches.with_both_sides().select_related("distribution", "by", "job")
    context = {
        "publication": publication,
        "repository": repository,
        "metadata": publication.metadata.select_related("artifact").order_by("path"),
        "distributions": repository.distributions.select_related("publication__version", "publication__settings"),
        "history": page_of(request, shown, "history", HISTORY),
        "form": FollowForm(),
    }
    return render(request, "publications/detail.html", context)


@form_page
@for_operators
def delete(request: Request, pk: int) -> HttpResponse:
    publication = get_object_or_404(_with_version(), pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            deletion.delete_publication(publication)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, f"The publication of {publication} was deleted.")
            return redirect("publications")
    return ask_to_delete(
        request,
        f"publication “{publication}”",
        consequences=deletion.of_publication(publication),
        back=reverse("publication", args=[pk]),
        refusal=refusal,
    )


def _with_version() -> QuerySet[Publication]:
    return Publication.objects.select_related("version__repository", "settings")
