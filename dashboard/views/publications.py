"""Publications: what can be served, where it is, and where it was."""

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from dashboard.forms.distributions import FollowForm
from repos import deletion
from repos.errors import MillraceError
from repos.models import Publication, Switch

from .http import Request, page_of

PUBLICATIONS = 50
HISTORY = 20


@require_GET
def index(request: Request) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    found = Publication.objects.filter(version__repository__name__icontains=text).order_by("-pk")
    shown = found.select_related("version__repository", "settings").prefetch_related("distributions")
    return render(
        request, "publications/index.html", {"page": page_of(request, shown, "page", PUBLICATIONS), "q": text}
    )


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    publication = get_object_or_404(_with_version(), pk=pk)
    repository = publication.version.repository
    switches = Switch.objects.filter(Q(earlier=publication) | Q(later=publication))
    shown = switches.select_related("distribution", "by", "job", "earlier__version", "later__version")
    context = {
        "publication": publication,
        "repository": repository,
        "metadata": publication.metadata.select_related("artifact").order_by("path"),
        "distributions": repository.distributions.select_related("publication__version"),
        "history": page_of(request, shown, "history", HISTORY),
        "form": FollowForm(),
    }
    return render(request, "publications/detail.html", context)


@require_http_methods(["GET", "POST"])
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
    context = {
        "what": f"publication of {publication}",
        "consequences": deletion.of_publication(publication),
        "back": reverse("publication", args=[pk]),
        "refusal": refusal,
    }
    return render(request, "shared/delete.html", context, status=409 if refusal else 200)


def _with_version() -> QuerySet[Publication]:
    return Publication.objects.select_related("version__repository", "settings")
