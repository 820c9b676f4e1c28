"""`manage.py compare NAME V1 V2`: what two versions of a repository differ in."""

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.management.base import CommandParser

from repos import comparing, difference_lines, units
from repos.comparing import Totals
from repos.management.arguments import amount
from repos.management.differing import add_listing, write_files
from repos.management.named import repository_named, version_numbered
from repos.management.statuses import DIFFERENT
from repos.management.terminal import DomainCommand
from repos.models import RepositoryVersion


class Command(DomainCommand):
    help = (
        "Says what two versions of a repository differ in: + what only the second has, - what only the first has, "
        "~ what has other bytes. Ends with 0 if nothing, with 1 if something, with 2 if it cannot be said."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="of the repository")
        parser.add_argument("old", type=amount, metavar="V1", help="the number of a version")
        parser.add_argument("new", type=amount, metavar="V2", help="and of the one to compare it with")
        add_listing(parser)

    def act(self, *, name: str, old: int, new: int, limit: int | None, json: bool, **_: Any) -> None:
        repository = repository_named(name)
        first, second = version_numbered(repository, old), version_numbered(repository, new)
        totals = comparing.totals(first, second)
        files = islice(comparing.differences(first, second), limit)
        if json:
            for text in difference_lines.as_json(difference_lines.facts(first, second, totals), files):
                self.stdout.write(text, ending="")
        else:
            write_files(self.stdout, files)
            if self.stdout.isatty():
                for line in _told(first, second, totals):
                    self.stdout.write(line)
        if totals.files:
            sys.exit(DIFFERENT)


def _told(old: RepositoryVersion, new: RepositoryVersion, totals: Totals) -> Iterator[str]:
    if not totals.files:
        yield f"Versions {old.number} and {new.number} have the same files."
        return
    yield (
        f"From version {old.number} to {new.number}: {totals.added:,} added, {totals.removed:,} removed, "
        f"{totals.changed:,} changed; {units.size(totals.bytes_in)} come, {units.size(totals.bytes_out)} go."
    )
