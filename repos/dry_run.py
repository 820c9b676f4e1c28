"""What a sync would do, file by file, and how much it would fetch for that: without a file fetched or a version made.

Nothing is remembered of the list either: the sync that comes after it finds all as it was.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from . import space, stock, transport, units, would
from .chunks import chunks
from .compare import Change, Kind
from .comparing import Difference, File
from .downloads import Downloads
from .errors.upstreams import BrakePulled
from .fetch import Fetcher
from .models import Content, DryRun, Job, Repository
from .news import News
from .progress import Progress
from .words import later, say, say_by
from .worklist import Totals, Worklist
from .would import Would, Writing


def look(repository: Repository, folder: Path, *, progress: Progress, job: Job) -> DryRun:
    """Tells with `job` what a sync of `repository` would do now. `folder` is an empty working directory.

    Raises FetchFailed and BadList for the list, as the sync would.
    """
    return _Look(repository, folder, progress, job).run()


@dataclass
class _Look:
    repository: Repository
    folder: Path
    progress: Progress
    job: Job
    _watch: space.Watch = field(default_factory=space.Watch)

    def run(self) -> DryRun:
        news = News(self.repository, self.folder, self.progress)
        with (
            Fetcher(transport.of(news.remote)) as fetcher,
            Downloads(fetcher, self.folder, 1, self._tick) as downloads,
        ):
            same = news.is_none(news.fetch(downloads))
        with Worklist(self.folder) as work:
            totals = Totals(0, 0, 0, 0) if same else self._compared(news, work)
            brake = news.brake(work, totals)
            to_fetch = self._written(work, news, totals)
        if not totals:
            self.progress.skipped("sync", news.unchanged(is_same=same))
        return self._recorded(news, totals, to_fetch, brake)

    def _tick(self) -> None:
        self.progress.check()
        self._watch()

    def _compared(self, news: News, work: Worklist) -> Totals:
        news.read(work)
        return news.compare(work)

    @property
    def _file(self) -> Path:
        return self.folder / "would.sqlite3"

    def _written(self, work: Worklist, news: News, totals: Totals) -> tuple[int, int]:
        """Writes the files down; returns how many would be fetched, and how many bytes they have."""
        count, message = sum(totals[:3]), say("Comparing with version {number}", number=news.latest.number)
        with Writing(self._file) as writing:
            if not totals:
                return 0, 0
            with self.progress.step("sync", "sync.comparing", message, total=count) as report:
                for chunk in chunks(work.changes()):
                    self._tick()
                    writing.add(_told(chunk))
                    report.done += len(chunk)
                return writing.fetched()

    def _recorded(self, news: News, totals: Totals, to_fetch: tuple[int, int], brake: BrakePulled | None) -> DryRun:
        would.keep(self._file, self.job)
        found = dict(zip(("added", "removed", "changed", "growth"), totals, strict=True))
        found |= dict(zip(("fetched_files", "fetched_bytes"), to_fetch, strict=True))
        with transaction.atomic():
            self.progress.confirm(outcome=_outcome(totals, to_fetch, brake, news.kept))
            made, _ = DryRun.objects.update_or_create(
                job=self.job, defaults=found | {"base": news.latest.number, "brake": brake is not None}
            )
        would.drop_older(self.job)
        return made


def _told(changes: list[Change]) -> list[Would]:
    """The changes with the word of each whether its bytes have to be fetched."""
    arriving = [(one.path, one.sha256, one.size) for one in changes if one.kind != Kind.REMOVED]
    lacking = set(stock.lacking(arriving))
    return [Would(*one, fetched=(one.path, one.sha256, one.size) in lacking) for one in changes]


def differences(job: Job, files: Iterable[Would]) -> Iterator[tuple[Difference, bool]]:
    """The files of the dry run `job` (at most a page) as differences, and of each whether it would be fetched.

    What was there is looked up in the version that it was compared with, and is unknown once that is deleted.
    """
    found = list(files)
    base = job.repository.versions.filter(number=job.would.base).first() if job.repository else None
    there = Content.objects.of(base).filter(path__in=[one.path for one in found]) if base else Content.objects.none()
    digests = dict(there.values_list("path", "artifact__sha256"))
    for one in found:
        old = None if one.kind == Kind.ADDED else File(digests.get(one.path, ""), one.old_size)
        new = None if one.kind == Kind.REMOVED else File(one.sha256, one.size)
        yield Difference(Kind(one.kind), one.path, old, new), one.fetched


def all_differences(job: Job) -> Iterator[Difference]:
    """All of them by path. Raises FileNotFoundError where they are not known any more."""
    for chunk in chunks(would.files(job)):
        yield from (one for one, _ in differences(job, chunk))


def _outcome(totals: Totals, to_fetch: tuple[int, int], brake: BrakePulled | None, kept: int) -> str:
    told = [_deeds(totals, to_fetch) if totals else say("A sync would change nothing.")]
    if kept:
        told.append(
            say_by(
                kept,
                "{count} file vanished upstream and would be kept.",
                "{count} files vanished upstream and would be kept.",
                count=units.number(kept),
            )
        )
    return " ".join([*told, *([say("The brake would stop it.")] if brake else [])])


def _deeds(totals: Totals, to_fetch: tuple[int, int]) -> str:
    files, size = to_fetch
    each = (
        (totals.added, later("add {files}")),
        (totals.removed, later("remove {files}")),
        (totals.changed, later("change {files}")),
    )
    deeds = ", ".join(say(deed, files=units.counted(number, "file")) for number, deed in each if number)
    fetch = say("fetch {files} ({size})", files=units.counted(files, "file"), size=units.size(size))
    return say("A sync would {deeds}, and {fetch}.", deeds=deeds, fetch=fetch if files else say("fetch nothing"))
