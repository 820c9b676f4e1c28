"""Making versions: whoever adds, changes or removes files does it here. No version is ever edited."""

from collections.abc import Callable, Iterable

from django.db import connection, transaction

from . import paths
from .chunks import ROWS, chunks
from .errors import Lost, PathInTheWay
from .manifest import Entry
from .models import Artifact, Content, Repository, RepositoryVersion
from .models.content import ContentQuerySet
from .progress import Progress, Report
from .worklist import Totals, Worklist


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
            message = "Taking out what went or changed"
            with progress.step(action, "unassociating.content", message, total=leaving) as report:
                draft.remove(work.leaving(), report)
        if arriving := totals.added + totals.changed:
            with progress.step(action, "associating.content", "Recording the new files", total=arriving) as report:
                draft.add(work.arriving(), report)
        with transaction.atomic():
            progress.confirm(version=draft.version)
            version = draft.complete(totals, failed=failed)
            finish(version)
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
        present = Content.objects.filter(repository=self.version.repository_id, removed=Content.FOREVER)
        for chunk in chunks(paths):
            self._progress.check()
            with transaction.atomic():
                self._progress.confirm()
                report.done += present.filter(path__in=chunk).update(removed=self.version.number)

    def add(self, entries: Iterable[Entry], report: Report) -> None:
        """Adds these files, whose artifacts are all there. Raises PathInTheWay."""
        for chunk in chunks(entries):
            self._progress.check()
            rows = self._rows(chunk)
            # A version that begins empty gets only what was compared with itself before.
            if self.base.files:
                refuse_what_is_in_the_way(self.version, [row.path for row in rows])
            with transaction.atomic():
                self._progress.confirm()
                Content.objects.bulk_create(rows)
            report.done += len(rows)

    def _rows(self, entries: list[Entry]) -> list[Content]:
        artifacts = dict(
            Artifact.objects.filter(sha256__in={entry[1] for entry in entries}).values_list("sha256", "pk")
        )
        number = self.version.number
        return [
            Content(
                repository_id=self.version.repository_id,
                path=path,
                artifact_id=artifacts[sha256],
                added=number,
            )
            for path, sha256, _ in entries
        ]

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


# Files whose folder a path would be. By hand, since the ORM has no join with values. The plus keeps SQLite from the
# index by `added`, with which it would read the whole version.
_BELOW = """
WITH asked (path) AS (VALUES {asked})
SELECT asked.path, c.path FROM asked JOIN repos_content c ON c.repository_id = %s
AND c.path >= asked.path || '/' AND c.path < asked.path || '0' AND +c.added <= %s AND c.removed > %s LIMIT 1
"""


def refuse_what_is_in_the_way(version: RepositoryVersion, added: list[str]) -> None:
    """Raises PathInTheWay if one of the `added` paths would be both a file and a folder in `version`."""
    present = Content.objects.of(version)
    folders = {folder: path for path in added for folder in paths.prefixes(path)[:-1]}
    for some in chunks(folders):
        if file := present.filter(path__in=some).values_list("path", flat=True).first():
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
    rows = Content.objects.filter(repository=version.repository_id)
    # The new rows go first: they may hold the paths that the old ones are to have again.
    _in_pieces(rows.filter(added=version.number), ContentQuerySet.delete, progress)
    _in_pieces(rows.filter(removed=version.number), _revive, progress)
    with transaction.atomic():
        progress.confirm()
        RepositoryVersion.objects.filter(pk=version.pk, complete=False).delete()


def _revive(rows: ContentQuerySet) -> None:
    rows.update(removed=Content.FOREVER)


def _in_pieces(rows: ContentQuerySet, do: Callable[[ContentQuerySet], object], progress: Progress) -> None:
    while some := list(rows.values_list("pk", flat=True)[:ROWS]):
        with transaction.atomic():
            progress.confirm()
            do(Content.objects.filter(pk__in=some))
