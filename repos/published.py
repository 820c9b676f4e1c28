"""What is found at a path below /content/: a file, a folder, or nothing and why. As it is served at this moment.

Of a distribution that is protected nothing is found, not even what there is not, unless whoever asks is allowed to.

Paths here start with a base path and are not quoted; a folder's ends with a slash, the root's is empty.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, takewhile
from typing import NamedTuple

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import conf, paths
from .models import Content, Distribution, Publication, RepositoryVersion

# How many rows a folder's listing reads at once: from few, as a folder below may be what comes, to many.
FEWEST, MOST = 50, 2000


@dataclass(frozen=True, slots=True)
class File:
    """Bytes of the pool; `modified` is when the version that brought them was made, or the publication for metadata.

    Where that version was deleted, it is when the version that is served was made.
    """

    sha256: str
    size: int
    modified: datetime
    # Written by us, as text in UTF-8, when the version was published.
    is_metadata: bool = False
    # Known to be wrong, whatever lies in the pool: it is not to be sent.
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
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
    if path and not _could_be(path.removesuffix("/")):
        return _at_its_start(path, allowed) or Missing("No file can have this path.")
    if path and not path.endswith("/"):
        for row in _lookup(_CURRENT, path):
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
    since = connection.ops.adapt_datetimefield_value(timezone.now() - conf.grace())
    files: dict[str, File] = {}
    for row in _lookup(_SUPERSEDED, path, since):
        if row.file:
            files.setdefault(row.file.sha256, row.file)
    return list(files.values())


def _could_be(path: str) -> bool:
    """Whether `path` is short enough and legal in each of its parts. Nothing else may reach the database."""
    short = len(path) <= paths.MAX_BASE_PATH + 1 + paths.MAX_BYTES
    return short and all(paths.is_part(part) for part in path.split("/"))


def _at_its_start(path: str, allowed: Allowed) -> Protected | None:
    """Whether a path that nothing can have begins with the base path of what is protected."""
    start = "/".join(takewhile(paths.is_part, path.split("/")))
    near = Distribution.objects.filter(base_path__in=_base_paths(start), protected=True)
    found = list(near.values_list("pk", flat=True))
    return Protected() if set(found) - set(allowed(found)) else None


def _base_paths(path: str) -> list[str]:
    """The base paths at which a distribution may have `path`. As they never nest, at most one of them has it."""
    if len(path) > paths.MAX_BASE_PATH:
        path = path[: paths.MAX_BASE_PATH + 1].rpartition("/")[0]
    return paths.prefixes(path)


# ---- files -------------------------------------------------------------------------------------------------

# By hand, as it is run for every file that is sent: the ORM takes 40 times as long over the same queries. One
# statement also sees one state of the database: nothing can be switched or cleaned away between two of its steps.
# The plus keeps SQLite from the index by `added`, with which it would read the whole version. A distribution that does
# not have the file gives a row as well, which says whether it is protected.
_FILE = """
WITH asked (base_path, path) AS (VALUES {asked})
SELECT d.id, d.protected, a.sha256, a.size, m.id, g.id, p.created_at, v.created_at, origin.created_at FROM asked
JOIN repos_distribution d ON d.base_path = asked.base_path
{publication}
LEFT JOIN repos_repositoryversion v ON v.id = p.version_id
LEFT JOIN repos_publishedmetadata m ON m.publication_id = p.id AND m.path = asked.path
LEFT JOIN repos_content c ON m.id IS NULL AND c.repository_id = v.repository_id AND c.path = asked.path
AND +c.added <= v.number AND c.removed > v.number
LEFT JOIN repos_artifact a ON a.id = COALESCE(m.artifact_id, c.artifact_id)
LEFT JOIN repos_damage g ON g.artifact_id = a.id
LEFT JOIN repos_repositoryversion origin ON origin.repository_id = c.repository_id AND origin.number = c.added
"""
_CURRENT = _FILE.replace("{publication}", "LEFT JOIN repos_publication p ON p.id = d.publication_id")
_SUPERSEDED = _FILE.replace(
    "{publication}",
    "JOIN repos_switch s ON s.distribution_id = d.id AND s.at >= %s AND (d.opened_at IS NULL OR s.at > d.opened_at) "
    "JOIN repos_publication p ON p.id = s.earlier_id",
)
_SUPERSEDED += "ORDER BY s.id DESC"


class _Row(NamedTuple):
    """A distribution that has the base path, and the file that it has there."""

    distribution: int
    protected: bool
    file: File | None


def _lookup(statement: str, path: str, *values: str | datetime | None) -> list[_Row]:
    base_paths = _base_paths(path)
    asked = [part for base_path in base_paths for part in (base_path, path[len(base_path) + 1 :])]
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{asked}", ", ".join(["(%s, %s)"] * len(base_paths))), [*asked, *values])
        return [_Row(row[0], row[1], _file(*row[2:]) if row[2] else None) for row in cursor.fetchall()]


def _file(
    sha256: str,
    size: int,
    metadata: int | None,
    damage: int | None,
    published: datetime,
    made: datetime,
    added: datetime | None,
) -> File:
    modified = published if metadata else added or made
    if modified.tzinfo is None:
        modified = modified.replace(tzinfo=UTC)
    return File(sha256, size, modified, is_metadata=metadata is not None, is_damaged=damage is not None)


# ---- folders -----------------------------------------------------------------------------------------------


def _folder(path: str, allowed: Allowed) -> Folder | Missing | Protected:
    kind, path = ("folder" if path.endswith("/") else "file"), path.removesuffix("/")
    near = Distribution.objects.filter(base_path__in=_base_paths(path))
    distribution = near.select_related("publication__version__repository").first()
    if distribution is None:
        return _above(f"{path}/" if path else "", allowed)
    if distribution.protected and distribution.pk not in allowed([distribution.pk]):
        return Protected()
    publication, inside = distribution.publication, f"{path}/".removeprefix(f"{distribution.base_path}/")
    if publication is None:
        return Missing(f"Nothing is published at “{distribution.base_path}” yet.")
    if inside and not _exists(publication, inside):
        return Missing(f"There is no such {kind} in {publication.version}.")
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
    return Missing("Nothing is published here yet." if below else "No distribution has this base path.")


def _exists(publication: Publication, folder: str) -> bool:
    files, metadata = Content.objects.of(publication.version), publication.metadata
    return files.filter(_within(folder)).exists() or metadata.filter(_within(folder)).exists()


def _entries(publication: Publication, folder: str) -> Iterator[Entry]:
    """What lies in `folder` (relative to the base path), each once: metadata covers a file of the version."""
    found = merge(_metadata(publication, folder), _content(publication.version, folder), key=_path)
    for _, same in groupby(found, key=_path):
        yield next(same)


def _metadata(publication: Publication, folder: str) -> Iterator[Entry]:
    rows = publication.metadata.filter(_within(folder)).order_by("path")
    for path, sha256, size in rows.values_list("path", "artifact__sha256", "artifact__size"):
        yield _entry(path[len(folder) :], File(sha256, size, publication.created_at, is_metadata=True))


def _content(version: RepositoryVersion, folder: str) -> Iterator[Entry]:
    """Reads the index from a cursor on, which jumps over what lies deeper: a folder costs a step, not all its files."""
    cursor, limit = folder, FEWEST
    while rows := list(_rows(version, folder, cursor)[:limit]):
        count = 0
        for path, sha256, size, modified in rows:
            if path < cursor:
                continue
            entry = _entry(path[len(folder) :], File(sha256, size, modified))
            # No path has a control character: nothing lies between a path and the cursor behind it.
            cursor = f"{path}\x01" if entry.file else _behind(folder + entry.path)
            count += 1
            yield entry
        if len(rows) < limit:
            return
        # A row that is skipped costs far less than another query.
        limit = min(max(8 * count, FEWEST), MOST)


def _rows(version: RepositoryVersion, folder: str, cursor: str) -> QuerySet[Content, tuple[str, str, int, datetime]]:
    """All files in and below `folder` from `cursor` on: path, sha256, size in bytes, and since when they are there."""
    origin = RepositoryVersion.objects.filter(repository=OuterRef("repository"), number=OuterRef("added"))
    rows = Content.objects.of(version).filter(_within(folder, cursor)).order_by("path")
    # The version that brought a file may have been deleted.
    modified = Coalesce(Subquery(origin.values("created_at")), version.created_at)
    return rows.values_list("path", "artifact__sha256", "artifact__size", modified)


def _within(folder: str, cursor: str = "") -> Q:
    """From `cursor`, or the folder's start, to its end. Of two lower bounds SQLite might start at the wrong one."""
    start = Q(path__gte=cursor or folder)
    return start & Q(path__lt=_behind(folder)) if folder else start


def _entry(path: str, file: File) -> Entry:
    name, slash, _ = path.partition("/")
    return Entry(name, None if slash else file)


def _path(entry: Entry) -> str:
    return entry.path


def _behind(folder: str) -> str:
    """The first path, by its bytes, behind all that lies in `folder`: the sign after the slash is the zero."""
    return f"{folder[:-1]}0"
