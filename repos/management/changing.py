"""What the commands share that change files by hand: which actions follow, and asking for the job."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import by_hand
from repos.errors import MillraceError, NothingToDo, NotStored
from repos.jobs import Actions, Requested
from repos.models import Repository

from .terminal import BAD_ARGUMENTS, FAILED, RunCommand, migrate_if_new


class ChangeCommand(RunCommand):
    """A command that asks for a change of files and follows its job. Nothing to do is no failure."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--only-modify", action="store_true", help="make a version, do not publish it")
        choice.add_argument("--no-distribute", action="store_true", help="publish, but do not switch what is served")

    def handle(self, *args: Any, **options: Any) -> None:
        migrate_if_new()
        repository = self.repository(options)
        try:
            requested = self.change(repository, self.chosen(repository, options), options)
        except NothingToDo as nothing:
            self.stdout.write(str(nothing))
        except MillraceError as error:
            status = FAILED if isinstance(error, NotStored) else BAD_ARGUMENTS
            raise CommandError(str(error), returncode=status) from None
        else:
            self.follow(lambda: requested)

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        if options["only_modify"]:
            return Actions(False, False, False, modify=True)
        if options["no_distribute"]:
            return Actions(False, True, False, modify=True)
        return by_hand.defaults(repository)

    def change(self, repository: Repository, actions: Actions, options: dict[str, Any]) -> Requested:
        """Asks for it. Raises MillraceError."""
        raise NotImplementedError
