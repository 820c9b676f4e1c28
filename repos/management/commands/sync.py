"""`manage.py sync NAME`: the whole job from a terminal."""

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from repos import jobs
from repos.jobs import Actions, Details
from repos.management.arguments import amount
from repos.management.run_options import add_run, run_of
from repos.management.terminal import RunCommand
from repos.models import Repository


class Command(RunCommand):
    help = "Syncs a repository, then publishes and distributes it as its settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_run(parser, "sync")
        parser.add_argument(
            "--remove-up-to",
            type=amount,
            metavar="N",
            help="let a mirror remove up to N files though its brake would stop it",
        )

    def details(self, repository: Repository, options: dict[str, Any]) -> Details:
        return Details(may_remove=options["remove_up_to"])

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        return run_of(options, replace(jobs.defaults(repository), sync=True))
