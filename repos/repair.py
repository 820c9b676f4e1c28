"""Repairing what is damaged: published metadata is written anew, files are fetched from any remote that has them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet

from . import causes, pool, space, stock, transport, units
from .chunks import ROWS
from .damage import LOST, in_words, note_lost
from .downloads import Downloads
from .errors.storage import NotStored, SecretLost
from .errors.upstreams import FetchFailed
from .fetch import Fetcher
from .manifest import Entry
from .models import Content, Damage, FailedFile, Job, PublishedMetadata, Remote
from .progress import Progress, Report
from .publish import metadata_files, write_metadata
from .sources import source_of
from .words import later, say

# Of the same bytes at many paths so many are asked for before the bytes are given up.
MOST_PATHS = 20
ADVICE = later(
    "Sync or upload the same bytes again, or copy them from a backup into the folder “pool” of the "
    "data, then verify again."
)
REPAIR = later("Verify with repair: it is then fetched anew from the upstreams.")
UNNEEDED = later("Nothing needs it any more: a clean-up takes it away.")
# Kinds (see causes.kind) of what keeps us from a remote as a whole: no other file is asked for there.
CUT_OFF = {"address", "dns", "connection", "proxy", "tls", "authentication"}
# The causes that say that these bytes are not there. All others may be gone the next time.
NOT_THERE = {"404", "410", "size", "digest"}


def settle(damaged: QuerySet[Damage], job: Job, folder: Path, *, progress: Progress) -> int:
    """Repairs what is damaged, if `job` may, and lists the rest with it as failed files; returns how many those are.

    Raises NotStored where there is no room for it, or our own disk fails.
    """
    message = say("Repairing what is damaged") if job.may_repair else say("Listing what is damaged")
    left, cut_off = 0, set[int]()
    with progress.step("verify", "verify.repairing", message, total=damaged.count()) as report:
        for chunk in _chunks(damaged):
            progress.check()
            errors: dict[str, FetchFailed] = {}
            if job.may_repair:
                repair = _Repair(chunk, folder, progress, report, cut_off)
                errors = repair.run()
                note_lost(chunk, repair.lost)
            rest = list(Damage.objects.filter(pk__in=[one.pk for one in chunk]).select_related("artifact"))
            left += len(rest)
            report.done += 0 if job.may_repair else len(chunk)
            report.suffix = say("{left} could not be", left=units.number(left)) if left and job.may_repair else ""
            with transaction.atomic():
                progress.confirm(failed=left)
                FailedFile.objects.bulk_create([_failed(job, one, errors.get(one.artifact.sha256)) for one in rest])
    return left


def _chunks(damaged: QuerySet[Damage]) -> Iterator[list[Damage]]:
    after = 0
    while chunk := list(damaged.filter(pk__gt=after).select_related("artifact")[:ROWS]):
        yield chunk
        after = chunk[-1].pk


def _failed(job: Job, damage: Damage, error: FetchFailed | None) -> FailedFile:
    """What stays damaged, as a line of the job's: why it is, or why the last remote could not mend that."""
    artifact = damage.artifact
    path = artifact.content.order_by("-removed", "pk").values_list("path", flat=True).first()
    path = path or artifact.metadata.values_list("path", flat=True).first()
    why = (
        say("{damage}; to fetch it anew failed: {why}", damage=damage.why.removesuffix(LOST), why=error.why)
        if error
        else in_words(damage.why)
    )
    helpless = job.may_repair or damage.why.endswith(LOST)
    return FailedFile(
        job=job,
        path=path or artifact.sha256,
        url=error.url if error else "",
        cause=damage.cause,
        message=why,
        tries=error.tries if error else 0,
        expected_sha256=artifact.sha256,
        expected_size=artifact.size,
        advice=say((ADVICE if helpless else REPAIR) if path else UNNEEDED),
    )


