"""What the commands share that change files by hand: which actions follow, and asking for the job."""

from typing import Any

from django.core.management.base import CommandParser

from repos import by_hand
from repos.actions import Actions
from repos.errors.refusals import NothingToDo
from repos.jobs import Requested
from repos.models import Repository

from .run_options import add_run, run_of
from .terminal import RunCommand


class ChangeCommand(RunCommand):
    """A command that asks for a change of files and follows its job. Nothing to do is no failure."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_run(parser, "change")

    def act(self, *args: Any, **options: Any) -> None:
        try:
            super().act(**options)
        except NothingToDo as nothing:
            self.stdout.write(str(nothing))

    def ask(self, repository: Repository, options: dict[str, Any]) -> Requested:
        return self.change(repository, run_of(options, by_hand.defaults(repository)), options)

    def change(self, repository: Repository, actions: Actions, options: dict[str, Any]) -> Requested:
        """Asks for it. Raises MillraceError."""
        raise NotImplementedError
