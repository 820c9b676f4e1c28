"""`manage.py sync NAME`: the whole job from a terminal."""

from argparse import ArgumentTypeError
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from repos import jobs
from repos.jobs import Actions, Details
from repos.management.terminal import RunCommand
from repos.models import Repository


def _amount(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ArgumentTypeError(f"takes a number of files, not {text}")
    return int(text)


class Command(RunCommand):
    help = "Syncs a repository, then publishes and distributes it as its settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--only-sync", action="store_true", help="make a version, do not publish it")
        choice.add_argument("--no-distribute", action="store_true", help="publish, but do not switch what is served")

        parser.add_argument(
            "--remove-up-to",
            type=_amount,
            metavar="N",
            help="let a mirror remove up to N files though its brake would stop it",
        )

    def details(self, options: dict[str, Any]) -> Details:
        return Details(may_remove=options["remove_up_to"])

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        if options["only_sync"]:
            return Actions(True, False, False)
        if options["no_distribute"]:
            return Actions(True, True, False)
        return replace(jobs.defaults(repository), sync=True)
