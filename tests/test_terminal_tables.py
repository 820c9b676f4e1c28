"""Rows: columns for people, lines parted by tabs for programs."""

from datetime import UTC, datetime, timedelta
from io import StringIO

from django.core.management.base import OutputWrapper

from repos.management.tables import Cell, Size, write_table
from tests.terminal import Terminal

ROWS: list[list[Cell]] = [
    ["a name", 12345, Size(35_200_000), datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC), timedelta(seconds=184), None],
    ["b", 0, Size(0), None, None, "tab\there"],
]


def written(out: StringIO, rows: list[list[Cell]]) -> list[str]:
    write_table(OutputWrapper(out), ("name", "files", "size", "made", "took", "note"), rows)
    return out.getvalue().splitlines()


def test_it_works() -> None:
    assert written(StringIO(), ROWS) == [
        "a name\t12345\t35200000\t2026-05-04T03:02:01+00:00\t184.0\t",
        "b\t0\t0\t\t\ttab here",
    ]


def test_people_get_columns_under_a_heading() -> None:
    assert written(Terminal(), ROWS) == [
        "NAME    FILES   SIZE     MADE              TOOK        NOTE",
        "a name  12,345  35.2 MB  2026-05-04 03:02  3 min 04 s  –",
        "b       0       0 B      –                 –           tab\\there",
    ]


def test_nothing_is_no_line_for_programs_and_a_heading_for_people() -> None:
    assert written(StringIO(), []) == []
    assert written(Terminal(), []) == ["NAME  FILES  SIZE  MADE  TOOK  NOTE"]


def test_what_would_turn_the_line_is_shown_as_what_it_is() -> None:
    assert written(Terminal(), [["a\u202eb", 1, None, None, None, None]])[1].startswith("a\\u202eb  1")
