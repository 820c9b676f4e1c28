"""What the pages of a comparison and of a dry run share: what is asked for, the picture of the totals, the list.

The list looks to the templates of shared/_list_*.html like one of lists.py. Its rows are no rows of a table of ours:
its pages go by path, and only forwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from repos import units
from repos.compare import Kind
from repos.comparing import File

from .asked import AFTER, LONGEST_SEARCH, SEARCH
from .lists import Link, Links

KINDS: tuple[tuple[str, str | Promise], ...] = (
    ("", _("All")),
    (Kind.ADDED, _("Added")),
    (Kind.REMOVED, _("Removed")),
    (Kind.CHANGED, _("Changed")),
)
# In percent of the bar: what is there at all can be seen.
LEAST = 1.0


class Counted(Protocol):
    """How many files there are of each kind."""

    @property
    def added(self) -> int: ...
    @property
    def removed(self) -> int: ...
    @property
    def changed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A path that differs. `fetched` says of a dry run whether its new bytes have to be fetched."""

    kind: str
    path: str
    old: File | None
    new: File | None
    fetched: bool = False

    @property
    def size_before(self) -> int | None:
        """Where the file has another size by now, and one that reads otherwise."""
        if self.old and self.new and units.size(self.old.size) != units.size(self.new.size):
            return self.old.size
        return None


@dataclass(frozen=True, slots=True)
class Part:
    """Of the bar: where it begins and how wide it is, in percent."""

    kind: str
    x: float
    width: float


def bar(counted: Counted) -> list[Part]:
    """The totals as parts of a bar, each as wide as its share."""
    each = [(str(kind), _of(counted, kind)) for kind, _ in KINDS[1:] if _of(counted, kind)]
    whole = sum(number for _, number in each)
    widths = [max(LEAST, 100 * number / whole) for _, number in each]
    scale, parts, x = 100 / (sum(widths) or 1), [], 0.0
    for (kind, _number), width in zip(each, widths, strict=True):
        parts.append(Part(kind, x, width * scale))
        x += width * scale
    return parts


def _of(counted: Counted, kind: str) -> int:
    return int(getattr(counted, kind))


class Asked:
    """What the address asks for: a kind, a part of paths, and the path behind which the page begins."""

    def __init__(self, request: HttpRequest) -> None:
        self._given, self.at = request.GET, request.path
        self.q = self._text(SEARCH).strip()[:LONGEST_SEARCH]
        self.after = self._text(AFTER)
        self.format = self._text("format")
        kind = self._text("kind")
        self.kind = kind if kind in {str(one) for one, _ in KINDS} else ""

    def _text(self, name: str) -> str:
        """Nothing stored has the sign that ends PostgreSQL's texts."""
        return self._given.get(name, "").replace("\0", "")

    def url(self, **values: str) -> str:
        """Of the same with these values instead, from its first page on."""
        query = self._given.copy()
        for name, value in ({AFTER: "", "format": ""} | values).items():
            query.pop(name, None)
            if value:
                query[name] = value
        return f"{self.at}?{query.urlencode()}" if query else self.at

    def kept(self) -> list[tuple[str, str]]:
        """What another search keeps, as names and values of hidden fields."""
        gone = {SEARCH, AFTER, "format"}
        return [(name, value) for name, values in self._given.lists() if name not in gone for value in values]


class Shown:
    """The list as a page shows it."""

    prefix = ""

    def __init__(self, asked: Asked, counted: Counted, rows: Sequence[Row], *, after: str, partly: bool) -> None:
        self.rows, self.partly = rows, partly
        self.q, self.at = asked.q, asked.at
        self.kept = asked.kept()
        self.narrowed = bool(asked.q or asked.kind)
        self.without_search, self.clear = asked.url(q=""), asked.url(q="", kind="")
        self.first = asked.url() if asked.after else ""
        self.next = asked.url(after=after) if after else ""
        self.looked_up_to = after if partly else ""
        links = [
            Link(word, asked.url(kind=str(kind)), str(kind) == asked.kind, _many(counted, str(kind)))
            for kind, word in KINDS
        ]
        self.filters = [Links("kind", _("Files by what becomes of them"), links)]


def _many(counted: Counted, kind: str) -> int:
    return _of(counted, kind) if kind else sum(_of(counted, one) for one, _ in KINDS[1:])
