"""`manage.py remove NAME PATH…`: the next version without these files."""

from typing import Any

from django.core.management.base import CommandParser

from repos import by_hand
from repos.actions import Actions
from repos.jobs import Requested
from repos.management.changing import ChangeCommand
from repos.models import Repository


class Command(ChangeCommand):
    help = "Removes files from a repository by a new version, then publishes and distributes it as its settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH", help="of a file in the newest version")

    def change(self, repository: Repository, actions: Actions, options: dict[str, Any]) -> Requested:
        return by_hand.remove(repository, options["paths"], actions=actions)
