"""`manage.py publish NAME`: publishes the newest version, or another, with the repository's settings, or others."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from repos import publish_settings
from repos.actions import Actions, Details
from repos.jobs import Requested
from repos.management.arguments import amount
from repos.management.publish_options import add_publish_settings, publish_settings_of
from repos.management.terminal import RunCommand
from repos.models import PublishSettings, Repository


class Command(RunCommand):
    help = "Publishes a version of a repository; does not switch what is served."
    actions = Actions(sync=False, publish=True, distribute=False)

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        # Django has a --version of its own.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **options)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--version", type=amount, metavar="N", help="its number; else the newest")
        add_publish_settings(parser)

    @transaction.atomic
    def ask(self, repository: Repository, options: dict[str, Any]) -> Requested:
        # Settings that are made for a run which is refused go with it.
        return super().ask(repository, options)

    def details(self, repository: Repository, options: dict[str, Any]) -> Details:
        return Details(of_version=options["version"], publish_settings=_settings(repository, options))


def _settings(repository: Repository, options: dict[str, Any]) -> PublishSettings | None:
    """The repository's own with other values; None where these are its own."""
    own = repository.publish_settings
    settings = publish_settings.having(publish_settings.values_of(own) | publish_settings_of(options))
    return None if settings == own else settings
