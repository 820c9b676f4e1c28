"""`manage.py restore NAME NUMBER`: an old version's files as the next version."""

from typing import Any

from django.core.management.base import CommandParser

from repos import by_hand
from repos.actions import Actions
from repos.jobs import Requested
from repos.management.changing import ChangeCommand
from repos.models import Repository


class Command(ChangeCommand):
    help = (
        "Makes a new version of an old one's files, then publishes and distributes it as the repository's settings say."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", type=int, metavar="NUMBER", help="of the version to restore")

    def change(self, repository: Repository, actions: Actions, options: dict[str, Any]) -> Requested:
        return by_hand.restore(repository, options["number"], actions=actions)
