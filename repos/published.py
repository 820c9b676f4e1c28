"""What is found at a path below /content/: a file, a folder, or nothing and why. As it is served at this moment.

Paths here start with a base path and are not quoted; a folder's ends with a slash, the root's is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby

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


def find(path: str) -> File | Folder | Missing:
    """What is served at `path`: one query for a file, whatever the size of its version.

    A file that is not in the current publication any more comes from one that was superseded within the grace time,
    so that no running download breaks; no listing shows it. A folder is found with and without its slash.
    """
    if path and not _could_be(path.removesuffix("/")):
        return Missing("No file can have this path.")
    if path and not path.endswith("/"):
        found = _lookup(_CURRENT, path) or superseded(path)
        if found:
            return found[0]
    return _folder(path)


def superseded(path: str) -> list[File]:
    """The files, with different bytes, that were served at `path` until a switch within the grace time; newest first.

    What is served there now may be among them.
    """
    since = connection.ops.adapt_datetimefield_value(timezone.now() - conf.grace())
    files: dict[str, File] = {}
    for file in _lookup(_SUPERSEDED, path, since):
        files.setdefault(file.sha256, file)
    return list(files.values())


def _could_be(path: str) -> bool:
    """Whether `path` is short enough and legal in each of its parts. Nothing else may reach the database."""
    short = len(path) <= paths.MAX_BASE_PATH + 1 + paths.MAX_BYTES
    return short and all(paths.is_part(part) for part in path.split("/"))


def _base_paths(path: str) -> list[str]:
    """The base paths at which a distribution may have `path`. As they never nest, at most one of them has it."""
    if len(path) > paths.MAX_BASE_PATH:
        path = path[: paths.MAX_BASE_PATH + 1].rpartition("/")[0]
    return paths.prefixes(path)


# ---- files -------------------------------------------------------------------------------------------------

# By hand, as it is run for every file that is sent: the ORM takes 40 times as long over the same queries. One
# statement also sees one state of the database: nothing can be switched or cleaned away between two of its steps.
# The plus keeps SQLite from the index by `added`, with which it would read the whole version.
_FILE = """
WITH asked (base_path, path) AS (VALUES {asked})
SELECT a.sha256, a.size, m.id, p.created_at, v.created_at, origin.created_at FROM asked
JOIN repos_distribution d ON d.base_path = asked.base_path
JOIN {publication}
JOIN repos_repositoryversion v ON v.id = p.version_id
LEFT JOIN repos_publishedmetadata m ON m.publication_id = p.id AND m.path = asked.path
LEFT JOIN repos_content c ON m.id IS NULL AND c.repository_id = v.repository_id AND c.path = asked.path
AND +c.added <= v.number AND c.removed > v.number
JOIN repos_artifact a ON a.id = COALESCE(m.artifact_id, c.artifact_id)
LEFT JOIN repos_repositoryversion origin ON origin.repository_id = c.repository_id AND origin.number = c.added
"""
_CURRENT = _FILE.replace("{publication}", "repos_publication p ON p.id = d.publication_id")
_SUPERSEDED = _FILE.replace(
    "{publication}",
    "repos_switch s ON s.distribution_id = d.id AND s.at >= %s JOIN repos_publication p ON p.id = s.earlier_id",
)
_SUPERSEDED += "ORDER BY s.id DESC"


def _lookup(statement: str, path: str, *values: str | datetime | None) -> list[File]:
    base_paths = _base_paths(path)
    asked = [part for base_path in base_paths for part in (base_path, path[len(base_path) + 1 :])]
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{asked}", ", ".join(["(%s, %s)"] * len(base_paths))), [*asked, *values])
        return [_file(*row) for row in cursor.fetchall()]


def _file(
    sha256: str, size: int, metadata: int | None, published: datetime, made: datetime, added: datetime | None
) -> File:
    modified = published if metadata else added or made
    if modified.tzinfo is None:
        modified = modified.replace(tzinfo=UTC)
    return File(sha256, size, modified, is_metadata=metadata is not None)


# ---- folders -----------------------------------------------------------------------------------------------


def _folder(path: str) -> Folder | Missing:
    kind, path = ("folder" if path.endswith("/") else "file"), path.removesuffix("/")
    near = Distribution.objects.filter(base_path__in=_base_paths(path))
    distribution = near.select_related("publication__version__repository").first()
    if distribution is None:
        return _above(f"{path}/" if path else "")
    publication, inside = distribution.publication, f"{path}/".removeprefix(f"{distribution.base_path}/")
    if publication is None:
        return Missing(f"Nothing is published at “{distribution.base_path}” yet.")
    if inside and not _exists(publication, inside):
        return Missing(f"There is no such {kind} in {publication.version}.")
    return Folder(f"{path}/", _entries(publication, inside))


def _above(folder: str) -> Folder | Missing:
    """The folders that base paths go through, as far as something is published below them."""
    found = Distribution.objects.filter(base_path__startswith=folder).values_list("base_path", "publication")
    # SQLite compares a start without case.
    below = [(base_path, publication) for base_path, publication in found if base_path.startswith(folder)]
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
