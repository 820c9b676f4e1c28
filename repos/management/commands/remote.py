"""`manage.py remote VERB`: upstreams, and how they are reached. No secret is told, or given as an argument."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import remotes
from repos.management.arguments import add_yes
from repos.management.named import remote_named
from repos.management.remote_options import FIELDS, add_remote_fields, fields_of, is_long
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.tables import write_table, yes_or_no
from repos.management.verbs import VerbCommand
from repos.models import Remote


class Command(VerbCommand):
    help = "Makes, shows, changes and deletes remotes. To ask one for its list: manage.py check_remote NAME"

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add(self.list_, "all of them")
        add(self.show, "how it is reached; secrets are told as set or not", "name")
        add_remote_fields(add(self.create, "make one", "name", "url"))
        edit = add(self.edit, "change one; what is not named stays as it is", "name")
        edit.add_argument("--name", dest="new_name", metavar="NAME", help="another name")
        edit.add_argument("--url", metavar="URL", help="another address")
        add_remote_fields(edit)
        add_yes(add(self.delete, "delete one that no repository uses", "name"))

    def list_(self, **_: Any) -> None:
        found: Iterable[Any] = Remote.objects.for_list()
        rows = ((one.name, one.url, one.used_by) for one in found)
        write_table(self.stdout, ("name", "url", "repositories"), rows)

    def show(self, *, name: str, **_: Any) -> None:
        write_table(self.stdout, (), _facts(remote_named(name)))

    def create(self, *, name: str, url: str, **options: Any) -> None:
        remote = remotes.make(name=name, url=url, **fields_of(options))
        self.stdout.write(f"Made remote “{remote}”.")

    def edit(self, *, name: str, new_name: str | None, url: str | None, **options: Any) -> None:
        given = {field: value for field, value in (("name", new_name), ("url", url)) if value is not None}
        values = given | fields_of(options)
        if not values:
            raise CommandError("Say what is to be other (see --help).", returncode=BAD_ARGUMENTS)
        remote = remotes.change(remote_named(name), **values)
        self.stdout.write(f"Changed remote “{remote}”. A job that runs goes on with what it began with.")

    def delete(self, *, name: str, yes: bool, **_: Any) -> None:
        remote = remote_named(name)
        self.agree_to_delete(f"the remote “{remote}”", remotes.consequences(remote), yes=yes)
        remotes.delete(remote)
        self.stdout.write(f"The remote “{remote}” was deleted.")


def _facts(remote: Remote) -> Iterator[tuple[str, str | int]]:
    for field in ("name", "url", *FIELDS):
        value = getattr(remote, field)
        if is_long(field):
            value = "set" if value else "not set"
        yield field.replace("_", "-"), yes_or_no(value) if isinstance(value, bool) else value
    yield "used-by", ", ".join(remote.repositories.values_list("name", flat=True))
