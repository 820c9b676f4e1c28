"""The first verb: makes the repository's next version from what is new upstream.

The list is fetched, read and compared with the newest version; then what is missing in the pool is fetched, and only
when all of it is there does a version come into being. A list that has not changed costs no work per file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from . import space, stock, transport, units
from .chunks import chunks
from .downloads import MANY, Downloads
from .errors.storage import NotStored
from .failures import Failures
from .fetch import Fetched, Fetcher
from .manifest import Entry
from .models import Job, Repository, RepositoryVersion, SyncState
from .news import News
from .progress import Progress, Report
from .sources import Source
from .versions import make_version
from .words import say
from .worklist import Totals, Worklist

# The bytes of a line in a list of files, about.
LINE = 100


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
        news = News(self.repository, self.folder, self.progress)
        latest, source = news.latest, news.source
        with (
            Fetcher(transport.of(news.remote)) as fetcher,
            Downloads(fetcher, self.folder, news.remote.concurrency, self._tick) as downloads,
        ):
            answer = news.fetch(downloads)
            if news.is_none(answer):
                with transaction.atomic():
                    self.progress.confirm()
                    self._agree()
                self.progress.skipped("sync", news.unchanged(is_same=True))
                return None
            with Worklist(self.folder) as work:
                if answer.size // LINE - latest.files > MANY:
                    downloads.get_ready(source.url_of(""))
                news.read(work)
                totals = news.compare(work)
                if totals:
                    self._ask_the_brake(news, work, totals)
                    failed = self._download(downloads, latest, source, work)
                    return self._conclude(latest, source, answer, work, failed)
        with transaction.atomic():
            self.progress.confirm()
            self._remember(latest, source, answer)
        self.progress.skipped("sync", news.unchanged(is_same=False))
        return None

    def _tick(self) -> None:
        self.progress.check()
        self._watch()

    def _ask_the_brake(self, news: News, work: Worklist, totals: Totals) -> None:
        """Raises BrakePulled if more would be removed than the repository's limit, or than somebody has confirmed."""
        confirmed = (self.job.may_remove if self.job else None) or 0
        if brake := news.brake(work, totals, confirmed=confirmed):
            raise brake

    def _download(self, downloads: Downloads, latest: RepositoryVersion, source: Source, work: Worklist) -> int:
        """Brings the arriving bytes into the pool. Returns how many files it goes on without; raises FilesFailed."""
        failures = Failures(self.job, source, work, self.progress)
        files, size = work.arriving_totals()
        if not space.fits(size):
            self._refuse_what_does_not_fit(work)
        message = say("Fetching what is new")
        amount = {"total": files, "bytes_total": size, "in_hand": downloads.in_hand}
        with self.progress.step("sync", "sync.downloading.artifacts", message, **amount) as report:
            stored = self._stored(downloads, source, work, report, failures)
            for _ in stock.recorded(stored, self.progress.check):
                pass
            if self._not_stored:
                raise self._not_stored
            failures.complete()
            self._tell(report, failures.count, of=work.arriving_files())
            failures.refuse_to_go_on(latest, skip=self.repository.skip_failed_files)
        return failures.count

    def _tell(self, report: Report, failed: int, *, of: int) -> None:
        """Of what was fetched, in the job's log; of how many files, where none of their bytes had to be."""
        if not report.done and not failed:
            report.message, report.suffix = say("All bytes are here already"), units.counted(of, "file")
            self.progress.log(say("Nothing had to be fetched: the bytes of all files are here already."))
            return
        came = say(
            "Fetched {files}, {size}, in {time}.",
            files=units.counted(report.done, "file"),
            size=units.size(report.bytes_done),
            time=units.duration(timezone.now() - report.started_at),
        )
        self.progress.log(came)

    def _refuse_what_does_not_fit(self, work: Worklist) -> None:
        """Raises NoRoom, unless so much is in the pool already that there is room for the rest."""
        wanted = (self._missing(chunk, lambda entry, stored: None) for chunk in chunks(work.arriving_bytes()))
        space.refuse_what_does_not_fit(sum(map(_size, wanted)))

    def _wanted(self, work: Worklist, report: Report, failures: Failures) -> Iterator[Entry]:
        """Yields the arriving files whose bytes have to be fetched, and takes the others out of the report's totals.

        A few hundred at a time: while these are fetched, it looks for more.
        """
        for chunk in chunks(work.arriving_bytes()):
            missing = self._missing(chunk, failures.add_wrong_size)
            report.total = (report.total or 0) - len(chunk) + len(missing)
            report.bytes_total = (report.bytes_total or 0) - _size(chunk) + _size(missing)
            yield from missing

    def _missing(self, entries: list[Entry], wrong_size: Callable[[Entry, int], None]) -> list[Entry]:
        self.progress.check()
        return stock.missing(entries, wrong_size=wrong_size, check=self.progress.check)

    def _stored(
        self, downloads: Downloads, source: Source, work: Worklist, report: Report, failures: Failures
    ) -> Iterator[Entry]:
        """Yields the wanted files that got into the pool; keeps count of them, and notes the others as failures."""
        before = downloads.meter.bytes
        try:
            for outcome in downloads.into_pool(self._wanted(work, report, failures), source.url_of):
                report.bytes_done = downloads.meter.bytes - before
                if outcome.error:
                    failures.add(outcome.entry, outcome.error)
                    report.suffix = say("{count} failed", count=units.number(failures.count))
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
            self.progress.skipped(
                "sync",
                say(
                    "{files} failed, and no other is different since version {number}",
                    files=files,
                    number=latest.number,
                ),
            )
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


def _size(entries: list[Entry]) -> int:
    """Of all of them, in bytes."""
    return sum(size for _, _, size in entries)
