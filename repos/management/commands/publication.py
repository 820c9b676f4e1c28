"""`manage.py publication VERB`: versions made ready to be served. They come of `manage.py publish`."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser

from repos import deletion
from repos.management.arguments import add_last, add_yes, amount
from repos.management.named import publication_numbered, repository_named
from repos.management.tables import write_table
from repos.management.verbs import VerbCommand
from repos.models import Publication


class Command(VerbCommand):
    help = "Shows and deletes publications."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add_last(add(self.list_, "those of a repository, and where they are served", "name"))
        delete = add(self.delete, "delete one that is not served")
        delete.add_argument("number", type=amount, metavar="ID")
        add_yes(delete)

    def list_(self, *, name: str, last: int, **_: Any) -> None:
        rows = (
            (
                one.pk,
                one.version.number,
                str(one.settings),
                one.created_at,
                ", ".join(str(distribution) for distribution in one.distributions.all()),
                one.version.failed,
            )
            for one in Publication.objects.of(repository_named(name))[:last]
        )
        write_table(self.stdout, ("id", "version", "with", "made", "served at", "failed files"), rows)

    def delete(self, *, number: int, yes: bool, **_: Any) -> None:
        publication = publication_numbered(number)
        self.agree_to_delete(f"the publication of {publication}", deletion.of_publication(publication), yes=yes)
        deletion.delete_publication(publication)
        self.stdout.write(f"The publication of {publication} was deleted.")
