"""What is found at a path below /content/: a file, a folder, or nothing and why. As it is served at this moment.

Of a distribution that is protected nothing is found, not even what there is not, unless whoever asks is allowed to.

Paths here start with a base path and are not quoted; a folder's ends with a slash, the root's is empty.
"""

from collections.abc import Callable, Collection, Generator, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby, takewhile
from typing import NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from . import conf, folders, lookup, paths
from .browse import LAST_SIGN
from .lookup import File as File
from .models import Content, Distribution, Publication, RepositoryVersion
from .terms import term
from .words import say

# How many rows a folder's listing reads at once: from few, as a folder below may be what comes, to many.
FEWEST, MOST = 50, 2000
# How many entries it looks up at once where it has folders, each of which may hold much.
LEAPS = 200
# No path has a control character: nothing lies between a file's path and that path with this sign behind it.
_NEXT = "\x01"


class Entry(NamedTuple):
    """A line of a folder's listing. Without a `file` it is a folder."""

    name: str
    file: File | None = None

    @property
    def path(self) -> str:
        """Relative to the folder that lists it."""
        return self.name if self.file else f"{self.name}/"


@dataclass(frozen=True, slots=True)
class Folder:
    """`entries` can be read once, in the order of their paths' UTF-8 bytes; they are looked up while they are read."""

    path: str
    entries: Iterator[Entry]


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing; `why` is a sentence for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Protected:
    """Something or nothing, of a distribution that whoever asks may not look into."""


# Tells which of these distributions, all of them protected, whoever asks may look into; given and taken by number.
Allowed = Callable[[Collection[int]], Collection[int]]


def nobody(distributions: Collection[int]) -> Collection[int]:
    return ()


def find(path: str, allowed: Allowed = nobody) -> File | Folder | Missing | Protected:
    """What is served at `path`: one query for a file, whatever the size of its version.

    A file that is not in the current publication any more comes from one that was superseded within the grace time,
    so that no running download breaks; no listing shows it. A folder is found with and without its slash. `allowed` is
    asked before more is looked up of what is protected, so that the time that an answer takes tells nothing either.
    """
    if path and not lookup.could_be(path.removesuffix("/")):
        return _at_its_start(path, allowed) or Missing(say("No file can have this path."))
    if path and not path.endswith("/"):
        for row in lookup.current(path):
            if row.protected and row.distribution not in allowed([row.distribution]):
                return Protected()
            if row.file:
                return row.file
        if found := superseded(path):
            return found[0]
    return _folder(path, allowed)


def superseded(path: str) -> list[File]:
    """The files, with different bytes, that were served at `path` until a switch within the grace time; newest first.

    What is served there now may be among them; what was superseded while it was protected, and is open now, is not. Who
    may look there is for `find` to say.
    """
    files: dict[str, File] = {}
    for row in lookup.superseded(path, since=timezone.now() - conf.grace()):
        if row.file:
            files.setdefault(row.file.sha256, row.file)
    return list(files.values())


def _at_its_start(path: str, allowed: Allowed) -> Protected | None:
    """Whether a path that nothing can have begins with the base path of what is protected."""
    start = "/".join(takewhile(paths.is_part, path.split("/")))
    near = Distribution.objects.filter(base_path__in=lookup.base_paths(start), protected=True)
    found = list(near.values_list("pk", flat=True))
    return Protected() if set(found) - set(allowed(found)) else None


# ---- folders -----------------------------------------------------------------------------------------------


def _folder(path: str, allowed: Allowed) -> Folder | Missing | Protected:
    kind, path = ("folder" if path.endswith("/") else "file"), path.removesuffix("/")
    near = Distribution.objects.filter(base_path__in=lookup.base_paths(path))
    distribution = near.select_related("publication__version__repository").first()
    if distribution is None:
        return _above(f"{path}/" if path else "", allowed)
    if distribution.protected and distribution.pk not in allowed([distribution.pk]):
        return Protected()
    publication, inside = distribution.publication, f"{path}/".removeprefix(f"{distribution.base_path}/")
    if publication is None:
        return Missing(say("Nothing is published at “{base_path}” yet.", base_path=distribution.base_path))
    if inside and not _exists(publication, inside):
        return Missing(say("There is no such {kind} in {version}.", kind=term(kind), version=publication.version))
    return Folder(f"{path}/", _entries(publication, inside))


def _above(folder: str, allowed: Allowed) -> Folder | Missing:
    """The folders that base paths go through, as far as something is published below them, and may be known of."""
    found = Distribution.objects.filter(base_path__startswith=folder)
    # SQLite compares a start without case.
    rows = [
        row for row in found.values_list("pk", "base_path", "publication", "protected") if row[1].startswith(folder)
    ]
    protected = [pk for pk, _, _, is_protected in rows if is_protected]
    hidden = set(protected) - set(allowed(protected)) if protected else set()
    below = [(base_path, publication) for pk, base_path, publication, _ in rows if pk not in hidden]
    names = {base_path[len(folder) :].partition("/")[0] for base_path, publication in below if publication}
    if names or not folder:
        return Folder(folder, (Entry(name) for name in sorted(names)))
    return Missing(say("Nothing is published here yet.") if below else say("No distribution has this base path."))


def _exists(publication: Publication, folder: str) -> bool:
    files, metadata = Content.objects.of(publication.version), publication.metadata
    return files.filter(_within(folder)).exists() or metadata.filter(_within(folder)).exists()


