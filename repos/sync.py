"""The first verb: makes the repository's next version from what is new upstream.

The list is fetched, read and compared with the newest version; then what is missing in the pool is fetched, and only
when all of it is there does a version come into being. A list that has not changed costs no work per file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.db import transaction

from . import causes, conf, paths, pool, transport, units
from .chunks import ROWS, chunks
from .compare import compare
from .downloads import Downloads
from .errors import BadList, BrakePulled, FetchFailed, FilesFailed, PathInTheWay, Refused
from .fetch import Fetched, Fetcher
from .manifest import Entry
from .models import Artifact, Content, FailedFile, Job, Repository, RepositoryVersion, SyncState
from .progress import Progress, Report
from .sources import Source, source_of
from .versions import make_version
from .worklist import Totals, Worklist


def sync(
    repository: Repository, folder: Path, *, progress: Progress, job: Job | None = None
) -> RepositoryVersion | None:
    """Brings `repository` up to its remote; returns the version that it made, or None if there was nothing new.

    `folder` is an empty working directory. Files that fail are listed with `job`. Raises FetchFailed and BadList for
    the list, FilesFailed for files; then there is no version, and what was fetched stays in the pool.
    """
    return _Sync(repository, folder, progress, job).run()


@dataclass
class _Sync:
    repository: Repository
    folder: Path
    progress: Progress
    job: Job | None

    def run(self) -> RepositoryVersion | None:
        remote = self.repository.remote
        if remote is None:
            raise Refused(f"“{self.repository}” has no remote any more to sync from. Give it one, then run it again.")
        source = source_of(remote)
        latest = self.repository.latest_version()
        known = self._known_state(source, latest)
        threads = remote.concurrency
        with (
            Fetcher(transport.of(remote)) as fetcher,
            Downloads(fetcher, self.folder, threads, self.progress.check) as downloads,
        ):
            answer = self._fetch_list(downloads, source, known)
            if known and (answer.unchanged or answer.sha256 == known.sha256):
                self._skip(latest, known)
                return None
            with Worklist(self.folder) as work:
                self._read_list(source, work)
                totals = self._compare(latest, work)
                if totals:
                    self._ask_the_brake(latest, source, work, totals)
                    self._download(downloads, source, work)
                    return self._make_version(work, source, answer)
        with transaction.atomic():
            self.progress.confirm()
            self._remember(latest, source, answer)
        self._skip(latest, None)
        return None

    def _known_state(self, source: Source, latest: RepositoryVersion) -> SyncState | None:
        """What is known of the list, if the newest version still is what it was read into, in the same way."""
        return SyncState.objects.filter(
            repository=self.repository, version=latest, url=source.list_url, mirror=self.repository.mirror
        ).first()

    def _skip(self, latest: RepositoryVersion, known: SyncState | None) -> None:
        what = "The upstream's list is the same" if known else "No file is different"
        self.progress.skipped("sync", f"{what}: unchanged since version {latest.number}")

    @property
    def _list_file(self) -> Path:
        return self.folder / "list"

    def _fetch_list(self, downloads: Downloads, source: Source, known: SyncState | None) -> Fetched:
        conditions = {}
        if known and known.etag:
            conditions["If-None-Match"] = known.etag
        if known and known.last_modified:
            conditions["If-Modified-Since"] = known.last_modified
        with self.progress.step("sync", "sync.downloading.metadata", "Fetching the list of files") as report:
            answer = downloads.one(source.list_url, self._list_file, limit=conf.max_list_bytes(), conditions=conditions)
            report.done, report.bytes_done = 1, answer.size
            if answer.unchanged:
                report.suffix = "not changed"
        return answer

    def _read_list(self, source: Source, work: Worklist) -> None:
        with self.progress.step("sync", "sync.parsing.metadata", "Reading the list of files") as report:
            with self._list_file.open("rb") as stream:
                for chunk in chunks(source.entries(stream)):
                    self.progress.check()
                    work.add_entries(chunk)
                    report.done += len(chunk)
            self._refuse_contradictions(source, work)

    def _refuse_contradictions(self, source: Source, work: Worklist) -> None:
        if path := work.contradiction():
            raise BadList(source.list_url, f"names “{paths.shown(path)}” twice, with different bytes")
        try:
            for number, _ in enumerate(paths.unnested(work.paths())):
                if number % ROWS == 0:
                    self.progress.check()
        except PathInTheWay as error:
            why = f"names “{error.file}” as a file, and as a folder with “{error.inside}” in it"
            raise BadList(source.list_url, why) from None

    def _compare(self, latest: RepositoryVersion, work: Worklist) -> Totals:
        present = Content.objects.of(latest).in_path_order()
        changes = compare(present, work.entries())
        if not self.repository.mirror:
            changes = (change for change in changes if change.kind != "removed")
        for chunk in chunks(changes):
            self.progress.check()
            work.add_changes(chunk)
        return work.totals()

    def _ask_the_brake(self, latest: RepositoryVersion, source: Source, work: Worklist, totals: Totals) -> None:
        """Raises BrakePulled if more would be removed than the repository's limit, or than somebody has confirmed."""
        confirmed = (self.job.may_remove if self.job else None) or 0
        empty = totals.removed > 0 and next(work.paths(), None) is None
        if totals.removed > confirmed and (empty or totals.removed * 100 > latest.files * self.repository.brake):
            first = list(islice(work.removed(), 3))
            limit = self.repository.brake
            raise BrakePulled(totals.removed, latest.files, limit, url=source.list_url, first=first, empty=empty)

    def _download(self, downloads: Downloads, source: Source, work: Worklist) -> None:
        failures = _Failures(self.job, source)
        for chunk in chunks(work.arriving_bytes()):
            self.progress.check()
            work.want(_missing(chunk, failures))
        files, size = work.wanted_totals()
        message = "Fetching what is new" if files else "All files are in the pool already"
        with self.progress.step("sync", "sync.downloading.artifacts", message, total=files, bytes_total=size) as report:
            stored = self._stored(downloads, source, work, report, failures)
            for entries in chunks(stored):
                _record(entries)
            failures.save()
            if failures.count:
                raise FilesFailed(failures.count, failures.first)

    def _stored(
        self, downloads: Downloads, source: Source, work: Worklist, report: Report, failures: "_Failures"
    ) -> Iterator[Entry]:
        """Yields the wanted files that got into the pool; keeps count of them, and notes the others as failures."""
        before = downloads.meter.bytes
        for outcome in downloads.into_pool(work.wanted(), source.url_of):
            report.bytes_done = downloads.meter.bytes - before
            if outcome.error:
                failures.add(outcome.entry, outcome.error)
                report.suffix = f"{failures.count:,} failed"
            else:
                report.done += 1
                yield outcome.entry
        report.bytes_done = downloads.meter.bytes - before

    def _make_version(self, work: Worklist, source: Source, answer: Fetched) -> RepositoryVersion:
        return make_version(
            self.repository,
            work,
            action="sync",
            progress=self.progress,
            finish=lambda version: self._remember(version, source, answer),
        )

    def _remember(self, version: RepositoryVersion, source: Source, answer: Fetched) -> None:
        SyncState.objects.update_or_create(
            repository=self.repository,
            defaults={
                "version": version,
                "url": source.list_url,
                "mirror": self.repository.mirror,
                "etag": answer.etag[:500],
                "last_modified": answer.last_modified[:100],
                "sha256": answer.sha256,
            },
        )


