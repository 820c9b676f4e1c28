"""`manage.py sync NAME`: the whole job from a terminal."""

from typing import Any

from django.core.management.base import CommandParser

from repos import jobs
from repos.jobs import Actions
from repos.management.terminal import RunCommand
from repos.models import Repository


class Command(RunCommand):
    help = "Syncs a repository, then publishes and distributes it as its settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--only-sync", action="store_true", help="make a version, do not publish it")
        choice.add_argument("--no-distribute", action="store_true", help="publish, but do not switch what is served")

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        if options["only_sync"]:
            return Actions(True, False, False)
        if options["no_distribute"]:
            return Actions(True, True, False)
        return jobs.defaults(repository)
