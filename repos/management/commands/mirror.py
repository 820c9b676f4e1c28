"""`manage.py mirror URL NAME BASE_PATH`: from an address to served files in one command."""

from typing import Any

from django.core.management.base import CommandParser

from repos.create import make_repository
from repos.management.publish_options import add_publish_settings, publish_settings_of
from repos.management.terminal import RunCommand
from repos.models import Repository


class Command(RunCommand):
    help = "Makes a remote, a repository and a distribution, then runs the whole job."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="of the upstream's PULP_MANIFEST, or of the folder that has one (ending in /)")
        parser.add_argument("name", help="of the repository to be made")
        parser.add_argument("base_path", help="where its files are to be served: /content/BASE_PATH/")
        parser.add_argument(
            "--mode",
            choices=["additive", "mirror"],
            default="additive",
            help="additive keeps files that vanish upstream (the default); mirror is exactly the upstream",
        )
        parser.add_argument(
            "--protected", action="store_true", help="let only those download who have a token or are signed in"
        )
        add_publish_settings(parser)

    def repository(self, options: dict[str, Any]) -> Repository:
        wanted = {name: options[name] for name in ("url", "name", "base_path", "protected")}
        repository = make_repository(
            **wanted, mirror=options["mode"] == "mirror", publish_with=publish_settings_of(options)
        )
        self.stdout.write(f"Made repository “{repository}” ({repository.mode}).")
        return repository
