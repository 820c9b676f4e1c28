"""Queries that are always the same, made into SQL once: to make it anew takes longer than to run it."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

# Makes the query; a function of a module, for it is known again by itself. It may take numbers to look for.
Make = Callable[..., "QuerySet[Any, Any]"]
# What stands for those numbers while the SQL is made: no row has such a number.
_MARK = -(1 << 40)


def rows(make: Make, *numbers: int) -> list[tuple[Any, ...]]:
    """The rows of the query, as the database gives them."""
    sql, values = _sql(make, connection.vendor, len(numbers), whole=True)
    return _asked(sql, _filled(values, numbers))


def finds_any(make: Make, *numbers: int) -> bool:
    """Whether the query has any row."""
    sql, values = _sql(make, connection.vendor, len(numbers), whole=False)
    return bool(_asked(sql, _filled(values, numbers)))


def _filled(values: tuple[Any, ...], numbers: tuple[int, ...]) -> tuple[Any, ...]:
    """The query's values with `numbers` in place of their marks."""
    marked = {_MARK - place: number for place, number in enumerate(numbers)}
    return tuple(marked.get(value, value) if type(value) is int else value for value in values) if marked else values


def _asked(sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


@cache
def _sql(make: Make, vendor: str, numbers: int, *, whole: bool) -> tuple[str, tuple[Any, ...]]:
    query = make(*(_MARK - place for place in range(numbers)))
    query = query if whole else query.order_by().values("pk")[:1]
    sql, values = query.query.sql_with_params()
    return sql, tuple(values)
