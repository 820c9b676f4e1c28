"""Differences in the terminal: a line for each file; for people with sizes they read, for programs parted by tabs."""

from argparse import _ActionsContainer
from collections.abc import Iterable

from django.core.management.base import OutputWrapper

from repos import paths, units
from repos.compare import Kind
from repos.comparing import Difference
from repos.difference_lines import MARKS, tsv

from .arguments import amount


def add_listing(parser: _ActionsContainer) -> None:
    parser.add_argument("--limit", type=amount, metavar="N", help="list the first N files only; totals are of all")
    parser.add_argument("--json", action="store_true", help="say it for programs, as one object")


def write_files(out: OutputWrapper, files: Iterable[Difference]) -> None:
    for line in map(_told, files) if out.isatty() else tsv(files):
        out.write(line)


def _told(one: Difference) -> str:
    sizes = [units.size(file.size) for file in (one.old, one.new) if file]
    if one.kind == Kind.CHANGED and sizes[0] == sizes[1]:
        sizes = sizes[1:]
    return f"{MARKS[one.kind]} {paths.shown(one.path)}  {' → '.join(sizes)}"
