"""The first verb by hand: files added, replaced, removed, or an old version restored, as the repository's next version.

What it does is in the job's row and its requested changes; publish and distribute follow it as they follow a sync.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from . import paths
from .chunks import chunks
from .compare import Change, Kind, compare
from .errors.refusals import PathTaken, Refused
from .failures import still_without
from .models import Content, Job, Repository, RepositoryVersion, RequestedChange
from .progress import Progress
from .versions import make_version
from .words import say
from .worklist import Worklist


def modify(repository: Repository, folder: Path, *, progress: Progress, job: Job) -> RepositoryVersion | None:
    """Makes the next version as `job` asks; returns it, or None if all is as asked already.

    `folder` is an empty working directory. Raises PathTaken, PathInTheWay, and Refused where the repository is a
    mirror by now, or the version to restore is gone.
    """
    if repository.mirror:
        raise Refused(
            say("“{repository}” is a mirror by now, so its files cannot be changed by hand.", repository=repository)
        )
    latest = repository.latest_version()
    with Worklist(folder) as work:
        for chunk in chunks(_changes(latest, job)):
            progress.check()
            work.add_changes(chunk)
        totals = work.totals()
        if totals.changed and job.of_version is None and not job.may_replace:
            raise PathTaken(totals.changed, list(islice(work.replaced(), 20)))
        if totals:
            restored = None if job.of_version is None else _restored(latest, job.of_version)
            failed = restored.failed if restored else still_without(latest)
            return make_version(repository, work, action="modify", progress=progress, failed=failed)
    progress.skipped("modify", say("All is as asked already: unchanged since version {number}", number=latest.number))
    return None


def _changes(latest: RepositoryVersion, job: Job) -> Iterator[Change]:
    if job.of_version is None:
        return _requested(latest, job)
    restored = _restored(latest, job.of_version)
    return compare(Content.objects.of(latest).in_path_order(), Content.objects.of(restored).in_path_order())


def _restored(latest: RepositoryVersion, number: int) -> RepositoryVersion:
    """The version to restore. Raises Refused where it is gone."""
    restored = latest.repository.versions.complete().filter(number=number).first()
    if restored is None:
        raise Refused(say("Version {number} was deleted before it could be restored.", number=number))
    return restored


def _requested(latest: RepositoryVersion, job: Job) -> Iterator[Change]:
    """What the job's requested changes come to, given what is there."""
    rows = job.changes.select_related("artifact").order_by("path")
    for _ in paths.unnested(rows.exclude(artifact=None).values_list("path", flat=True).iterator()):
        pass
    for chunk in chunks(rows.iterator()):
        present = Content.objects.of(latest).filter(path__in=[one.path for one in chunk])
        there = {one.path: one for one in present.select_related("artifact")}
        yield from _differences(chunk, there)


def _differences(requested: Iterable[RequestedChange], there: dict[str, Content]) -> Iterator[Change]:
    for one in requested:
        old = there.get(one.path)
        old_size = old.artifact.size if old else 0
        if one.artifact is None:
            if old:
                yield Change(Kind.REMOVED, one.path, old_size=old_size)
        elif old is None or old.artifact_id != one.artifact_id:
            kind = Kind.CHANGED if old else Kind.ADDED
            yield Change(kind, one.path, one.artifact.sha256, one.artifact.size, old_size)
