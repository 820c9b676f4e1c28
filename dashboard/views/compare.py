"""Two versions of a repository beside each other: how much came, went and changed, and which files."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import cache, repository_page
from dashboard.differing import Asked, Row, Shown, bar
from repos import comparing, difference_lines
from repos.comparing import Totals
from repos.models import Repository, RepositoryVersion

from .http import Request, known_newest, numbered

# So many of the newest versions can be chosen here; any others by the links to them.
VERSIONS = 500
# Seconds: what two versions differ in never changes.
REMEMBERED = 24 * 3600


@dataclass(frozen=True)
class Pair:
    """The versions to compare, `old` with `new`; all that can be chosen, newest first; and why it is not as asked."""

    old: RepositoryVersion
    new: RepositoryVersion
    versions: list[RepositoryVersion]
    refusal: str = ""

    @property
    def newest(self) -> RepositoryVersion:
        return self.versions[0]

    @property
    def shows_newest(self) -> bool:
        return not self.refusal and self.newest in (self.old, self.new)

    @property
    def previous(self) -> RepositoryVersion:
        """The one before `new`; the first has none, and is its own."""
        return next((one for one in self.versions if one.number < self.new.number), self.new)


@require_GET
def compare(request: Request, pk: int) -> HttpResponseBase:
    """`from` and `to` are numbers of versions: of none the newest is compared with the one before."""
    repository = repository_page.shown(pk)
    asked, pair = Asked(request), _pair(request, repository)
    if not pair.refusal and asked.format in _FORMATS:
        return _download(repository, pair, asked)
    totals, found = _totals(pair), comparing.Page([])
    if totals.of(asked.kind):
        found = comparing.page(pair.old, pair.new, kind=asked.kind, q=asked.q, after=asked.after)
    rows = [Row(*one) for one in found.differences]
    known = known_newest(request, pair.newest.number)
    context = {
        "pair": pair,
        "totals": totals,
        "bar": bar(totals),
        "asked": asked,
        "list": Shown(asked, totals, rows, after=found.after, partly=found.partly),
        "links": _links(asked, pair, known),
        "known_newest": known,
    }
    context |= repository_page.frame(repository, "compare")
    return render(request, "compare/compare.html", context, status=404 if pair.refusal else 200)


def _pair(request: Request, repository: Repository) -> Pair:
    versions = list(repository.versions.complete().order_by("-number")[:VERSIONS])
    new, wrong = _named(repository, request.GET.get("to", ""), versions[0])
    before = next((one for one in versions if one.number < new.number), new)
    old, also_wrong = _named(repository, request.GET.get("from", ""), before)
    refusal = wrong or also_wrong
    # What is chosen can be chosen.
    shown = {one.number: one for one in (*versions, old, new)}
    choices = sorted(shown.values(), key=lambda one: -one.number)
    return Pair(before, new, choices, refusal) if refusal else Pair(old, new, choices)


def _named(repository: Repository, text: str, usual: RepositoryVersion) -> tuple[RepositoryVersion, str]:
    """The version whose number `text` is, or the usual one and why it is not that."""
    if not text:
        return usual, ""
    number = numbered(text)
    found = repository.versions.complete().filter(number=number).first() if number is not None else None
    if found:
        return found, ""
    return usual, _("There is no version “%(number)s”: it was deleted, or never was. Choose another one.") % {
        "number": text[:20]
    }


def _totals(pair: Pair) -> Totals:
    # With their dates: a database that was put back from a copy gives a number to another version.
    key = "compared:" + ":".join(f"{one.pk}-{one.created_at.timestamp()}" for one in (pair.old, pair.new))
    if (found := cache.get(key)) is None:
        found = comparing.totals(pair.old, pair.new)
        cache.set(key, found, REMEMBERED)
    assert isinstance(found, Totals)
    return found


def _links(asked: Asked, pair: Pair, known: int) -> dict[str, Any]:
    """Other comparisons that are a click away; of those that are shown already, nothing."""
    of_newest = {"from": "", "to": ""}
    old, new, newest = pair.old.number, pair.new.number, pair.newest.number
    previous = pair.previous.number
    return {
        "swap": asked.url(**{"from": str(new), "to": str(old)}),
        "previous": asked.url(**{"from": str(previous), "to": str(new)}) if previous not in (old, new) else "",
        "newest": asked.url(to=str(newest), **{"from": str(old)}) if newest not in (old, new) else "",
        "news": asked.url(shown=str(known), **of_newest),
        "onwards": asked.url(shown="", **of_newest),
        "tsv": asked.url(format="tsv"),
        "json": asked.url(format="json"),
    }


_FORMATS = {"tsv": "text/tab-separated-values; charset=utf-8", "json": "application/json"}


def _download(repository: Repository, pair: Pair, asked: Asked) -> StreamingHttpResponse:
    """All the differences that the page would show, for programs."""
    found = comparing.differences(pair.old, pair.new, kind=asked.kind, q=asked.q)
    lines: Iterable[str] = difference_lines.tsv(found)
    if asked.format == "json":
        lines = difference_lines.as_json(difference_lines.facts(pair.old, pair.new, _totals(pair)), found)
    name = f"{repository.pk}-{pair.old.number}-{pair.new.number}.{asked.format}"
    answer = StreamingHttpResponse(lines, content_type=_FORMATS[asked.format])
    answer["Content-Disposition"] = f'attachment; filename="compare-{name}"'
    return answer
