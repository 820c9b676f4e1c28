"""What is new upstream: its list fetched, read, and compared with the newest version.

A sync goes on from there, a dry run ends there: nothing of this changes anything.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from . import conf, paths, units
from .chunks import ROWS, chunks
from .compare import Change, Kind, compare
from .downloads import Downloads
from .errors.refusals import PathInTheWay, Refused
from .errors.upstreams import BadList, BrakePulled
from .fetch import Fetched
from .models import Content, Repository, SyncState
from .progress import Progress
from .sources import source_of
from .words import later, say
from .worklist import Totals, Worklist


class News:
    """The upstream of `repository` beside its newest version, `latest`. To be asked in order: fetch, read, compare.

    `folder` is where the list goes; `known` is what is known of the list, if `latest` still is what it was read into,
    in the same way.
    """

    def __init__(self, repository: Repository, folder: Path, progress: Progress) -> None:
        if repository.remote is None:
            why = say(
                "“{repository}” has no remote any more to sync from. Give it one, then run it again.",
                repository=repository,
            )
            raise Refused(why)
        self.remote = repository.remote
        self.source = source_of(self.remote)
        self.latest = repository.latest_version()
        self.known = SyncState.objects.filter(
            repository=repository, version=self.latest, url=self.source.list_url, mirror=repository.mirror
        ).first()
        self._repository = repository
        self._list_file = folder / "list"
        self._progress = progress
        # Files that vanished upstream and that an additive repository keeps; known once they are compared.
        self.kept = 0

    def fetch(self, downloads: Downloads) -> Fetched:
        """The list, if it is another than is known. Raises FetchFailed."""
        with self._progress.step("sync", "sync.downloading.metadata", say("Fetching the list of files")) as report:
            limit, conditions = conf.max_list_bytes(), self._conditions()
            answer = downloads.one(self.source.list_url, self._list_file, limit=limit, conditions=conditions)
            report.done, report.bytes_done = 1, answer.size
            if answer.unchanged:
                report.suffix = say("not changed")
        return answer

    def _conditions(self) -> dict[str, str]:
        conditions = {}
        if self.known and self.known.etag:
            conditions["If-None-Match"] = self.known.etag
        if self.known and self.known.last_modified:
            conditions["If-Modified-Since"] = self.known.last_modified
        return conditions

    def is_none(self, answer: Fetched) -> bool:
        """Whether the list is the one that is known: then it need not be read."""
        return self.known is not None and (answer.unchanged or answer.sha256 == self.known.sha256)

    def unchanged(self, *, is_same: bool) -> str:
        """The sentence that says so: the list is the same, or else what is in it."""
        same = later("The upstream's list is the same: unchanged since version {number}")
        no_other = later("No file is different: unchanged since version {number}")
        return say(same if is_same else no_other, number=self.latest.number)

    def read(self, work: Worklist) -> None:
        """Brings the list's entries into `work`. Raises BadList."""
        with self._progress.step("sync", "sync.parsing.metadata", say("Reading the list of files")) as report:
            with self._list_file.open("rb") as stream:
                for chunk in chunks(self.source.entries(stream)):
                    self._progress.check()
                    work.add_entries(chunk)
                    report.done += len(chunk)
            self._refuse_contradictions(work)
        self._progress.log(say("Read the upstream's list: {files}.", files=units.counted(report.done, "file")))

    def _refuse_contradictions(self, work: Worklist) -> None:
        if path := work.contradiction():
            why = say("names “{path}” twice, with different bytes", path=paths.shown(path))
            raise BadList(self.source.list_url, why)
        try:
            for number, _ in enumerate(paths.unnested(work.paths())):
                if number % ROWS == 0:
                    self._progress.check()
        except PathInTheWay as error:
            both = {"file": error.file, "inside": error.inside}
            why = say("names “{file}” as a file, and as a folder with “{inside}” in it", **both)
            raise BadList(self.source.list_url, why) from None

    def compare(self, work: Worklist) -> Totals:
        """Notes in `work` how the entries differ from the newest version."""
        totals = self._compare(work)
        if totals:
            self._progress.log(
                say("Compared with version {number}: {words}.", number=self.latest.number, words=totals.words())
            )
        return totals

    def _compare(self, work: Worklist) -> Totals:
        if not self.latest.files:
            work.add_all(self._progress.check)
            return work.totals()
        present = Content.objects.of(self.latest).in_path_order()
        changes = compare(present, work.entries())
        if not self._repository.mirror:
            changes = self._but_removed(changes)
        for chunk in chunks(changes):
            self._progress.check()
            work.add_changes(chunk)
        return work.totals()

    def _but_removed(self, changes: Iterator[Change]) -> Iterator[Change]:
        """The changes without the files that vanished, which it counts."""
        for change in changes:
            if change.kind == Kind.REMOVED:
                self.kept += 1
            else:
                yield change

    def brake(self, work: Worklist, totals: Totals, *, confirmed: int = 0) -> BrakePulled | None:
        """What stops a sync that would remove more than the repository's limit, or than somebody has `confirmed`."""
        empty = totals.removed > 0 and next(work.paths(), None) is None
        files, limit = self.latest.files, self._repository.brake
        if totals.removed > confirmed and (empty or totals.removed * 100 > files * limit):
            first = list(islice(work.removed(), 3))
            return BrakePulled(totals.removed, files, limit, url=self.source.list_url, first=first, empty=empty)
        return None
