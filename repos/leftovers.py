"""What work that was cut short has left: rows that belong to no version, and folders of nobody."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from . import arrivals, bell, conf, partials, reservations, trash, unneeded, would
from .chunks import chunks
from .deletion import finish_deleting
from .models import Job, Repository, RepositoryVersion, RequestedChange, Reservation
from .models.job import ENDED, State
from .progress import Progress
from .versions import discard_unfinished

# ---- rows --------------------------------------------------------------------------------------------------


def half_deleted() -> QuerySet[Repository]:
    """Repositories whose deletion was begun: they have no version any more, and are what nobody could make."""
    return Repository.objects.filter(versions=None, mirror=True, remote=None)


def abandoned() -> QuerySet[RepositoryVersion]:
    """Versions in the making that no running job makes."""
    at_work = Job.objects.filter(repository=OuterRef("repository"), state=State.RUNNING, with_verify=False)
    return RepositoryVersion.objects.filter(complete=False).exclude(Exists(at_work))


def old_changes(spared: datetime) -> QuerySet[RequestedChange]:
    """What jobs that ended before `spared` were to change by hand: nobody runs them again after so long."""
    return RequestedChange.objects.filter(job__state__in=ENDED, job__finished_at__lt=spared)


def take_rows(job: Job, spared: datetime, progress: Progress) -> None:
    """Deletes all of these, for `job`, and the files that no version has."""
    for repository in half_deleted():
        finish_deleting(repository, progress=progress)
    for version in abandoned().select_related("repository"):
        with _reserved(job, version.repository) as mine:
            if mine:
                discard_unfinished(version.repository, progress)
    for repository in Repository.objects.all():
        progress.check()
        unneeded.delete_content(_of_no_version(repository), progress)
    numbers = old_changes(spared).order_by("pk").values_list("pk", flat=True)
    for some in chunks(list(numbers)):
        progress.check()
        with transaction.atomic():
            progress.confirm()
            old_changes(spared).filter(pk__in=some).delete()


def _of_no_version(repository: Repository) -> Q:
    """The files that a deletion which was cut short left between two versions. No version can come that has them."""
    newest = repository.versions.complete().aggregate(number=Max("number"))["number"] or 0
    holding = RepositoryVersion.objects.filter(
        repository=OuterRef("repository"), number__gte=OuterRef("added"), number__lt=OuterRef("removed")
    )
    return Q(~Exists(holding), repository=repository, added__lte=newest, removed__lte=newest)


@contextmanager
def _reserved(job: Job, repository: Repository) -> Iterator[bool]:
    """Keeps jobs of `repository` from running meanwhile; or tells that one is running already."""
    mine = Reservation.objects.filter(job=job, resource=f"repository:{repository.pk}")
    try:
        with transaction.atomic():
            Reservation.objects.create(job=job, resource=f"repository:{repository.pk}", held=True)
    except IntegrityError:
        yield False
        return
    try:
        yield True
    finally:
        mine.delete()
        for pk in reservations.overlooked():
            bell.ring(pk)


# ---- folders -----------------------------------------------------------------------------------------------


def folders(spared: datetime) -> list[Path]:
    """What lies in the folders of work, arrivals, spooled bodies and partial files, not written to since `spared`.

    And what dry runs left of which nobody knows any more.
    """
    running = {job.workspace for job in Job.objects.filter(state=State.RUNNING)}
    found = [entry for name in ("work", "arrivals", "spool", "partial") for entry in _entries(conf.data() / name)]
    found += would.orphans()
    return [path for path in found if path.name not in running and _youngest(path) < spared.timestamp()]


def size_of(path: Path) -> int:
    """The size in bytes of all files in and below `path`, or of the file that it is."""
    return sum(found.st_size for file in _below(path) if (found := trash.seen(file)))


def take_folders(spared: datetime, progress: Progress) -> int:
    """Removes them, but none that somebody is at work in; returns the bytes that were removed."""
    removed = trash.finish(spared)
    for path in folders(spared):
        progress.check()
        size = size_of(path)
        if path.parent.name == "arrivals":
            arrivals.sweep()
        elif path.parent.name == "partial":
            partials.take(path)
        else:
            _remove(path)
        removed += 0 if path.exists() else size
    return removed


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _below(path: Path) -> Iterator[Path]:
    yield path
    for folder, names, files in os.walk(path):
        yield from (Path(folder, name) for name in (*names, *files))


def _youngest(path: Path) -> float:
    """When something in and below `path` was last written to, in seconds since 1970."""
    times = []
    for file in _below(path):
        with suppress(FileNotFoundError):
            times.append(os.lstat(file).st_mtime)
    return max(times, default=0.0)


def _remove(path: Path) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
