"""The clean-up: what nothing needs any more is taken out of the pool.

Nobody is kept from working meanwhile. What nothing names is marked; then the clean-up waits for the jobs that run at
that moment, which may have looked before it was marked. Whoever looks later takes the mark away (see stock.py). What is
marked still after that is deleted: first the rows, then, once that is on the disk, the bytes (see trash.py).
"""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import transaction

from . import clock, leftovers, orphans, pool, retention, space, trash, units, unknown
from .models import Job, Repository
from .models.job import State
from .progress import Progress, Report
from .stored import Amount
from .words import say

# Seconds between two looks at the jobs that it waits for.
LOOK = 0.2


def clean(job: Job, *, progress: Progress) -> None:
    """Lets go what the retention of every repository lets go, then the bytes that nothing needs."""
    if doubt := clock.doubt():
        progress.skipped("clean", doubt)
        with transaction.atomic():
            progress.confirm(outcome=doubt)
        return
    with space.storing():
        _Clean(job, progress).run()


@dataclass
class _Clean:
    job: Job
    progress: Progress
    versions: int = 0
    spared: datetime = field(default_factory=orphans.spared_since)
    freed: Amount = field(default_factory=Amount)

    def run(self) -> None:
        # What an attempt before this one freed counts too. What it had reserved besides, it needs no more.
        self.freed = Amount(self.job.freed_files or 0, self.job.freed_bytes or 0)
        self.job.reservations.exclude(resource="upkeep:clean").delete()
        for repository in Repository.objects.exclude(keep_versions=None, keep_days=None):
            self.versions += retention.let_go(repository, progress=self.progress)
        with self._step("clean.leftovers", say("Taking away what work that was cut short has left")) as report:
            leftovers.take_rows(self.job, self.spared, self.progress)
            report.bytes_done = left = leftovers.take_folders(self.spared, self.progress)
        with self._step("clean.marking", say("Looking for files that nothing needs")):
            orphans.mark(self.spared, self.progress)
        self._wait_for_those_who_run()
        with self._step("clean.files", say("Taking out the files that nothing needs")) as report:
            self._take_orphans(report)
        with self._step("clean.strays", say("Taking out files of the pool that nothing knows")) as report:
            self._take_strays(report)
        self._conclude(left)

    def _step(self, code: str, message: str) -> AbstractContextManager[Report]:
        return self.progress.step("clean", code, message)

    def _wait_for_those_who_run(self) -> None:
        """Until each job that runs now has ended, or was begun anew: then it has looked anew too."""
        awaited = _running()
        if not awaited:
            return
        with self._step("clean.waiting", "") as report:
            report.total = len(awaited)
            while left := awaited & _running():
                report.message = say("Waits for job {job}, which may need some of it", job=min(left)[0])
                report.done = report.total - len(left)
                self.progress.check()
                time.sleep(LOOK)
            report.done, report.message = report.total, say("Waited for the jobs that were running")

    def _take_orphans(self, report: Report) -> None:
        for digests in orphans.delete_marked(self.spared, self.progress):
            self._take([pool.path(sha256) for sha256 in digests], report)
        orphans.spare_the_others(self.progress)

    def _take_strays(self, report: Report) -> None:
        for files in unknown.in_pool(self.progress.check):
            self._take(files, report)

    def _take(self, files: list[Path], report: Report) -> None:
        for file in files:
            self.progress.check()
            size = trash.take(file, self.spared)
            if size is not None:
                self.freed.add(size)
                report.done, report.bytes_done = report.done + 1, report.bytes_done + size
        with transaction.atomic():
            self.progress.confirm(freed_files=self.freed.files, freed_bytes=self.freed.size)

    def _conclude(self, left: int) -> None:
        words = [say("{versions} let go", versions=units.counted(self.versions, "version"))] if self.versions else []
        words.append(say("{freed} freed", freed=self.freed) if self.freed.files else say("no file was unneeded"))
        words += [say("{size} of leftovers removed", size=units.size(left))] if left else []
        young = _young(self.spared, self.progress)
        outcome = ", ".join(words)
        spared = (
            say(" Spared for now: {young} younger than {time}.", young=young, time=units.period(orphans.protection()))
            if young.files
            else ""
        )
        with transaction.atomic():
            said = f"{outcome[0].upper()}{outcome[1:]}.{spared}"
            self.progress.confirm(freed_files=self.freed.files, freed_bytes=self.freed.size, outcome=said)
        self.progress.log(said)


def _running() -> set[tuple[int, int]]:
    """The number and the attempt of each job that runs and may need bytes."""
    found = Job.objects.filter(state=State.RUNNING, with_verify=False, with_clean=False)
    return set(found.values_list("pk", "attempt"))


def _young(spared: datetime, progress: Progress) -> Amount:
    """What nothing needs, but is spared."""
    young = Amount()
    for piece in orphans.in_pieces(orphans.unnamed(), progress.check):
        for one in piece:
            young.add(one.size)
    return young
