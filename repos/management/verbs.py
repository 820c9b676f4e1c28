"""Commands about one noun, such as `manage.py distribution pin …`: a verb for each thing that is done with it."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import units
from repos.deletion import Consequences
from repos.errors.values import InvalidValue

from .statuses import BAD_ARGUMENTS, FAILED
from .terminal import DomainCommand


class VerbCommand(DomainCommand):
    """A command whose first argument is a verb. Each verb is a method that takes its arguments by name."""

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

        def add(do: Callable[..., None], about: str, *names: str) -> CommandParser:
            """A verb that is called as its method is, with as many arguments as it has `names`."""
            verb = do.__name__.rstrip("_").replace("_", "-")
            made: CommandParser = verbs.add_parser(verb, help=about, description=about)
            made.set_defaults(do=do)
            for name in names:
                made.add_argument(name, metavar=name.upper())
            return made

        self.add_verbs(add)

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        raise NotImplementedError

    def act(self, *, do: Callable[..., None], **options: Any) -> None:
        try:
            do(**options)
        except InvalidValue as error:
            # Its sentence stands at a field elsewhere, and need not name it.
            field = error.field.replace("_", "-")
            raise CommandError(f"{field}: {error}", returncode=BAD_ARGUMENTS) from None

    def agree_to_delete(self, what: str, consequences: Consequences, *, yes: bool) -> None:
        """Says what deleting comes to, and asks, unless that was answered by `yes`. Raises CommandError."""
        if consequences.refusal:
            raise CommandError(consequences.refusal, returncode=BAD_ARGUMENTS)
        self.stdout.write(f"To delete: {what}")
        for words, lines in ("goes with it", consequences.takes), ("stops working", consequences.breaks):
            for line in lines:
                self.stdout.write(f"  {words}: {line}")
        if consequences.frees:
            self.stdout.write(f"  {units.size(consequences.frees)} of files are then needed by nothing else.")
        if yes:
            return
        if not self.can_ask():
            raise CommandError("Nobody can be asked here. Say --yes if that is right.", returncode=BAD_ARGUMENTS)
        if not self.agreed("Delete it?"):
            raise CommandError("Nothing was deleted.", returncode=FAILED)
