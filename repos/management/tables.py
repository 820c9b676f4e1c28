"""Rows: for people on a terminal in columns under a heading, for programs elsewhere as lines parted by tabs.

Elsewhere there is no heading; figures and sizes are plain numbers, times are in ISO 8601, lengths of time in seconds.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.core.management.base import OutputWrapper

from repos import units

# Two spaces: one may be part of a name.
_GAP = "  "


class Size(int):
    """A number of bytes."""


Cell = str | int | datetime | timedelta | None


def write_table(out: OutputWrapper, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """One row a line; `columns` are their headings, or nothing."""
    if not out.isatty():
        for row in rows:
            out.write("\t".join(_plain(cell) for cell in row))
        return
    heading = [[name.upper() for name in columns]] if columns else []
    lines = [*heading, *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        out.write(_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _plain(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.isoformat(timespec="seconds")
        case timedelta():
            return f"{cell.total_seconds():.1f}"
    return re.sub(r"[\t\r\n]", " ", str(cell))


def _shown(cell: Cell) -> str:
    match cell:
        case None | "":
            return "–"
        case Size():
            return units.size(cell)
        case int():
            return f"{cell:,}"
        case datetime():
            return f"{cell:%Y-%m-%d %H:%M}"
        case timedelta():
            return units.duration(cell)
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in cell)


def yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
