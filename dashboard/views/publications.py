"""Publications: what can be served, where it is, and where it was."""

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard.forms.distributions import FollowForm
from dashboard.lists import Choice, Filter, Listing, Sort
from dashboard.roles import for_operators
from repos import deletion
from repos.errors import MillraceError
from repos.models import Distribution, Job, Publication, Switch

from .http import Request, ask_to_delete, form_page, page_of

# Where the trail of each page begins.
LIST = (_("Publications"), reverse_lazy("publications"))
HISTORY = 20
SERVED = Exists(Distribution.objects.filter(publication=OuterRef("pk")))
PUBLICATIONS = Listing(
    sorts=(
        Sort("made", _("Made"), "pk", down=True),
        Sort("repository", _("Publication of"), "version__repository__name"),
        Sort("files", _("Files"), "version__files", down=True),
        Sort("size", _("Size"), "version__size", down=True),
    ),
    search=("version__repository__name",),
    filters=(
        Filter(
            "show",
            _("Publications by where they are served"),
            (Choice("served", _("Served"), Q(SERVED)), Choice("unserved", _("Not served"), ~Q(SERVED))),
            # They get more with the years.
            counted=False,
        ),
    ),
)


@require_GET
def index(request: Request) -> HttpResponse:
    shown = PUBLICATIONS.shown(request, Publication.objects.for_list())
    return render(request, "publications/index.html", {"list": shown})


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    publication = get_object_or_404(_with_version(), pk=pk)
    repository = publication.version.repository
    switches = Switch.objects.filter(Q(earlier=publication) | Q(later=publication))
    shown = switches.with_both_sides().select_related("distribution", "by", "job")
    context = {
        "crumbs": [LIST, (str(publication.version), "")],
        "publication": publication,
        "made_by": Job.objects.runs()
        .filter(publication=publication)
        .select_related("requested_by")
        .order_by("pk")
        .first(),
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
            messages.success(request, gettext("The publication of %s was deleted.") % publication)
            return redirect("publications")
    return ask_to_delete(
        request,
        gettext("publication “%s”") % publication,
        consequences=deletion.of_publication(publication),
        back=reverse("publication", args=[pk]),
        refusal=refusal,
    )


def _with_version() -> QuerySet[Publication]:
    return Publication.objects.select_related("version__repository", "settings")
