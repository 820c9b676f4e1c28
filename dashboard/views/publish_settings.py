"""Publish settings: what publications are made with, and who shares it."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from dashboard.forms.publish_settings import EditForm, ValuesForm
from dashboard.lists import Choice, Filter, Listing, Sort
from dashboard.roles import for_operators
from repos import publish_settings
from repos.errors import MillraceError
from repos.errors.refusals import Stale
from repos.models import Publication, PublishSettings, Repository
from repos.words import say

from .http import Request, ask_to_delete, form_page, page_of, sent, stale, status_of

# Where the trail of each page begins.
LIST = (_("Publish settings"), reverse_lazy("publish-settings"))
REPOSITORIES = 50
PUBLICATIONS = 20
SETTINGS = Listing(
    sorts=(
        Sort("made", _("Made"), "pk"),
        Sort("manifest", _("Manifest"), "manifest"),
        Sort("checksums", _("Checksum file"), "checksums"),
        Sort("used", _("Used by"), "repositories_count", down=True),
        Sort("publications", _("Publications"), "publications_count", down=True),
    ),
    search=("manifest", "checksums", publish_settings.used_by),
    filters=(
        Filter(
            "use",
            _("Publish settings by use"),
            (
                Choice("used", _("In use"), publish_settings.in_use),
                Choice("unused", _("Not in use"), lambda: ~publish_settings.in_use()),
            ),
        ),
    ),
)


@require_GET
def index(request: Request) -> HttpResponse:
    shown = SETTINGS.shown(request, publish_settings.listed())
    return render(request, "publish_settings/index.html", {"list": shown})


@require_GET
def detail(request: Request, pk: int) -> HttpResponse:
    settings = get_object_or_404(PublishSettings, pk=pk)
    return render(
        request,
        "publish_settings/detail.html",
        {
            "crumbs": [LIST, (str(settings), "")],
            "settings": settings,
            "repositories": page_of(request, settings.repositories.order_by("name"), "repositories", REPOSITORIES),
            "publications": page_of(request, _publications(settings), "publications", PUBLICATIONS),
        },
    )


def _publications(settings: PublishSettings) -> QuerySet[Publication]:
    newest_first = settings.publications.order_by("-pk")
    return newest_first.select_related("version__repository").prefetch_related("distributions")


@form_page
@for_operators
def new(request: Request) -> HttpResponse:
    form = ValuesForm(sent(request))
    if form.is_valid():
        try:
            return _made(request, *publish_settings.make(**form.publish_values()))
        except MillraceError as error:
            form.refuse(error)
    context = {"form": form, "crumbs": [LIST, (_("New"), "")]}
    return render(request, "publish_settings/new.html", context, status=status_of(form))


def _made(request: Request, settings: PublishSettings, were_there: bool) -> HttpResponse:
    if were_there:
        messages.info(request, gettext("There already are such settings: here they are."))
    else:
        messages.success(request, gettext("The publish settings were made."))
    return redirect("publish-settings-detail", settings.pk)


@form_page
@for_operators
def edit(request: Request, pk: int) -> HttpResponse:
    """With `repository` in the query string it is about that one's settings, whichever they are by now."""
    form = _opened(request, pk)
    if form.settings.pk != pk and not form.is_bound:
        return redirect(_address(form))
    if form.is_valid() and not form.stale:
        try:
            other = publish_settings.change(form.settings, repositories=form.repositories, **form.publish_values())
            return _go_to_changed(request, form, other)
        except Stale:
            form = _opened(request, pk)
            form.stale = True
        except MillraceError as error:
            form.refuse(error)
    if form.is_valid() and form.done:
        return _go_to_changed(request, form, publish_settings.make(**form.publish_values())[0])
    refusal = stale(form, say("The use of the publish settings “{settings}”", settings=form.settings))
    context = {"form": form, "settings": form.settings, "repository": form.repository, "action": _address(form)}
    own = (str(form.settings), reverse("publish-settings-detail", args=[form.settings.pk]))
    context |= _who_moves(form.settings) | {"refusal": refusal, "crumbs": [LIST, own, (_("Edit"), "")]}
    return render(request, "publish_settings/edit.html", context, status=status_of(form, refusal))


def _opened(request: Request, pk: int) -> EditForm:
    settings, repository = get_object_or_404(PublishSettings, pk=pk), _opened_from(request)
    now = repository.publish_settings if repository else settings
    return EditForm(sent(request), settings=now, repository=repository, opened_on=pk)


def _opened_from(request: Request) -> Repository | None:
    """The repository that the address names, if it names one."""
    if "repository" not in request.GET:
        return None
    named = Repository.objects.numbered(request.GET["repository"]).select_related("publish_settings")
    return get_object_or_404(named)


def _address(form: EditForm) -> str:
    address = reverse("publish-settings-edit", args=[form.settings.pk])
    return f"{address}?repository={form.repository.pk}" if form.repository else address


def _go_to_changed(request: Request, form: EditForm, now: PublishSettings) -> HttpResponse:
    if now == form.settings and not form.done:
        messages.info(request, gettext("Nothing was changed: these are the values that were there."))
    else:
        said = gettext("Changed. The next job publishes with these; what is published stays as it is.")
        messages.success(request, said)
    if form.repository:
        return redirect("repository", form.repository.pk)
    return redirect("publish-settings-detail", now.pk)


def _who_moves(settings: PublishSettings) -> dict[str, Any]:
    return {"users": list(settings.repositories.order_by("name")), "publications": settings.publications.count()}


@form_page
@for_operators
def delete(request: Request, pk: int) -> HttpResponse:
    settings = get_object_or_404(PublishSettings, pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            publish_settings.delete(settings)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, gettext("The publish settings “%s” were deleted.") % settings)
            return redirect("publish-settings")
    return ask_to_delete(
        request,
        gettext("publish settings “%s”") % settings,
        consequences=publish_settings.consequences(settings),
        back=reverse("publish-settings-detail", args=[pk]),
        refusal=refusal,
    )
