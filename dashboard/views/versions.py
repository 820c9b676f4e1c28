"""The versions of a repository: their list, one of them, and what can be done with it."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from dashboard.forms.versions import PublishForm
from dashboard.lists import Listing, Sort
from dashboard.repository_page import frame, shown
from dashboard.roles import for_operators
from repos import by_hand, deletion, jobs, obstacles, retention
from repos.actions import Actions, Details
from repos.errors import MillraceError
from repos.errors.refusals import Refused, Stale
from repos.models import Publication, RepositoryVersion

from .http import Request, ask_to_delete, form_page, go_to_job, page_of

PUBLICATIONS = 20
# How many of the newest the picture shows.
PICTURED = 60
PUBLISH = Actions(sync=False, publish=True, distribute=False)
VERSIONS = Listing(sorts=(Sort("number", gettext_lazy("Version"), "number", down=True),))


@require_GET
def index(request: Request, pk: int) -> HttpResponse:
    repository = shown(pk)
    made = repository.versions.made()
    context = {
        "list": VERSIONS.shown(request, made.with_jobs(), many=repository.version_count),
        "pictured": made.order_by("-number")[:PICTURED],
        "fates": retention.fates(repository),
    }
    return render(request, "repositories/versions.html", frame(repository, "versions") | context)


@require_GET
def detail(request: Request, pk: int, number: int) -> HttpResponse:
    return render(request, "versions/detail.html", _page(request, version_of(pk, number)))


def version_of(pk: int, number: int) -> RepositoryVersion:
    """A version that is complete, with its repository; or the page that says that there is none."""
    shown = RepositoryVersion.objects.complete().select_related("repository__remote", "repository__publish_settings")
    return get_object_or_404(shown, repository=pk, number=number)


def _page(request: Request, version: RepositoryVersion) -> dict[str, Any]:
    repository, number = shown(version.repository_id), version.number
    published = Publication.objects.of(repository).filter(version=version)
    return frame(repository, "versions", (_("Version %d") % number, "")) | {
        "version": version,
        "before": _before(version),
        "newest": repository.newest_number,
        "jobs": version.jobs.select_related("requested_by").order_by("pk"),
        "fate": retention.fates(repository).get(number),
        "publications": page_of(request, published, "publications", PUBLICATIONS),
        "form": PublishForm(None, repository),
        "publish_refusal": obstacles.refusal(repository, PUBLISH, Details(of_version=number)),
        "restore_refusal": obstacles.refusal(repository, by_hand.defaults(repository), Details(of_version=number)),
    }


def _before(version: RepositoryVersion) -> int | None:
    """The number of the version before it that is still there: what its changes are compared with."""
    earlier = version.repository.versions.complete().filter(number__lt=version.number).order_by("-number")
    return earlier.values_list("number", flat=True).first()


@require_POST
@for_operators
def publish(request: Request, pk: int, number: int) -> HttpResponse:
    version = version_of(pk, number)
    form = PublishForm(request.POST, version.repository)
    if not form.is_valid():
        return render(request, "versions/detail.html", _page(request, version) | {"form": form}, status=422)
    try:
        with transaction.atomic():
            details = Details(of_version=number, publish_settings=form.settings())
            requested = jobs.request(version.repository, actions=PUBLISH, details=details, by=request.user)
        return go_to_job(request, requested)
    except (Refused, Stale) as refusal:
        return _refused(request, version, refusal)


@require_POST
@for_operators
def restore(request: Request, pk: int, number: int) -> HttpResponse:
    version = version_of(pk, number)
    try:
        return go_to_job(request, by_hand.restore(version.repository, number, by=request.user))
    except Refused as refusal:
        return _refused(request, version, refusal)


def _refused(request: Request, version: RepositoryVersion, refusal: MillraceError) -> HttpResponse:
    return render(request, "versions/detail.html", _page(request, version) | {"refusal": str(refusal)}, status=409)


@form_page
@for_operators
def delete(request: Request, pk: int, number: int) -> HttpResponse:
    version = version_of(pk, number)
    refusal = ""
    if request.method == "POST":
        try:
            deletion.delete_version(version)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, _("%s was deleted.") % version)
            return redirect("repository-versions", pk)
    return ask_to_delete(
        request,
        _("version %(number)d of “%(name)s”") % {"number": version.number, "name": version.repository},
        consequences=deletion.of_version(version),
        back=reverse("version", args=[pk, number]),
        refusal=refusal,
    )