class _Failures:
    """The files that a job could not get: all are listed with it, a few hundred at a time."""

    def __init__(self, job: Job | None, source: Source) -> None:
        self.count = 0
        self.first = ""
        self._job = job
        self._source = source
        self._rows: list[FailedFile] = []

    def add(self, entry: Entry, error: FetchFailed) -> None:
        path, sha256, size = entry
        self.count += 1
        self.first = self.first or f"{paths.shown(path)} ({error.url}): {error.why}. {_advice(error)}"
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
            )
        )
        if len(self._rows) >= ROWS:
            self.save()

    def add_wrong_size(self, entry: Entry, stored: int) -> None:
        """A list that gives another size than bytes with this digest can have."""
        path, _, size = entry
        why = f"the list says {units.counted(size, 'byte')}, but the file with its sha256 has {stored:,}"
        self.add(entry, FetchFailed(self._source.url_of(path), "size", why, tries=0, size=stored))

    def save(self) -> None:
        if self._job:
            FailedFile.objects.bulk_create(self._rows)
        self._rows = []


def _advice(error: FetchFailed) -> str:
    return error.advice or causes.advice_on_file(error.cause)


def _missing(entries: list[Entry], failures: _Failures) -> list[Entry]:
    """Those whose bytes are not in the pool. What is there but unknown, since a job died, is made known."""
    known = dict(Artifact.objects.filter(sha256__in={entry[1] for entry in entries}).values_list("sha256", "size"))
    missing, found = [], []
    for entry in entries:
        _, sha256, size = entry
        if sha256 in known:
            if known[sha256] != size:
                failures.add_wrong_size(entry, known[sha256])
        elif pool.has(sha256, size):
            found.append(entry)
        else:
            missing.append(entry)
    _record(found)
    return missing


def _record(entries: list[Entry]) -> None:
    """Makes verified bytes known. Another job may have done so for the same ones."""
    Artifact.objects.bulk_create(
        [Artifact(sha256=sha256, size=size) for _, sha256, size in entries], ignore_conflicts=True
    )
