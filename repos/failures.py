"""The files that a job could not get: listed with it, all of them; and what a version goes without."""

from django.db import transaction

from . import causes, paths, units
from .chunks import ROWS
from .errors.upstreams import FetchFailed, FilesFailed
from .manifest import Entry
from .models import FailedFile, Job, LogLine, RepositoryVersion
from .progress import Progress
from .sources import Source
from .words import say
from .worklist import Worklist

# Causes that say nothing of a file: our own disk, or that the job was told to stop.
_OURS = {"disk", "stopped"}
# So many of them are in the job's log, too.
LOGGED = 5
# Kinds (see causes.kind) of what keeps us from the upstream as a whole.
_ON_THE_WAY = {"dns", "connection", "proxy", "tls", "authentication"}


class Failures:
    """Collects what failed in a sync, a few hundred rows at a time, and says whether the sync can go on without it."""

    def __init__(self, job: Job | None, source: Source, work: Worklist, progress: Progress) -> None:
        self.count = 0
        self.first = ""
        self._job = job
        self._source = source
        self._work = work
        self._progress = progress
        self._rows: list[FailedFile] = []
        self._failed: list[tuple[Entry, str]] = []
        self._ours = False
        self._only_on_the_way = True

    def add(self, entry: Entry, error: FetchFailed) -> None:
        """Notes that the bytes of `entry` could not be had. The files that have the same bytes follow by `complete`."""
        self._ours |= error.cause in _OURS
        self._only_on_the_way &= causes.kind(error) in _ON_THE_WAY
        self.first = self.first or f"{paths.shown(entry[0])} ({error.url}): {error.why}. {_advice(error)}"
        if self.count < LOGGED:
            self._progress.log(
                say("{path} failed: {why}.", path=paths.shown(entry[0]), why=error.why), LogLine.Level.WARNING
            )
        self._failed.append((entry, error.cause))
        self._list(entry, error)

    def add_wrong_size(self, entry: Entry, stored: int) -> None:
        """A list that gives another size than bytes with this digest can have."""
        path, _, size = entry
        why = say(
            "the list says {bytes}, but the file with its sha256 has {stored}",
            bytes=units.counted(size, "byte"),
            stored=units.number(stored),
        )
        self.add(entry, FetchFailed(self._source.url_of(path), "size", why, tries=0, size=stored))

    def complete(self) -> None:
        """To be called when all was tried: lists the other files with the same bytes, and writes what is left."""
        self._save()
        for entry, cause, other in self._work.failed_with_others():
            why = say("it has the same bytes as “{other}”, which failed", other=paths.shown(other))
            self._list(entry, FetchFailed(self._source.url_of(entry[0]), cause, why, tries=0))
        self._save()
        if self.count > LOGGED:
            self._progress.log(
                say("{count} files failed in all.", count=units.number(self.count)), LogLine.Level.WARNING
            )

    def _list(self, entry: Entry, error: FetchFailed) -> None:
        path, sha256, size = entry
        self.count += 1
        self._rows.append(
            FailedFile(
                job=self._job,
                path=path,
                url=error.url,
                cause=error.cause,
                message=error.why,
                tries=error.tries,
                expected_sha256=sha256,
                expected_size=size,
                actual_sha256=error.sha256,
                actual_size=error.size,
                advice=_advice(error),
            )
        )
        if len(self._rows) >= ROWS:
            self._save()

    def _save(self) -> None:
        self._work.fail(self._failed)
        if self._job and self._rows:
            with transaction.atomic():
                self._progress.confirm(failed=self.count)
                FailedFile.objects.bulk_create(self._rows)
        self._rows, self._failed = [], []

    def refuse_to_go_on(self, latest: RepositoryVersion, *, skip: bool) -> None:
        """Raises FilesFailed where no version may be made without what failed; `skip`: the repository wants one.

        One is not made of nothing, nor where it is not the files that fail but the way to all of them.
        """
        if not self.count:
            return
        nothing_came = self._work.failed_files() == self._work.arriving_files()
        nothing_left = self.count >= self._work.listed_files()
        cut_off = nothing_came and self._only_on_the_way and self.count > latest.failed
        if not skip or self._ours or nothing_left or cut_off:
            raise FilesFailed(self.count, self.first)


def still_without(version: RepositoryVersion) -> int:
    """How many files of the upstream's list `version` goes without, as far as is known by now.

    None any more where a later sync found that it agrees with the upstream: what failed has gone from there.
    """
    synced_at = version.repository.synced_at
    return 0 if synced_at and synced_at > version.created_at else version.failed


def _advice(error: FetchFailed) -> str:
    return error.advice or causes.advice_on_file(error.cause)