@dataclass
class _Repair:
    """Of some damage (at most ROWS), all that can be."""

    damaged: list[Damage]
    folder: Path
    progress: Progress
    report: Report
    # The remotes from which nothing can be had.
    cut_off: set[int]

    def run(self) -> dict[str, FetchFailed]:
        """Returns why the bytes could not be fetched, by sha256; not for those that no remote ever had."""
        self.sizes = {one.artifact.sha256: one.artifact.size for one in self.damaged}
        self.errors: dict[str, FetchFailed] = {}
        # Those that somebody may have who could not be asked.
        self.unsure: set[str] = set()
        for metadata in self._metadata():
            self._write(metadata)
        places = self._places()
        wanted = {sha256 for paths in places.values() for sha256 in paths} & self.sizes.keys()
        space.refuse_what_does_not_fit(sum(self.sizes[sha256] for sha256 in wanted))
        remotes = Remote.objects.in_bulk(list(places))
        for number, paths in places.items():
            if number not in self.cut_off:
                self._fetch(remotes[number], paths)
            if number in self.cut_off:
                self.unsure |= paths.keys()
        return {sha256: error for sha256, error in self.errors.items() if sha256 in self.sizes}

    @property
    def lost(self) -> set[str]:
        """Of which, by sha256, everybody who might have them said that they have not. After `run`."""
        return self.sizes.keys() - self.unsure

    def _metadata(self) -> Iterable[PublishedMetadata]:
        found = PublishedMetadata.objects.filter(artifact__in=[one.artifact_id for one in self.damaged])
        return found.select_related("artifact", "publication__version__repository", "publication__settings")

    def _write(self, metadata: PublishedMetadata) -> None:
        """Writes a published metadata file anew. Other bytes than it had are thrown away."""
        publication, sha256 = metadata.publication, metadata.artifact.sha256
        form = dict(metadata_files(publication.settings)).get(metadata.path)
        if form is None or sha256 not in self.sizes:
            return
        file = self.folder / "metadata"
        version, settings = publication.version, publication.settings
        if write_metadata(file, version, settings, form, check=self.progress.check) == sha256:
            pool.keep(file, sha256)
            self._mended([sha256])

    def _places(self) -> dict[int, dict[str, list[str]]]:
        """By remote and by sha256, the paths at which the bytes are or were: those of the newest versions first."""
        found: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        rows = Content.objects.filter(artifact__in=[one.artifact_id for one in self.damaged])
        rows = rows.exclude(repository__remote=None).order_by("-removed", "pk")
        for remote, sha256, path in rows.values_list("repository__remote", "artifact__sha256", "path").iterator():
            paths = found[remote][sha256]
            if len(paths) < MOST_PATHS and path not in paths:
                paths.append(path)
        return found

    def _fetch(self, remote: Remote, places: dict[str, list[str]]) -> None:
        """Asks one remote for all that is still damaged: for each at its first path, then at its second, and so on."""
        try:
            way = transport.of(remote)
        except SecretLost as error:
            self.errors |= {one: FetchFailed(remote.url, "secret", str(error), tries=0) for one in places}
            self.unsure |= places.keys()
            return
        url_of, watch = source_of(remote).url_of, space.Watch()

        def tick() -> None:
            self.progress.check()
            watch()

        with (
            Fetcher(way) as fetcher,
            Downloads(fetcher, self.folder, remote.concurrency, tick) as downloads,
        ):
            for turn in range(MOST_PATHS):
                entries = [
                    (paths[turn], sha256, self.sizes[sha256])
                    for sha256, paths in places.items()
                    if sha256 in self.sizes and turn < len(paths)
                ]
                if not entries or remote.pk in self.cut_off:
                    return
                failed = self._take(downloads, entries, url_of)
                if len(failed) == len(entries) and all(causes.kind(error) in CUT_OFF for error in failed):
                    self.cut_off.add(remote.pk)

    def _take(self, downloads: Downloads, entries: list[Entry], url_of: Callable[[str], str]) -> list[FetchFailed]:
        """Fetches what can be had; returns why the rest could not be."""
        before = self.report.bytes_done - downloads.meter.bytes
        came, failed = [], []
        try:
            for outcome in downloads.into_pool(entries, url_of):
                self.report.bytes_done = before + downloads.meter.bytes
                if outcome.error:
                    self.errors[outcome.entry[1]] = outcome.error
                    if outcome.error.cause not in NOT_THERE:
                        self.unsure.add(outcome.entry[1])
                    failed.append(outcome.error)
                else:
                    came.append(outcome.entry[1])
        except NotStored:
            # What came before is made known first.
            self._mended(came)
            raise
        self._mended(came)
        return failed

    def _mended(self, digests: list[str]) -> None:
        """The bytes with these digests are in the pool: makes that last, and forgets that they were damaged."""
        stock.record({sha256: self.sizes.pop(sha256) for sha256 in digests}, self.progress.check)
        self.report.done += len(digests)
