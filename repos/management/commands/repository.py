"""`manage.py repository VERB`: repositories, and their versions."""

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import deletion, publish_settings
from repos.change import change_repository
from repos.create import make_repository
from repos.management.arguments import add_last, add_yes, amount, amount_or_none
from repos.management.named import remote_named, repository_named, version_numbered
from repos.management.publish_options import add_publish_settings, publish_settings_of
from repos.management.statuses import BAD_ARGUMENTS
from repos.management.tables import Cell, Size, write_table, yes_or_no
from repos.management.verbs import VerbCommand
from repos.models import Repository, RepositoryVersion

MODES = ("additive", "mirror")
# Of an option that was not given, where none is a value.
_UNCHANGED = object()


class Command(VerbCommand):
    help = "Makes, shows, changes and deletes repositories, and deletes versions."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        add(self.list_, "all of them")
        add(self.show, "one with all its settings", "name")
        create = add(self.create, "make one; without --url and --remote its files are uploaded", "name")
        upstream = create.add_mutually_exclusive_group()
        upstream.add_argument("--url", metavar="URL", help="of the upstream; a remote is made for it")
        upstream.add_argument("--remote", metavar="NAME", help="one that is there")
        create.add_argument("--base-path", metavar="BASE_PATH", help="where it is served; else nowhere yet")
        _add_settings(create)
        add_publish_settings(create)
        edit = add(self.edit, "change one; what is not named stays as it is", "name")
        edit.add_argument("--name", dest="new_name", metavar="NAME", help="another name")
        upstream = edit.add_mutually_exclusive_group()
        upstream.add_argument("--remote", metavar="NAME", help="another that is there")
        upstream.add_argument("--no-remote", action="store_true", help="none: its files are uploaded")
        _add_settings(edit)
        delete = add(self.delete, "delete one that is served nowhere", "name")
        delete.add_argument("--with-remote", action="store_true", help="and its remote, which nothing else uses")
        add_last(add(self.versions, "its versions", "name"))
        delete_version = add(self.delete_version, "delete a version that is neither served nor the newest", "name")
        delete_version.add_argument("number", type=amount, metavar="N")
        for deletes in (delete, delete_version):
            add_yes(deletes)

    def list_(self, **_: Any) -> None:
        found: Iterable[Any] = Repository.objects.for_overview()
        rows = (
            (
                one.name,
                one.mode,
                one.remote and one.remote.url,
                one.newest_number,
                one.newest_files,
                Size(one.newest_size or 0),
                one.newest_failed,
            )
            for one in found
        )
        write_table(self.stdout, ("name", "mode", "upstream", "version", "files", "size", "failed files"), rows)

    def show(self, *, name: str, **_: Any) -> None:
        repository = repository_named(name)
        write_table(self.stdout, (), _facts(repository, repository.latest_version()))

    def create(self, *, name: str, url: str | None, remote: str | None, base_path: str | None, **options: Any) -> None:
        made = make_repository(
            name=name,
            url=url,
            remote=remote_named(remote) if remote is not None else None,
            base_path=base_path,
            publish_with=publish_settings_of(options),
            **_settings_of(options),
        )
        self.stdout.write(f"Made repository “{made}” ({made.mode}).")

    def edit(self, *, name: str, new_name: str | None, remote: str | None, no_remote: bool, **options: Any) -> None:
        repository, values = repository_named(name), _settings_of(options)
        if new_name is not None:
            values["name"] = new_name
        if remote is not None or no_remote:
            values["remote"] = None if remote is None else remote_named(remote)
        if not values:
            raise CommandError("Say what is to be other (see --help).", returncode=BAD_ARGUMENTS)
        changed = change_repository(repository, **values)
        self.stdout.write(f"Changed repository “{changed}”. A job that runs goes on with what it began with.")

    def delete(self, *, name: str, with_remote: bool, yes: bool, **_: Any) -> None:
        repository = repository_named(name)
        self.agree_to_delete(f"the repository “{repository}”", deletion.of_repository(repository), yes=yes)
        deletion.delete_repository(repository, with_remote=with_remote)
        self.stdout.write(f"The repository “{repository}” was deleted.")

    def versions(self, *, name: str, last: int, **_: Any) -> None:
        found = repository_named(name).versions.complete().order_by("-number")
        rows = (
            (one.number, one.files, Size(one.size), one.added, one.changed, one.removed, one.created_at, one.failed)
            for one in found[:last]
        )
        columns = ("version", "files", "size", "added", "changed", "removed", "made", "failed files")
        write_table(self.stdout, columns, rows)

    def delete_version(self, *, name: str, number: int, yes: bool, **_: Any) -> None:
        version = version_numbered(repository_named(name), number)
        self.agree_to_delete(str(version), deletion.of_version(version), yes=yes)
        deletion.delete_version(version)
        self.stdout.write(f"{version} was deleted.")


def _add_settings(parser: ArgumentParser) -> None:
    parser.add_argument("--mode", choices=MODES, help="keep what vanishes upstream, or be exactly the upstream")
    parser.add_argument(
        "--brake", type=int, metavar="PERCENT", help="of its files that a mirror's sync may remove without asking"
    )
    parser.add_argument(
        "--skip-failed",
        action=BooleanOptionalAction,
        help="make a version of the other files where some cannot be fetched, or make none",
    )
    for option, about in (
        ("--stale-days", "without a sync that got everything, after which it needs attention"),
        ("--keep-versions", "how many of the newest stay"),
        ("--keep-days", "how long versions stay"),
    ):
        parser.add_argument(
            option, type=amount_or_none, default=_UNCHANGED, metavar="N|none", help=f"{about}; none: no limit"
        )
    parser.add_argument("--auto-publish", action=BooleanOptionalAction, help="publish each new version, or do not")
    parser.add_argument("--auto-distribute", action=BooleanOptionalAction, help="and switch what is served to it")


def _settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """The values that were given, by the repository's fields."""
    values = {} if options["mode"] is None else {"mirror": options["mode"] == "mirror"}
    named = {"skip_failed": "skip_failed_files"} | {one: one for one in ("brake", "auto_publish", "auto_distribute")}
    values |= {field: options[option] for option, field in named.items() if options[option] is not None}
    limits = ("stale_days", "keep_versions", "keep_days")
    return values | {field: options[field] for field in limits if options[field] is not _UNCHANGED}


def _facts(repository: Repository, version: RepositoryVersion) -> Iterator[tuple[str, Cell]]:
    yield "name", repository.name
    yield "mode", repository.mode
    yield "brake", repository.brake
    yield "remote", repository.remote.name if repository.remote else None
    yield "url", repository.remote.url if repository.remote else None
    yield "auto-publish", yes_or_no(repository.auto_publish)
    yield "auto-distribute", yes_or_no(repository.auto_distribute)
    yield "skip-failed", yes_or_no(repository.skip_failed_files)
    yield "stale-days", repository.stale_days
    yield "keep-versions", repository.keep_versions
    yield "keep-days", repository.keep_days
    yield "synced", repository.synced_at
    yield from publish_settings.values_of(repository.publish_settings).items()
    yield "version", version.number
    yield "files", version.files
    yield "size", Size(version.size)
    yield "failed-files", version.failed
    for distribution in repository.distributions.all():
        yield "pinned-at" if distribution.pinned else "followed-at", distribution.base_path
