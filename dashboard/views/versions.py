"""A version: its files, its publications, and what can be done with it."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dashboard.forms.versions import PublishForm
from dashboard.roles import for_operators
from repos import browse, by_hand, deletion, jobs, retention
from repos.errors import MillraceError, Refused, Stale
from repos.jobs import Actions, Details
from repos.models import Distribution, Publication, Repository, RepositoryVersion

from .http import Request, ask_to_delete, form_page, go_to_job, looked_for, page_of

PUBLICATIONS = 20
PUBLISH = Actions(sync=False, publish=True, distribute=False)


@require_GET
def files(request: Request, pk: int) -> HttpResponse:
    """The files of a repository are those of its newest version."""
    repository = get_object_or_404(Repository, pk=pk)
    newest = repository.versions.complete().order_by("-number").first()
    return redirect("version", pk, newest.number) if newest else redirect("repository", pk)


@require_GET
def detail(request: Request, pk: int, number: int) -> HttpResponse:
    """`q` is searched for in paths, `after` is the path behind which the page of files begins."""
    version = _version(pk, number)
    return render(request, "versions/detail.html", _page(request, version))


def _version(pk: int, number: int) -> RepositoryVersion:
    shown = RepositoryVersion.objects.complete().select_related("repository__remote", "repository__publish_settings")
    return get_object_or_404(shown, repository=pk, number=number)


def _page(request: Request, version: RepositoryVersion) -> dict[str, Any]:
    repository, number = version.repository, version.number
    q, after = looked_for(request), looked_for(request, "after")
    published = Publication.objects.of(repository).filter(version=version)
    return {
        "version": version,
        "repository": repository,
        "newest": repository.latest_version().number,
        "jobs": version.jobs.order_by("pk"),
        "fate": retention.fates(repository).get(number),
        "publications": page_of(request, published, "publications", PUBLICATIONS),
        "served_at": Distribution.objects.filter(publication__version=version).first(),
        "found": browse.files_of(version, q=q, after=after),
        "q": q,
        "after": after,
        "form": PublishForm(None, repository),
        "publish_refusal": jobs.refusal(repository, PUBLISH, Details(of_version=number)),
        "restore_refusal": jobs.refusal(repository, by_hand.defaults(repository), Details(of_version=number)),
    }


@require_POST
@for_operators
def publish(request: Request, pk: int, number: int) -> HttpResponse:
    version = _version(pk, number)
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
    version = _version(pk, number)
    try:
        return go_to_job(request, by_hand.restore(version.repository, number, by=request.user))
    except Refused as refusal:
        return _refused(request, version, refusal)


def _refused(request: Request, version: RepositoryVersion, refusal: MillraceError) -> HttpResponse:
    return render(request, "versions/detail.html", _page(request, version) | {"refusal": str(refusal)}, status=409)


@form_page
@for_operators
def delete(request: Request, pk: int, number: int) -> HttpResponse:
    version = _version(pk, number)
    refusal = ""
    if request.method == "POST":
        try:
            deletion.delete_version(version)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, f"{version} was deleted.")
            return redirect("repository", pk)
    return ask_to_delete(
        request,
        f"version {version.number} of “{version.repository}”",
        consequences=deletion.of_version(version),
        back=reverse("version", args=[pk, number]),
        refusal=refusal,
    )
