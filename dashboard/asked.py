"""What the address of a list asks for, and the addresses that ask for the same otherwise (see dashboard/lists.py)."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .keyset import Order

Words = str | Promise

# The parameters of a list, beside those of its filters. A page by key has no number.
SEARCH, SORT, AFTER, BEFORE = "q", "sort", "after", "before"
# What anybody looks for is shorter.
LONGEST_SEARCH = 200
ALL, EVERYTHING = _("All"), Q()


@dataclass(frozen=True, slots=True)
class Choice:
    """A link of a filter: its value in the address, its word, and what it lets through (a function if that varies).

    Joins that would make several rows of one are not for here: ask with Exists.
    """

    value: str
    word: Words
    which: Q | Callable[[], Q] = EVERYTHING

    def q(self) -> Q:
        return self.which() if callable(self.which) else self.which


@dataclass(frozen=True, slots=True)
class Filter:
    """Links of which one is chosen; the first, which is added, lets everything through.

    They are counted by one look at all rows that are searched for, unless they are too many for that (`counted`).
    """

    name: str
    label: Words
    choices: tuple[Choice, ...]
    everything: Words = ALL
    counted: bool = True

    def all(self) -> tuple[Choice, ...]:
        return (Choice("", self.everything), *self.choices)

    def chosen(self, value: str) -> Choice:
        everything, *others = self.all()
        return next((one for one in others if one.value == value), everything)


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to sort by. `down`: its first click shows what is greatest, or newest, first."""

    name: str
    word: Words
    field: str
    down: bool = False
    nullable: bool = False

    def order(self, down: bool) -> Order:
        return Order(self.field, down, self.nullable)


class Asked:
    """A list as an address asks for it: what is looked for, one choice a filter, a sort and its direction, a page."""

    def __init__(
        self, request: HttpRequest, *, at: str, prefix: str, filters: tuple[Filter, ...], sorts: tuple[Sort, ...]
    ) -> None:
        self.at = at or request.path
        self._given, self._prefix, self._usual = request.GET, prefix, sorts[0]
        self.q = self._text(SEARCH)[:LONGEST_SEARCH]
        self.choices = {one.name: one.chosen(self._text(one.name)) for one in filters}
        self.sort, self.down = self._sorted(sorts)
        self.after, self.before = number(self._text(AFTER)), number(self._text(BEFORE))
        self.narrowed = bool(self.q or any(one.value for one in self.choices.values()))

    def _text(self, name: str) -> str:
        """Nothing stored has the sign that ends PostgreSQL's texts."""
        return self._given.get(self._prefix + name, "").replace("\0", "").strip()

    def _sorted(self, sorts: tuple[Sort, ...]) -> tuple[Sort, bool]:
        text = self._text(SORT)
        named = next((one for one in sorts if one.name == text.removeprefix("-")), None)
        return (named, text.startswith("-")) if named else (self._usual, self._usual.down)

    # ---- addresses ----

    def url(self, **values: str) -> str:
        """Of the same list with these values instead, from its first page on."""
        query = self._query(values).urlencode()
        return f"{self.at}?{query}" if query else self.at

    def clear(self) -> str:
        """Of the list with nothing looked for, and no filter."""
        return self.url(**dict.fromkeys([SEARCH, *self.choices], ""))

    def turned(self, sort: Sort) -> str:
        """Of what a click on the head of this column shows: sorted by it, or the other way round."""
        down = not self.down if sort == self.sort else sort.down
        return self.url(**{SORT: self._named(sort, down)})

    def here(self) -> str:
        """The query of exactly this page."""
        return self._query({name: self._text(name) for name in (AFTER, BEFORE)}).urlencode()

    def kept(self) -> list[tuple[str, str]]:
        """What another search keeps, as names and values of hidden fields."""
        return [(name, value) for name, values in self._query({SEARCH: ""}).lists() for value in values]

    def _query(self, values: dict[str, str]) -> QueryDict:
        """What is not of this list stays as it is; what is empty, or usual, is not written."""
        now = {name: one.value for name, one in self.choices.items()}
        ours = {SEARCH: self.q, **now, SORT: self._named(self.sort, self.down), AFTER: "", BEFORE: ""} | values
        query = self._given.copy()
        for name, value in ours.items():
            query.pop(self._prefix + name, None)
            if value:
                query[self._prefix + name] = value
        return query

    def _named(self, sort: Sort, down: bool) -> str:
        is_usual = (sort, down) == (self._usual, self._usual.down)
        return "" if is_usual else f"{'-' if down else ''}{sort.name}"


def number(text: str) -> int | None:
    """The number of a row that `text` is, if it is one that could be."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else None
