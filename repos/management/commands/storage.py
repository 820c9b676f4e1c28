"""`manage.py storage [NAME]`: where the bytes are."""

from typing import Any

from django.core.management.base import CommandParser

from repos import retention, stored
from repos.management.named import repository_named
from repos.management.tables import Size, write_table
from repos.management.terminal import DomainCommand
from repos.models import Repository
from repos.stored import Amount


class Command(DomainCommand):
    help = "Shows where the bytes are: by repository, or by the versions of one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="of a repository: show its versions")

    def act(self, *, name: str | None, **_: Any) -> None:
        if name:
            self._versions(repository_named(name))
        else:
            self._repositories()

    def _repositories(self) -> None:
        found = stored.stored()
        rows = [
            *(
                (one.repository.name, one.own.files, Size(one.own.size), Size(one.shared.size))
                for one in found.repositories
            ),
            ("(shared by several, counted once)", found.shared.files, Size(found.shared.size), None),
            ("(needed by nothing)", found.unneeded.files, Size(found.unneeded.size), None),
            ("(all that is stored)", found.total.files, Size(found.total.size), None),
            ("(saved by storing once)", None, Size(found.saved), None),
        ]
        write_table(self.stdout, ("repository", "files", "own", "shared with others"), rows)

    def _versions(self, repository: Repository) -> None:
        only = stored.only_in(repository)
        rows = (
            (
                fate.version.number,
                fate.version.files,
                Size(fate.version.size),
                Size(only.get(fate.version.number, Amount()).size),
                "goes" if fate.goes else "stays",
                fate.why,
            )
            for fate in retention.plan(repository)
        )
        write_table(self.stdout, ("version", "files", "size", "only here", "retention", "why"), rows)
