"""`manage.py publish_settings VERB`: what publications are made with."""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import publish_settings
from repos.management.arguments import amount
from repos.management.named import publish_settings_numbered, repository_named
from repos.management.publish_options import add_publish_settings, publish_settings_of
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.tables import write_table
from repos.management.verbs import VerbCommand


class Command(VerbCommand):
    help = "Shows publish settings, and has repositories use others. They are shared, and never changed themselves."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add(self.list_, "all of them, and who uses them")
        change = add(self.set, "have a repository use settings with other values", "name")
        add_publish_settings(change)
        change.add_argument("--for-all", action="store_true", help="and all repositories that share its own with it")
        add(self.delete, "delete what nobody uses").add_argument("number", type=amount, metavar="ID")

    def list_(self, **_: Any) -> None:
        found: Iterable[Any] = publish_settings.listed().prefetch_related("repositories")
        rows = (
            (
                one.pk,
                one.manifest,
                one.checksums,
                one.repositories_count,
                one.publications_count,
                ", ".join(str(repository) for repository in one.repositories.all()),
            )
            for one in found
        )
        write_table(self.stdout, ("id", "manifest", "checksums", "repositories", "publications", "used by"), rows)

    def set(self, *, name: str, for_all: bool, **options: Any) -> None:
        repository, values = repository_named(name), publish_settings_of(options)
        if not values:
            raise CommandError("Say what is to be other: --manifest, --checksums, or both.", returncode=BAD_ARGUMENTS)
        who = None if for_all else [repository]
        settings = publish_settings.change(repository.publish_settings, repositories=who, **values)
        users = f"“{repository}” and all that shared its own are" if for_all else f"“{repository}” is"
        self.stdout.write(f"{users} published with {settings} (ID {settings.pk}) from the next job on.")

    def delete(self, *, number: int, **_: Any) -> None:
        settings = publish_settings_numbered(number)
        publish_settings.delete(settings)
        self.stdout.write(f"The publish settings “{settings}” were deleted.")
