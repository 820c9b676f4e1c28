"""Changing a repository's files by hand: what is asked for, refused early, and made a job (see modify.py).

Whatever is refused here makes no job; the job looks again, for by then the newest version may be another.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from . import jobs, obstacles, paths, stock, units
from .actions import NO_DETAILS, Actions, Change, Details
from .chunks import chunks
from .errors.refusals import NothingToDo, PathTaken, Refused
from .errors.values import InvalidValue
from .jobs import Requested
from .models import Artifact, Content, Repository
from .versions import refuse_what_is_in_the_way
from .words import say

if TYPE_CHECKING:
    from django.contrib.auth.models import User

T = TypeVar("T")

_SHA256 = re.compile(r"[0-9a-f]{64}")
# As sha256sum writes it: two spaces, or one and the star of binary mode.
_LINE = re.compile(r"([0-9A-Fa-f]{64}) [ *](.+)", re.DOTALL)


# What a change may do: make a version; publish that; serve it too.
ONLY_MODIFY = Actions(sync=False, publish=False, distribute=False, modify=True)
AND_PUBLISH = replace(ONLY_MODIFY, publish=True)
AND_DISTRIBUTE = replace(AND_PUBLISH, distribute=True)


def defaults(repository: Repository) -> Actions:
    """What follows a change where nothing else is chosen: the repository's toggles."""
    return replace(ONLY_MODIFY, publish=repository.auto_publish, distribute=repository.auto_distribute)


def refusal(repository: Repository) -> str:
    """Why nobody can change the files of `repository` by hand; empty if they can."""
    return obstacles.refusal(repository, ONLY_MODIFY)


def once(pairs: Iterable[tuple[str, T]], *, field: str) -> dict[str, T]:
    """The pairs as a mapping. Raises InvalidValue where a path is there twice."""
    found: dict[str, T] = {}
    for path, value in pairs:
        if path in found:
            raise InvalidValue(field, say("“{path}” is named twice. Name each path once.", path=path))
        found[path] = value
    return found


def listed(number: int, line: str) -> tuple[str, str]:
    """The path and the sha256 of a line that sha256sum wrote. Raises InvalidValue, naming the line by its number."""
    if found := _LINE.fullmatch(line):
        return found[2], found[1].lower()
    raise InvalidValue(
        "files", say("Line {number} is not a sha256 of 64 hexadecimal digits, two spaces and a path.", number=number)
    )


def check(repository: Repository, files: Iterable[str], *, actions: Actions | None = None) -> None:
    """Whether files could come to these paths, whatever their bytes.

    Raises Refused (a mirror, nothing to distribute to), InvalidPath, InvalidValue and PathInTheWay.
    """
    _refuse_the_run(repository, actions or defaults(repository))
    wanted = sorted(paths.checked(path) for path in files)
    covered = repository.publish_settings.metadata_names()
    if name := next((name for name in map(_top, wanted) if name in covered), None):
        raise InvalidValue(
            "files",
            say(
                "“{name}” is the name of a list that publishing writes itself, so an uploaded one would never be "
                "served. Give it another name, or change the publish settings.",
                name=name,
            ),
        )
    latest = repository.latest_version()
    for chunk in chunks(paths.unnested(wanted)):
        refuse_what_is_in_the_way(latest, chunk)


def _top(path: str) -> str:
    """The file, or folder, at the top that `path` is or lies in."""
    return path.partition("/")[0]


def add(
    repository: Repository,
    files: Mapping[str, Artifact],
    *,
    replace: bool = False,
    actions: Actions | None = None,
    by: "User | None" = None,
) -> Requested:
    """Asks for these files, by path, in the next version.

    Raises what `check` does, PathTaken where other bytes are and `replace` is off, and NothingToDo.
    """
    check(repository, files, actions=actions)
    there = dict(_there(repository, files))
    if files and all(there.get(path) == artifact.pk for path, artifact in files.items()):
        raise NothingToDo(
            say(
                "All of this is in version {number} already, with these bytes.",
                number=repository.latest_version().number,
            )
        )
    taken = sorted(path for path, artifact in files.items() if there.get(path, artifact.pk) != artifact.pk)
    if taken and not replace:
        raise PathTaken(len(taken), taken[:20])
    return _request(repository, files.items(), Details(may_replace=replace), actions, by)


