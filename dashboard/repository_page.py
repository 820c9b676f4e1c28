"""What stands above every tab of a repository: where the page is, how the repository is, its runs, and the tabs.

A view of a tab fetches with `shown`, renders a template that extends repositories/page.html, and adds to its context
what `frame` gives.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from repos import prepared
from repos.models import Distribution, Job, Repository

from .forms.runs import ways

Words = str | Promise
# A word of the trail, and the address that it leads to; empty where it is the page itself.
Crumb = tuple[Words, str]
# So many of the newest jobs are looked at for what is new: all others have ended, but for a line that nobody has seen.
KNOWN = 10
# No repository has such a number.
BEYOND = 1 << 63


@dataclass(frozen=True)
class Tab:
    """One of the pages of a repository, as its link is shown. `many` is how much is behind it, if that is told."""

    word: Words
    url: str
    current: bool
    many: int | None
    for_operators: bool


# By the name that views give to `frame`: its word, and the name of its address.
TABS: dict[str, tuple[Words, str]] = {
    "overview": (_("Overview"), "repository"),
    "files": (_("Files"), "repository-files"),
    "versions": (_("Versions"), "repository-versions"),
    "compare": (_("Compare"), "compare"),
    "publications": (_("Publications"), "repository-publications"),
    "distributions": (_("Distributions"), "repository-distributions"),
    "jobs": (_("Jobs"), "repository-jobs"),
    "settings": (_("Settings"), "repository-edit"),
}
_FOR_OPERATORS = {"settings"}


def shown(pk: int) -> Any:
    """The repository with this number and all that the pages show of it, or the page that says that there is none."""
    # First, so that nothing is missed that comes while the rest is read.
    seen = known(pk)
    repository: Any = get_object_or_404(Repository.objects.for_page(), pk=pk)
    repository.known = seen
    return repository


def frame(repository: Any, tab: str, *beyond: Crumb) -> dict[str, Any]:
    """What repositories/page.html needs. `repository` is from `shown`; `beyond` leads on from the tab to the page."""
    places = served(repository)
    return {
        "tab": tab,
        "tabs": _tabs(repository, tab, distributions=len(places)),
        "crumbs": _crumbs(repository, tab, beyond),
        "served": places,
    } | status(repository)


def served(repository: Repository) -> list[Distribution]:
    """Its distributions, with what each serves."""
    return list(Distribution.objects.with_served().filter(repository=repository))


def status(repository: Any) -> dict[str, Any]:
    """What changes when a job comes or ends: how it is, how it can be run now. `repository` is from `shown`."""
    telling = list(Job.objects.telling([repository.pk]))
    return {
        "repository": repository,
        "known": repository.known,
        "telling": telling,
        "ways": ways(repository, telling),
    }


def known(pk: int) -> str:
    """Another text whenever a job of this repository comes, begins or ends: a page says with it what it knows."""
    return ",".join(f"{job}{state[0]}" for job, state in prepared.rows(_newest, pk)) if pk < BEYOND else ""


def _newest(pk: int) -> "QuerySet[Job, tuple[int, str]]":
    return Job.objects.filter(repository=pk).order_by("-pk").values_list("pk", "state")[:KNOWN]


def _tabs(repository: Any, current: str, *, distributions: int) -> list[Tab]:
    many = {
        "files": repository.newest_files,
        "versions": repository.version_count,
        "publications": repository.publication_count,
        "distributions": distributions,
    }
    return [
        Tab(word, reverse(address, args=[repository.pk]), name == current, many.get(name), name in _FOR_OPERATORS)
        for name, (word, address) in TABS.items()
    ]


def _crumbs(repository: Repository, tab: str, beyond: tuple[Crumb, ...]) -> list[Crumb]:
    own, there = reverse("repository", args=[repository.pk]), reverse(TABS[tab][1], args=[repository.pk])
    trail: list[Crumb] = [(_("Repositories"), reverse("repositories")), (repository.name, own)]
    if tab != "overview":
        trail.append((TABS[tab][0], there))
    trail += beyond
    return [*trail[:-1], (trail[-1][0], "")]
