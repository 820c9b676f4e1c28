"""Publish settings: what publications are made with, and who shares it."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from dashboard.forms.publish_settings import EditForm, ValuesForm
from repos import publish_settings
from repos.errors import MillraceError, Stale
from repos.models import Publication, PublishSettings, Repository

from .http import Request, page_of

SETTINGS = 50
REPOSITORIES = 50
PUBLICATIONS = 20
# The filters of the list: a value, its word, and whether such settings are in use.
FILTERS = (("", "All", None), ("used", "In use", True), ("unused", "Not in use", False))


@require_GET
def index(request: Request) -> HttpResponse:
    text, chosen = request.GET.get("q", "").strip(), request.GET.get("use", "")
    found = publish_settings.listed(text, in_use={value: used for value, _, used in FILTERS}.get(chosen))
    page = page_of(request, found, "page", SETTINGS)
    context = {"page": page, "q": text, "use": chosen, "filters": FILTERS}
    return render(request, "publish_settings/index.html", context)


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    settings = get_object_or_404(PublishSettings, pk=pk)
    return render(
        request,
        "publish_settings/detail.html",
        {
            "settings": settings,
            "repositories": page_of(request, settings.repositories.order_by("name"), "repositories", REPOSITORIES),
            "publications": page_of(request, _publications(settings), "publications", PUBLICATIONS),
        },
    )


def _publications(settings: PublishSettings) -> QuerySet[Publication]:
    newest_first = settings.publications.order_by("-pk")
    return newest_first.select_related("version__repository").prefetch_related("distributions")


@require_http_methods(["GET", "POST"])
def new(request: Request) -> HttpResponse:
    form = ValuesForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            return _made(request, *publish_settings.make(**form.chosen()))
        except MillraceError as error:
            form.refuse(error)
    return render(request, "publish_settings/new.html", {"form": form}, status=422 if form.is_bound else 200)


def _made(request: Request, settings: PublishSettings, were_there: bool) -> HttpResponse:
    if were_there:
        messages.info(request, "There already are such settings: here they are.")
    else:
        messages.success(request, "The publish settings were made.")
    return redirect("publish-settings-detail", settings.pk)


@require_http_methods(["GET", "POST"])
def edit(request: Request, pk: int) -> HttpResponse:
    settings = get_object_or_404(PublishSettings, pk=pk)
    repository = _opened_from(request, settings)
    form = EditForm(request.POST if request.method == "POST" else None, settings=settings, repository=repository)
    refusal, status = "", 422 if form.is_bound else 200
    if form.is_bound and (form.stale or ("repository" in request.GET and not repository)):
        refusal, status = str(Stale(f"The use of the publish settings “{settings}”")), 409
    elif form.is_valid():
        try:
            return _changed(request, settings, form)
        except Stale as error:
            refusal, status = str(error), 409
    context = _who_moves(settings) | {"settings": settings, "form": form, "repository": repository, "refusal": refusal}
    return render(request, "publish_settings/edit.html", context, status=status)


def _opened_from(request: Request, settings: PublishSettings) -> Repository | None:
    """The repository that the address names, if it uses `settings`."""
    return Repository.objects.numbered(request.GET.get("repository", "")).filter(publish_settings=settings).first()


def _changed(request: Request, settings: PublishSettings, form: EditForm) -> HttpResponse:
    other = publish_settings.change(settings, repositories=form.repositories, **form.chosen())
    if other == settings:
        messages.info(request, "Nothing was changed: these are the values that were there.")
    else:
        messages.success(request, "Changed. The next job publishes with these; what is published stays as it is.")
    if form.repository:
        return redirect("repository", form.repository.pk)
    return redirect("publish-settings-detail", other.pk)


def _who_moves(settings: PublishSettings) -> dict[str, Any]:
    return {"users": list(settings.repositories.order_by("name")), "publications": settings.publications.count()}


@require_http_methods(["GET", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    settings = get_object_or_404(PublishSettings, pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            publish_settings.delete(settings)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, f"The publish settings “{settings}” were deleted.")
            return redirect("publish-settings")
    consequences = publish_settings.consequences(settings)
    context = {
        "what": f"publish settings “{settings}”",
        "consequences": consequences,
        "back": reverse("publish-settings-detail", args=[pk]),
        # It stands there once, whichever of the two says it.
        "refusal": "" if consequences.refusal else refusal,
    }
    return render(request, "shared/delete.html", context, status=409 if refusal else 200)
