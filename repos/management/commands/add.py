"""`manage.py add NAME SHA256:PATH…`: files whose bytes are stored already, in a repository's next version."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandParser

from repos import by_hand
from repos.actions import Actions
from repos.jobs import Requested
from repos.management.changing import ChangeCommand
from repos.models import Repository


class Command(ChangeCommand):
    help = "Adds files whose bytes are stored already, then publishes and distributes them as the settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "files",
            nargs="+",
            metavar="SHA256:PATH",
            help="the digest of a file, and where it is to be; or - to read lines of sha256sum from standard input",
        )
        parser.add_argument("--replace", action="store_true", help="replace files that are there already")

    def change(self, repository: Repository, actions: Actions, options: dict[str, Any]) -> Requested:
        given = options["files"]
        entries = _read(sys.stdin) if given == ["-"] else map(_entry, given)
        files = by_hand.once(entries, field="files")
        return by_hand.add_by_digest(repository, files, replace=options["replace"], actions=actions)


def _entry(argument: str) -> tuple[str, str]:
    sha256, _, path = argument.partition(":")
    return path, sha256


def _read(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield by_hand.listed(number, line.rstrip("\r\n"))
