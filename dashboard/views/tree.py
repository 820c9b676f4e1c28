"""The files of a version: its folders one by one, or what is found among all of its paths."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard.repository_page import frame, shown
from repos import browse, folders, paths
from repos.models import Distribution, RepositoryVersion

from .http import Request, known_newest, looked_for
from .versions import version_of

# How many of the newest versions the menu offers.
OFFERED = 12


@require_GET
def newest(request: Request, pk: int) -> HttpResponse:
    """The files of a repository are those of its newest version."""
    repository = shown(pk)
    if repository.newest_number is None:
        raise Http404
    return _tree(request, repository, repository.versions.get(number=repository.newest_number))


@require_GET
def of_version(request: Request, pk: int, number: int) -> HttpResponse:
    version = version_of(pk, number)
    return _tree(request, shown(pk), version, (_("Version %d") % number, ""))


def _tree(request: Request, repository: Any, version: RepositoryVersion, *beyond: tuple[str, str]) -> HttpResponse:
    """`folder` is shown, or what is found of `q`; from the page on that begins behind `after`."""
    q, folder, after = (looked_for(request, name) for name in ("q", "folder", "after"))
    q, folder = q.strip(), _as_folder(folder)
    is_newest = version.number == repository.newest_number
    context = {
        "version": version,
        "newest": repository.newest_number,
        "known_newest": known_newest(request, version.number),
        "q": q,
        "folder": folder,
        "after": after,
        "trail": _trail(folder),
        "found": browse.files_of(version, q=q, after=after) if q else None,
        "listed": None if q else folders.listed(version, folder, after=after),
        "offered": repository.versions.complete().order_by("-number")[:OFFERED],
        "served_at": Distribution.objects.filter(publication__version=version).first(),
        "changing": is_newest and not repository.mirror,
    }
    return render(request, "versions/files.html", frame(repository, "files", *beyond) | context)


def _as_folder(text: str) -> str:
    return text if not text or text.endswith("/") else f"{text}/"


def _trail(folder: str) -> list[tuple[str, str]]:
    """The names of the folders from the outermost to this one, with the whole path of each."""
    return [(paths.shown(path[:-1].rpartition("/")[2]), path) for path in _above(folder)]


def _above(folder: str) -> list[str]:
    places = [place for place, sign in enumerate(folder) if sign == "/"]
    return [folder[: place + 1] for place in places]
