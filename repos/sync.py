"""The first verb: makes the repository's next version from what is new upstream.

The list is fetched, read and compared with the newest version; then what is missing in the pool is fetched, and only
when all of it is there does a version come into being. A list that has not changed costs no work per file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from . import conf, paths, space, stock, transport, units
from .chunks import ROWS, chunks
from .compare import compare
from .downloads import Downloads
from .errors import BadList, BrakePulled, NotStored, PathInTheWay, Refused
from .failures import Failures
from .fetch import Fetched, Fetcher
from .manifest import Entry
from .models import Content, Job, Repository, RepositoryVersion, SyncState
from .progress import Progress, Report
from .sources import Source, source_of
from .versions import make_version
from .worklist import Totals, Worklist


def sync(
    repository: Repository, folder: Path, *, progress: Progress, job: Job | None = None
) -> RepositoryVersion | None:
    """Brings `repository` up to its remote; returns the version that it made, or None if there was nothing new.

    `folder` is an empty working directory. Files that fail are listed with `job`. Raises FetchFailed and BadList for
    the list, FilesFailed for files, unless the repository goes on without them; then there is no version, and what was
    fetched stays in the pool.
    """
    return _Sync(repository, folder, progress, job).run()


@dataclass
class _Sync:
    repository: Repository
    folder: Path
    progress: Progress
    job: Job | None
    _watch: space.Watch = field(default_factory=space.Watch)
    # Why the bytes of the rest could not be stored here.
    _not_stored: NotStored | None = None

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
            Downloads(fetcher, self.folder, threads, self._tick) as downloads,
        ):
            answer = self._fetch_list(downloads, source, known)
            if known and (answer.unchanged or answer.sha256 == known.sha256):
                with transaction.atomic():
                    self.progress.confirm()
                    self._agree()
                self._skip(latest, known)
                return None
            with Worklist(self.folder) as work:
                self._read_list(source, work)
                totals = self._compare(latest, work)
                if totals:
                    self._ask_the_brake(latest, source, work, totals)
                    failed = self._download(downloads, latest, source, work)
                    return self._conclude(latest, source, answer, work, failed)
        with transaction.atomic():
            self.progress.confirm()
            self._remember(latest, source, answer)
        self._skip(latest, None)
        return None

    def _tick(self) -> None:
        self.progress.check()
        self._watch()

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

    def _download(self, downloads: Downloads, latest: RepositoryVersion, source: Source, work: Worklist) -> int:
        """Brings the arriving bytes into the pool. Returns how many files it goes on without; raises FilesFailed."""
        failures = Failures(self.job, source, work, self.progress)
        for chunk in chunks(work.arriving_bytes()):
            self.progress.check()
            work.want(stock.missing(chunk, wrong_size=failures.add_wrong_size, check=self.progress.check))
        files, size = work.wanted_totals()
        space.refuse_what_does_not_fit(size)
        message = "Fetching what is new" if files else "All files are in the pool already"
        with self.progress.step("sync", "sync.downloading.artifacts", message, total=files, bytes_total=size) as report:
            stored = self._stored(downloads, source, work, report, failures)
            for _ in stock.recorded(stored, self.progress.check):
                pass
            if self._not_stored:
                raise self._not_stored
            failures.complete()
            failures.refuse_to_go_on(latest, skip=self.repository.skip_failed_files)
        return failures.count

    def _stored(
        self, downloads: Downloads, source: Source, work: Worklist, report: Report, failures: Failures
    ) -> Iterator[Entry]:
        """Yields the wanted files that got into the pool; keeps count of them, and notes the others as failures."""
        before = downloads.meter.bytes
        try:
            for outcome in downloads.into_pool(work.wanted(), source.url_of):
                report.bytes_done = downloads.meter.bytes - before
                if outcome.error:
                    failures.add(outcome.entry, outcome.error)
                    report.suffix = f"{failures.count:,} failed"
                else:
                    report.done += 1
                    yield outcome.entry
        except NotStored as error:
            # What came before is made known first.
            self._not_stored = error
        report.bytes_done = downloads.meter.bytes - before

    def _conclude(
        self, latest: RepositoryVersion, source: Source, answer: Fetched, work: Worklist, failed: int
    ) -> RepositoryVersion | None:
        """Makes the version of all that came; None if nothing did that is new, for what is new has failed."""
        work.drop_failed()
        if not work.totals():
            files = units.counted(failed, "file")
            self.progress.skipped("sync", f"{files} failed, and no other is different since version {latest.number}")
            return None
        return make_version(
            self.repository,
            work,
            action="sync",
            progress=self.progress,
            failed=failed,
            # Not remembered: the next sync is to read the list again, and to try what failed.
            finish=lambda version: None if failed else self._remember(version, source, answer),
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
        self._agree()

    def _agree(self) -> None:
        """Notes that the repository agrees with its upstream now. Runs in the caller's transaction."""
        Repository.objects.filter(pk=self.repository.pk).update(synced_at=timezone.now())