def _entries(publication: Publication, folder: str) -> Iterator[Entry]:
    """What lies in `folder` (relative to the base path), each once: metadata covers a file of the version."""
    metadata = list(_metadata(publication, folder))
    if not metadata:
        yield from _content(publication.version, folder)
        return
    for _, same in groupby(merge(metadata, _content(publication.version, folder), key=_path), key=_path):
        yield next(same)


def _metadata(publication: Publication, folder: str) -> Iterator[Entry]:
    rows = publication.metadata.filter(_within(folder)).order_by("path")
    for path, sha256, size in rows.values_list("path", "artifact__sha256", "artifact__size"):
        yield _entry(path[len(folder) :], File(sha256, size, publication.created_at, is_metadata=True))


def _content(version: RepositoryVersion, folder: str) -> Iterator[Entry]:
    """Reads the index from a cursor on, which jumps over what lies deeper: a folder costs a step, not all its files."""
    cursor, limit, moments, start = folder, FEWEST, _Moments(version), len(folder)
    while rows := _rows(version, folder, cursor, limit):
        count = 0
        moments.learn({added for *_, added in rows})
        for path, sha256, size, added in rows:
            if path < cursor:
                continue
            entry = _entry(path[start:], File(sha256, size, moments[added]))
            if entry.file is None:
                cursor = _cursor(folder, entry)
            count += 1
            yield entry
        if len(rows) < limit:
            return
        cursor = max(cursor, rows[-1][0] + _NEXT)
        # A row that is skipped costs far less than another query; but there may be little else than rows to skip.
        limit = min(max(8 * count, FEWEST), MOST)
        if limit == FEWEST:
            cursor = yield from _leaping(version, folder, cursor, moments)
            if not cursor:
                return


def _leaping(version: RepositoryVersion, folder: str, cursor: str, moments: "_Moments") -> Generator[Entry, None, str]:
    """The next entries for as long as there are folders among them. Returns the cursor behind, empty at the end."""
    while len(entries := _leaps(version, folder, cursor, moments)) == LEAPS:
        yield from entries
        cursor = _cursor(folder, entries[-1])
        if all(entry.file for entry in entries):
            return cursor
    yield from entries
    return ""


def _cursor(folder: str, entry: Entry) -> str:
    """Where to go on behind an entry."""
    return f"{folder}{entry.name}{_NEXT}" if entry.file else _behind(folder + entry.path)


def _leaps(version: RepositoryVersion, folder: str, cursor: str, moments: "_Moments") -> list[Entry]:
    """The next entries, LEAPS at most: by two statements, however much lies in the folders among them."""
    firsts = folders.firsts(version, folder, start=cursor, most=LEAPS)
    here = [path for path in firsts if "/" not in path[len(folder) :]]
    found = Content.objects.of(version).filter(path__in=here)
    rows = list(found.values_list("path", "artifact__sha256", "artifact__size", "added"))
    moments.learn({added for *_, added in rows})
    files = {path: File(sha256, size, moments[added]) for path, sha256, size, added in rows}
    return [_entry(path[len(folder) :], files.get(path)) for path in firsts]


# First which rows, then what they are: of both at once PostgreSQL would have other processes read more than it needs.
# The pluses keep SQLite from the indexes by version, with which it would read and sort all files of the version.
_ROWS = """
SELECT f.path, a.sha256, a.size, f.added FROM (
    SELECT c.path, c.artifact_id, c.added FROM repos_content c WHERE c.repository_id = %(repository)s
    AND c.path >= %(start)s AND c.path < %(end)s AND +c.added <= %(number)s AND +c.removed > %(number)s
    ORDER BY c.path LIMIT %(most)s
) AS f JOIN repos_artifact a ON a.id = f.artifact_id ORDER BY f.path
"""


def _rows(version: RepositoryVersion, folder: str, start: str, most: int) -> list[tuple[str, str, int, int]]:
    """The next files in and below `folder` from `start` on: path, sha256, size in bytes, which version added them."""
    end = _behind(folder) if folder else LAST_SIGN
    values: dict[str, str | int] = {"repository": version.repository_id, "number": version.number, "most": most}
    values |= {"start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(_ROWS if connection.vendor == "sqlite" else _ROWS.replace("+c.", "c."), values)
        return list(cursor.fetchall())


class _Moments(dict[int, datetime]):
    """When the versions were made that added the files of `version`, by their numbers."""

    def __init__(self, version: RepositoryVersion) -> None:
        super().__init__({version.number: version.created_at})
        self._version = version

    def learn(self, numbers: AbstractSet[int]) -> None:
        if new := numbers - self.keys():
            made = RepositoryVersion.objects.filter(repository=self._version.repository_id, number__in=new)
            # The version that brought a file may have been deleted.
            self |= dict.fromkeys(new, self._version.created_at) | dict(made.values_list("number", "created_at"))


def _within(folder: str) -> Q:
    """From the folder's start to its end."""
    return Q(path__gte=folder, path__lt=_behind(folder)) if folder else Q()


def _entry(path: str, file: File | None) -> Entry:
    name, slash, _ = path.partition("/")
    return Entry(name, None if slash else file)


def _path(entry: Entry) -> str:
    return entry.path


def _behind(folder: str) -> str:
    """The first path, by its bytes, behind all that lies in `folder`: the sign after the slash is the zero."""
    return f"{folder[:-1]}0"