def add_by_digest(
    repository: Repository,
    digests: Mapping[str, str],
    *,
    replace: bool = False,
    actions: Actions | None = None,
    by: "User | None" = None,
) -> Requested:
    """Asks for files whose bytes are stored already: the sha256 of each by its path.

    Raises what `add` does, and InvalidValue for a digest that is none, that nothing stored has, or whose bytes here
    are damaged.
    """
    stored = _stored({sha256.lower() for sha256 in digests.values()})
    files = {path: stored[sha256.lower()] for path, sha256 in digests.items()}
    return add(repository, files, replace=replace, actions=actions, by=by)


def remove(
    repository: Repository,
    files: Collection[str],
    *,
    actions: Actions | None = None,
    by: "User | None" = None,
) -> Requested:
    """Asks for the next version without the files at these paths.

    Raises Refused, NothingToDo, and InvalidValue for a path that is named twice, or that is not there.
    """
    _refuse_the_run(repository, actions or defaults(repository))
    changes: dict[str, Artifact | None] = once(((path, None) for path in files), field="files")
    there = dict(_there(repository, changes))
    if missing := [path for path in changes if path not in there]:
        others = say(" (nor are {missing} more)", missing=units.number(len(missing) - 1)) if missing[1:] else ""
        number = repository.latest_version().number
        raise InvalidValue(
            "files",
            say(
                "“{missing}” is not in version {number}{others}, so it cannot be removed.",
                missing=missing[0],
                number=number,
                others=others,
            ),
        )
    return _request(repository, changes.items(), Details(), actions, by)


def restore(
    repository: Repository, number: int, *, actions: Actions | None = None, by: "User | None" = None
) -> Requested:
    """Asks for the files of version `number` as the next version. Raises Refused and NothingToDo."""
    actions, details = actions or defaults(repository), Details(of_version=number)
    _refuse_the_run(repository, actions, details)
    if number == repository.latest_version().number:
        raise NothingToDo(say("Version {number} is the newest already.", number=number))
    return jobs.request(repository, actions=actions, details=details, by=by)


def _refuse_the_run(repository: Repository, actions: Actions, details: Details = NO_DETAILS) -> None:
    if reason := obstacles.refusal(repository, actions, details):
        raise Refused(reason)


def _request(
    repository: Repository,
    changes: Collection[Change],
    details: Details,
    actions: Actions | None,
    by: "User | None",
) -> Requested:
    if not changes:
        raise NothingToDo(say("Nothing was chosen, so there is nothing to do."))
    return jobs.request(repository, actions=actions or defaults(repository), details=details, changes=changes, by=by)


def _there(repository: Repository, files: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Those of the paths that are in the newest version, each with the key of its artifact."""
    present = Content.objects.of(repository.latest_version())
    for chunk in chunks(files):
        yield from present.filter(path__in=chunk).values_list("path", "artifact")


def _stored(digests: Collection[str]) -> dict[str, Artifact]:
    """The artifacts with these digests, whose bytes are all there. Until a job names them, clean-ups spare them."""
    found: dict[str, Artifact] = {}
    for chunk in chunks(digests):
        found |= stock.wanted(chunk)
    for sha256 in digests:
        if not _SHA256.fullmatch(sha256):
            raise InvalidValue(
                "digests", say("“{sha256}” is not a sha256 of 64 hexadecimal digits.", sha256=sha256[:80])
            )
        if sha256 not in found:
            raise InvalidValue(
                "digests", say("No stored file has the sha256 {sha256}. Upload the file itself.", sha256=sha256)
            )
        if not stock.is_usable(found[sha256]):
            raise InvalidValue(
                "digests",
                say("The stored file with the sha256 {sha256} is damaged. Upload the file itself.", sha256=sha256),
            )
    return found
