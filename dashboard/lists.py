"""Lists of rows: searched, filtered, sorted, and in pages by key, all of it in the address; what is unknown is ignored.

A view says once what its list can do, and shows what was asked for:

    DISTRIBUTIONS = Listing(
        sorts=(Sort("path", _("Base path"), "base_path"), Sort("since", _("Since"), "since", down=True, nullable=True)),
        search=("base_path", "repository__name"),
        filters=(Filter("show", _("What they serve"), (Choice("pinned", _("Pinned"), Q(pinned=True)),)),),
    )
    render(request, "distributions/index.html", {"list": DISTRIBUTIONS.shown(request, Distribution.objects.all())})

The first of `sorts` is that of an address that names none. `rows` may be dear to show (annotations, select_related,
prefetch_related): which rows a page has is found first, by their numbers alone. In the page, shared/_list_*.html:

    {% include "shared/_list_search.html" with noun="distributions" placeholder="Base path or repository" %}
    <div id="list">                                        {# what htmx draws anew, by its id #}
      {% include "shared/_list_filters.html" %}
      {% if list.rows %}                                   {# in the table's head, for a column to sort by: #}
      … {% include "shared/_list_head.html" with head=list.heads.path css="number" %}
      {% include "shared/_list_pager.html" with noun="distribution" %}
      {% elif list.narrowed %}{% include "shared/_list_nothing.html" with noun="distribution" %}{% else %}…{% endif %}
    </div>

`list.query` is what a live fragment is asked for with; what is drawn by another address than the page's gives that one
as `at`. Two lists on a page get a `prefix` each. For deeds on many rows see shared/_list_bulk.html, and `chosen`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Generic, TypeVar

from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest

from .asked import AFTER, BEFORE, SEARCH, Asked, Words, number
from .asked import Choice as Choice
from .asked import Filter as Filter
from .asked import Sort as Sort
from .keyset import Keys, keys

Row = TypeVar("Row", bound=Model)
# How many rows each choice of a filter lets through, by its value.
Counts = Mapping[str, int]

ROWS = 50
# Where nothing else counts the rows, they are counted up to here.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Link:
    """A choice as it is shown: `many` rows, if they were counted, or `more` than that."""

    word: Words
    url: str
    current: bool
    many: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Links:
    """A filter as it is shown."""

    name: str
    label: Words
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column that can be sorted by; `sorted` is the value of aria-sort, or empty."""

    name: str
    word: Words
    url: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """A list as a page shows it: the rows of one page, and the addresses of the others."""

    rows: list[Row]
    q: str
    narrowed: bool
    filters: list[Links]
    heads: Mapping[str, Head]
    # How many rows there are in all pages, or MOST_COUNTED where there are `more` than that.
    count: int
    more: bool
    # The pages on either side, empty where there is none; the list itself; all of it; all but what is looked for.
    previous: str
    next: str
    at: str
    clear: str
    without_search: str
    # Of exactly this page; and the hidden fields of its search.
    query: str
    kept: list[tuple[str, str]]
    prefix: str

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def here(self) -> str:
        """The address of exactly this page of the list."""
        return f"{self.at}?{self.query}" if self.query else self.at


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list can do. There is one sort at least; `search` are fields, or functions that say what picks rows."""

    sorts: tuple[Sort, ...]
    search: tuple[str | Callable[[str], Q], ...] = ()
    filters: tuple[Filter, ...] = ()
    per_page: int = ROWS
    prefix: str = ""

    def shown(
        self,
        request: HttpRequest,
        rows: QuerySet[Row],
        *,
        at: str = "",
        counts: Mapping[str, Counts] | None = None,
        many: int | None = None,
    ) -> Shown[Row]:
        """The rows that the address asks for.

        Where they are known already: `counts` of the filters by their names (of those that are too many to be counted
        here, as far as MOST_COUNTED + 1), and how `many` rows there are, of a list with neither search nor filters.
        """
        asked = Asked(request, at=at, prefix=self.prefix, filters=self.filters, sorts=self.sorts)
        found = rows.filter(self._holding(asked.q))
        counted = {one.name: (counts or {}).get(one.name) or _counts(found, one, asked) for one in self.filters}
        narrowed = found.filter(*(one.q() for one in asked.choices.values()))
        order = asked.sort.order(asked.down)
        page = keys(narrowed, order, most=self.per_page, after=asked.after, before=asked.before)
        count, more = _count(narrowed, page, many if many is not None else self._known(counted, asked))
        return Shown(
            rows=_in_order(rows, page.pks),
            q=asked.q,
            narrowed=asked.narrowed,
            filters=[_links(one, counted[one.name], asked) for one in self.filters],
            heads={one.name: _head(one, asked) for one in self.sorts},
            count=count,
            more=more,
            previous=asked.url(**{BEFORE: str(page.pks[0])}) if page.before else "",
            next=asked.url(**{AFTER: str(page.pks[-1])}) if page.after else "",
            at=asked.at,
            clear=asked.clear(),
            without_search=asked.url(**{SEARCH: ""}),
            query=asked.here(),
            kept=asked.kept(),
            prefix=self.prefix,
        )

    def _known(self, counted: Mapping[str, Counts], asked: Asked) -> int | None:
        """How many rows the list has, if one of its filters has counted them."""
        known = (counted[one.name].get(asked.choices[one.name].value) for one in self.filters if one.counted)
        return next((count for count in known if count is not None), None)

    def _holding(self, text: str) -> Q:
        places = self.search if text else ()
        return reduce(or_, (one(text) if callable(one) else Q(**{f"{one}__icontains": text}) for one in places), Q())


def chosen(request: HttpRequest, *, most: int = 1000) -> list[int]:
    """The numbers of the rows that were ticked in a list, each once; what could be none is left out."""
    numbers = (number(text) for text in request.POST.getlist("chosen"))
    return list(dict.fromkeys(one for one in numbers if one is not None))[:most]


def _in_order(rows: QuerySet[Row], pks: Sequence[int]) -> list[Row]:
    found = {row.pk: row for row in rows.order_by().filter(pk__in=pks)} if pks else {}
    return [found[pk] for pk in pks if pk in found]


# ---- counting ----------------------------------------------------------------------------------------------


def _counts(found: QuerySet[Row], which: Filter, asked: Asked) -> Counts:
    """Of the rows that the other filters let through; nothing where they are too many to be counted."""
    if not which.counted:
        return {}
    others = [one.q() for name, one in asked.choices.items() if name != which.name]
    # Under names of our own, for a value may be that of a field.
    each = {f"of_{place}": Count("pk", filter=one.q()) for place, one in enumerate(which.all())}
    counts = found.filter(*others).aggregate(**each)
    return {one.value: counts[f"of_{place}"] for place, one in enumerate(which.all())}


def _count(narrowed: QuerySet[Row], page: Keys, known: int | None) -> tuple[int, bool]:
    """How many rows there are in all pages, and whether there are more than were counted."""
    if not page.before and not page.after:
        return len(page.pks), False
    if known is not None:
        return known, False
    some = narrowed.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return min(some, MOST_COUNTED), some > MOST_COUNTED


# ---- what is clicked on ------------------------------------------------------------------------------------


def _links(which: Filter, counts: Counts, asked: Asked) -> Links:
    now = asked.choices[which.name]
    links = [
        Link(
            one.word, asked.url(**{which.name: one.value}), one.value == now.value, *_told(which, counts.get(one.value))
        )
        for one in which.all()
    ]
    return Links(which.name, which.label, links)


def _told(which: Filter, count: int | None) -> tuple[int | None, bool]:
    """How many rows a choice is said to let through, and whether there are more."""
    if which.counted or count is None or count <= MOST_COUNTED:
        return count, False
    return MOST_COUNTED, True


def _head(sort: Sort, asked: Asked) -> Head:
    way = "descending" if asked.down else "ascending"
    return Head(sort.name, sort.word, asked.turned(sort), way if sort == asked.sort else "")
