"""Making versions: whoever adds, changes or removes files does it here. No version is ever edited."""

from collections.abc import Callable, Iterable

from django.db import connection, transaction

from . import paths, rows, units
from .chunks import ADDED, ROWS, chunks
from .errors.refusals import PathInTheWay
from .errors.stops import Lost
from .manifest import Entry
from .models import Content, Repository, RepositoryVersion
from .models.content import ContentQuerySet
from .progress import Progress, Report
from .words import say
from .worklist import Totals, Worklist

# So many rows at once are worth a new look at the tables, where they are not few beside those that were there.
MANY = 10_000


def make_version(
    repository: Repository,
    work: Worklist,
    *,
    action: str,
    progress: Progress,
    failed: int = 0,
    finish: Callable[[RepositoryVersion], object] = lambda version: None,
) -> RepositoryVersion:
    """Makes the next version from the changes in `work`, whose artifacts are all there, as a step of `action`.

    It goes without `failed` files of the upstream's list. `finish` is called with it inside the transaction that
    completes it. Raises PathInTheWay.
    """
    totals = work.totals()
    with Draft(repository, progress) as draft:
        if leaving := totals.removed + totals.changed:
            message = say("Taking out what went or changed")
            with progress.step(action, "unassociating.content", message, total=leaving) as report:
                draft.remove(work.leaving(), report)
        if arriving := totals.added + totals.changed:
            with progress.step(action, "associating.content", say("Recording the new files"), total=arriving) as report:
                draft.replace(work.changed(), report)
                draft.add(work.added(), report)
        with transaction.atomic():
            progress.confirm(version=draft.version)
            version = draft.complete(totals, failed=failed)
            finish(version)
    made = say(
        "Made version {number}: {files}, {size}",
        number=version.number,
        files=units.counted(version.files, "file"),
        size=units.size(version.size),
    )
    progress.log(f"{made} ({totals.words()}).")
    if arriving >= MANY and arriving * 10 >= version.files:
        rows.analyze()
    return version


class Draft:
    """The next version of a repository while it is written, a few hundred rows at a time.

    Nobody sees it before `complete`. A context manager: left in any other way, it leaves no trace.
    """

    def __init__(self, repository: Repository, progress: Progress) -> None:
        self.base = repository.latest_version()
        self._progress = progress
        discard_unfinished(repository, progress)
        with transaction.atomic():
            progress.confirm()
            self.version = repository.versions.create(number=self.base.number + 1)

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        # Once the job is somebody else's, so is what was begun: it may have been begun anew.
        if kind is not Lost:
            discard_unfinished(self.version.repository, self._progress)

    def remove(self, paths: Iterable[str], report: Report) -> None:
        """Ends the present files at these paths. Comes before `add`, where a path is to get other bytes."""
        for chunk in chunks(paths):
            self._progress.check()
            with transaction.atomic():
                self._progress.confirm()
                report.done += rows.end_content(self.version, chunk)

    def replace(self, entries: Iterable[Entry], report: Report) -> None:
        """Gives other bytes, whose artifacts are all there, to paths that `remove` has just freed."""
        for chunk in chunks(entries):
            self._progress.check()
            self._write(chunk, report)

    def add(self, entries: Iterable[Entry], report: Report) -> None:
        """Adds files at paths where none were, whose artifacts are all there. Raises PathInTheWay."""
        # A version that begins empty gets only what was compared with itself before.
        begins_empty = not self.base.files
        for chunk in chunks(entries, ADDED if begins_empty else ROWS):
            self._progress.check()
            if not begins_empty:
                refuse_what_is_in_the_way(self.version, [path for path, _, _ in chunk])
            self._write(chunk, report)

    def _write(self, entries: list[Entry], report: Report) -> None:
        with transaction.atomic():
            self._progress.confirm()
            rows.add_content(self.version, entries)
        report.done += len(entries)

    def complete(self, totals: Totals, *, failed: int = 0) -> RepositoryVersion:
        """Makes the version one that others see. Runs in the caller's transaction, after its `progress.confirm`."""
        version = self.version
        version.files = self.base.files + totals.added - totals.removed
        version.size = self.base.size + totals.growth
        version.added, version.removed, version.changed = totals.added, totals.removed, totals.changed
        version.failed = failed
        version.complete = True
        version.save()
        return version


# Files whose folder a path would be. By hand, since the ORM has no join with values. The first of each, in order: so
# PostgreSQL takes the index by path, and the plus keeps SQLite from that by `added`. Else they read the whole version.
_BELOW = """
WITH asked (path) AS (VALUES {asked})
SELECT path, below FROM (
    SELECT asked.path, (
        SELECT c.path FROM repos_content c WHERE c.repository_id = %s
        AND c.path >= asked.path || '/' AND c.path < asked.path || '0' AND +c.added <= %s AND c.removed > %s
        ORDER BY c.path LIMIT 1
    ) AS below FROM asked
) AS looked WHERE below IS NOT NULL LIMIT 1
"""


def refuse_what_is_in_the_way(version: RepositoryVersion, added: list[str]) -> None:
    """Raises PathInTheWay if one of the `added` paths would be both a file and a folder in `version`."""
    present = Content.objects.of(version)
    folders = {folder: path for path in added for folder in paths.prefixes(path)[:-1]}
    for some in chunks(folders):
        # In no order: for the sake of one PostgreSQL would read the whole version.
        for file in present.filter(path__in=some).values_list("path", flat=True)[:1]:
            raise PathInTheWay(file, folders[file])
    with connection.cursor() as cursor:
        asked = ", ".join(["(%s)"] * len(added))
        values: list[str | int] = [*added, version.repository_id, version.number, version.number]
        cursor.execute(_BELOW.replace("{asked}", asked), values)
        if found := cursor.fetchone():
            raise PathInTheWay(*found)


def discard_unfinished(repository: Repository, progress: Progress) -> None:
    """Takes away what a worker that died left of a version in the making. Complete versions are never touched."""
    for version in repository.versions.filter(complete=False):
        _discard(version, progress)


def _discard(version: RepositoryVersion, progress: Progress) -> None:
    written = Content.objects.filter(repository=version.repository_id)
    # The new rows go first: they may hold the paths that the old ones are to have again.
    _in_pieces(written.filter(added=version.number), ContentQuerySet.delete, progress)
    _in_pieces(written.filter(removed=version.number), _revive, progress)
    with transaction.atomic():
        progress.confirm()
        RepositoryVersion.objects.filter(pk=version.pk, complete=False).delete()


def _revive(ended: ContentQuerySet) -> None:
    ended.update(removed=Content.FOREVER)


def _in_pieces(content: ContentQuerySet, do: Callable[[ContentQuerySet], object], progress: Progress) -> None:
    while some := list(content.values_list("pk", flat=True)[:ROWS]):
        with transaction.atomic():
            progress.confirm()
            do(Content.objects.filter(pk__in=some))
