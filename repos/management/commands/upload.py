"""`manage.py upload NAME FILE…`: local files as a repository's next version."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from repos import by_hand, units
from repos.actions import Actions
from repos.arrivals import Arrivals, Arrived
from repos.jobs import Requested
from repos.management.changing import ChangeCommand
from repos.management.statuses import BAD_ARGUMENTS
from repos.models import Repository


class Command(ChangeCommand):
    help = "Adds local files to a repository, then publishes and distributes them as its settings say."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "files",
            nargs="+",
            metavar="FILE",
            help="a file, or a folder with all that is in it; as DIR/ without the folder's own name",
        )
        parser.add_argument("--into", default="", metavar="FOLDER", help="where in the repository they are to be")
        parser.add_argument("--replace", action="store_true", help="replace files that are there already")

    def change(self, repository: Repository, actions: Actions, options: dict[str, Any]) -> Requested:
        files = _found(options["files"], options["into"].strip("/"))
        by_hand.check(repository, files, actions=actions)
        self.stdout.write(f"Storing {units.counted(len(files), 'file')}.")
        with Arrivals() as arrivals:
            arrived = [_copied(arrivals, file) for file in files.values()]
            kept = dict(zip(files, arrivals.keep(arrived), strict=True))
        return by_hand.add(repository, kept, replace=options["replace"], actions=actions)


def _copied(arrivals: Arrivals, file: Path) -> Arrived:
    try:
        with file.open("rb") as source:
            return arrivals.copy(source)
    except OSError as error:
        raise _unreadable(error) from None


def _found(arguments: Iterable[str], into: str) -> Mapping[str, Path]:
    """The files that are meant, by the paths that they are to have."""
    pairs = (pair for argument in arguments for pair in _files(argument))
    files = by_hand.once(((f"{into}/{path}" if into else path, file) for path, file in pairs), field="files")
    if not files:
        raise CommandError("There is no file in what was named.", returncode=BAD_ARGUMENTS)
    return files


def _files(argument: str) -> Iterator[tuple[str, Path]]:
    """As rsync has it: a folder keeps its name, but where it is named as `dir/` or `.`"""
    given = Path(argument)
    if not given.is_dir():
        _refuse_what_is_no_file(given)
        yield given.name, given
        return
    base = given if argument.rpartition("/")[2] in ("", ".", "..") else given.parent
    for folder, folders, names in os.walk(given, onerror=_fail):
        folders.sort()
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted(names + links):
            file = Path(folder, name)
            _refuse_what_is_no_file(file)
            _refuse_what_leads_out(file, given)
            yield file.relative_to(base).as_posix(), file


def _refuse_what_is_no_file(file: Path) -> None:
    if not file.is_file():
        why = "is a link to a folder or to nothing, or no file" if os.path.lexists(file) else "does not exist"
        raise CommandError(f"Cannot upload {str(file)!r}: it {why}.", returncode=BAD_ARGUMENTS)


def _refuse_what_leads_out(file: Path, folder: Path) -> None:
    if file.is_symlink() and not file.resolve().is_relative_to(folder.resolve()):
        raise CommandError(f"Cannot upload {str(file)!r}: it is a link that leads out.", returncode=BAD_ARGUMENTS)


def _fail(error: OSError) -> None:
    raise _unreadable(error)


def _unreadable(error: OSError) -> CommandError:
    return CommandError(f"Cannot read {error.filename!r}: {error.strerror}.", returncode=BAD_ARGUMENTS)
