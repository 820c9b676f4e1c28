"""Pages of rows by key: the page behind a row, or in front of it, costs the same wherever that row is.

An address names the row by its number alone; what it is sorted by is looked up. One that is gone leads to the first
page.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Order:
    """By a field (or annotation), then by number. Rows without a value come last, whichever way the others go."""

    field: str
    down: bool = False
    nullable: bool = False

    def sorted(self, rows: QuerySet[Row], *, back: bool = False) -> QuerySet[Row]:
        """The rows in this order; the other way round if `back`."""
        down = self.down != back
        if self.field == "pk":
            return rows.order_by("-pk" if down else "pk")
        nulls = {"nulls_first" if back else "nulls_last": True} if self.nullable else {}
        return rows.order_by(OrderBy(F(self.field), descending=down, **nulls), "-pk" if down else "pk")

    def beyond(self, value: Any, pk: int, *, back: bool = False) -> Q:
        """What comes behind the row with this value and number; what comes in front of it if `back`."""
        step = "lt" if self.down != back else "gt"
        further = Q(**{f"pk__{step}": pk})
        if self.field == "pk":
            return further
        none = Q(**{f"{self.field}__isnull": True})
        if value is None:
            return none & further | ~none if back else none & further
        # Written so that an index can be entered at the value.
        found = Q(**{f"{self.field}__{step}e": value}) & (Q(**{f"{self.field}__{step}": value}) | further)
        return found | none if self.nullable and not back else found


@dataclass(frozen=True, slots=True)
class Keys:
    """The numbers of the rows of one page, in order, and whether there are others on either side."""

    pks: list[int]
    before: bool = False
    after: bool = False


def keys(rows: QuerySet[Row], order: Order, *, most: int, after: int | None = None, before: int | None = None) -> Keys:
    """The page of `rows` behind the row `after`, or else in front of `before`, or else the first."""
    if after is not None and (found := _behind(rows, order, after, most)):
        return found
    if before is not None and (found := _in_front(rows, order, before, most)):
        return found
    pks = _some(order.sorted(rows), most)
    return Keys(pks[:most], after=len(pks) > most)


def _behind(rows: QuerySet[Row], order: Order, pk: int, most: int) -> Keys | None:
    """None where the row is gone, or nothing comes behind it any more."""
    if (at := _value(rows, order, pk)) is None:
        return None
    pks = _some(order.sorted(rows.filter(order.beyond(at[0], pk))), most)
    return Keys(pks[:most], before=True, after=len(pks) > most) if pks else None


def _in_front(rows: QuerySet[Row], order: Order, pk: int, most: int) -> Keys | None:
    """None where the first page is meant: it is whole, though fewer rows come before this one."""
    if (at := _value(rows, order, pk)) is None:
        return None
    found = rows.filter(order.beyond(at[0], pk, back=True))
    pks = _some(order.sorted(found, back=True), most)
    return Keys(pks[:most][::-1], before=True, after=True) if len(pks) > most else None


def _some(rows: QuerySet[Row], most: int) -> list[int]:
    """One more than asked for tells that there are others."""
    return list(rows.values_list("pk", flat=True)[: most + 1])


def _value(rows: QuerySet[Row], order: Order, pk: int) -> tuple[Any] | None:
    if order.field == "pk":
        return (pk,)
    return rows.filter(pk=pk).values_list(order.field).first()
