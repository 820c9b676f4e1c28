"""The verify: reads what is stored, finds what is damaged, and repairs what can be.

Every artifact is read once, in the order of their numbers, and the number of the last is noted every few seconds: a
verify that was killed or given back goes on from there. What is wrong is taken out of the pool at once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from . import conf, damage, orphans, quarantine, repair, trash, units, unknown
from .chunks import ROWS
from .errors.storage import StillDamaged
from .faults import BLOCK, Fault, fault_of
from .models import Artifact, Content, Damage, Job, PublishedMetadata
from .progress import Progress, Report
from .stored import Amount
from .words import say

# Seconds between two notes of how far it is.
NOTED = 2.0
# Seconds between two looks at whether to stop, and the shortest wait that is worth one.
TICK, SHORT = 0.2, 0.01
# Bytes that are missing may be on their way back (see clean.py): so many are looked at twice, after so many seconds.
DOUBTED, DOUBT = 100, 0.1


def verify(job: Job, folder: Path, *, progress: Progress) -> None:
    """Reads the bytes that `job` is for: of a version, of a repository, or all. `folder` is a working directory.

    Raises StillDamaged when some are not whole at its end; the job's failed files list them.
    """
    _Verify(job, folder, progress).run()


def artifacts_of(job: Job) -> QuerySet[Artifact]:
    """Those that a verify is for: of all, or of the files and the published metadata of a repository, or a version."""
    if job.repository is None:
        return Artifact.objects.all()
    content = Content.objects.filter(repository=job.repository)
    metadata = PublishedMetadata.objects.filter(publication__version__repository=job.repository)
    if job.of_version is not None:
        content = content.filter(added__lte=job.of_version, removed__gt=job.of_version)
        metadata = metadata.filter(publication__version__number=job.of_version)
    mine = {"artifact": OuterRef("pk")}
    return Artifact.objects.filter(Q(Exists(content.filter(**mine))) | Q(Exists(metadata.filter(**mine))))


@dataclass
class _Verify:
    job: Job
    folder: Path
    progress: Progress
    noted: float = field(default_factory=time.monotonic)
    doubted: int = 0
    faults: int = 0

    def run(self) -> None:
        self.artifacts = artifacts_of(self.job)
        self.damaged = Damage.objects.filter(artifact__in=self.artifacts).order_by("pk")
        words = [self._read()]
        found = self.damaged.count()
        words.append(say("{found} damaged", found=units.number(found)) if found else say("all whole"))
        strays = self._strays() if self.job.repository is None else Amount()
        left = repair.settle(self.damaged, self.job, self.folder, progress=self.progress) if found else 0
        if found and self.job.may_repair:
            words.append(say("{found} repaired", found=units.number(found - left)))
        if strays.files:
            words.append(f"{units.counted(strays.files, 'stray')} ({units.size(strays.size)})")
        self.progress.confirm(outcome=f"{', '.join(words)}.", failed=left)
        self.progress.log(f"{', '.join(words)}.")
        if left:
            in_vain = self.job.may_repair or not damage.may_be_repaired(self.damaged).exists()
            raise StillDamaged(left, tried=in_vain)

    def _read(self) -> str:
        """Reads all of them; returns in words how many that were, with those of earlier attempts."""
        before = Q(pk__lte=self.job.position)
        sums = self.artifacts.aggregate(
            last=Max("pk"),
            total=Count("pk"),
            bytes_total=Sum("size", default=0),
            done=Count("pk", filter=before),
            bytes_done=Sum("size", filter=before, default=0),
        )
        # What comes while it reads was verified as it came.
        last = sums.pop("last") or 0
        message = (
            say("Reading what is stored")
            if self.job.repository is None
            else say("Reading the files of {what}", what=_what(self.job))
        )
        with self.progress.step(
            "verify", "verify.reading", message, bytes_before=sums["bytes_done"], **sums
        ) as self.report:
            self.pace = _Pace(_rate(self.job), self.report, self.progress)
            for chunk in self._chunks(last):
                self._look_at(chunk)
            self.progress.confirm(position=last)
        return say(
            "{files}, {size} read",
            files=units.counted(self.report.done, "file"),
            size=units.size(self.report.bytes_done),
        )

    def _chunks(self, last: int) -> Iterator[list[tuple[int, str, int]]]:
        """The number, sha256 and size of each that is still to be read, some hundred at a time."""
        after = self.job.position
        rows = self.artifacts.order_by("pk").values_list("pk", "sha256", "size")
        while chunk := list(rows.filter(pk__gt=after, pk__lte=last)[:ROWS]):
            yield chunk
            after = chunk[-1][0]

    def _look_at(self, chunk: list[tuple[int, str, int]]) -> None:
        known = set(Damage.objects.filter(artifact__in=[row[0] for row in chunk]).values_list("artifact_id", flat=True))
        for number, sha256, size in chunk:
            self.progress.check()
            before = self.report.bytes_done
            fault = self._fault(sha256, size)
            if fault:
                self._found(number, sha256, fault)
            elif number in known:
                damage.healed(number)
            self.report.done += 1
            # A file that is missing, or of another length, was not read: it counts as it should be.
            self.report.bytes_done = before + size
            if time.monotonic() - self.noted > NOTED:
                self.progress.confirm(position=number)
                self.noted = time.monotonic()

    def _fault(self, sha256: str, size: int) -> Fault | None:
        """What is wrong with the bytes; what is wrong for certain lies in quarantine when this returns."""
        while True:
            before = self.report.bytes_done
            fault = fault_of(sha256, size, tick=self.pace.wait, block=self.pace.block)
            if fault and fault.cause == Damage.Cause.MISSING and self.doubted < DOUBTED:
                self.doubted += 1
                time.sleep(DOUBT)
                fault = fault_of(sha256, size, tick=self.pace.wait, block=self.pace.block)
            if not fault or not fault.wrong:
                return fault
            try:
                if quarantine.take(sha256, fault.wrong, self.job.pk):
                    return fault
            except OSError as error:
                # A pool that cannot be written; that they are damaged is known all the same.
                why = say("{fault}; it could not be moved out of the pool: {why}", fault=fault.why, why=error.strerror)
                return replace(fault, why=why, wrong=None)
            # It was replaced while it was read: what lies there now is read instead.
            self.report.bytes_done = before

    def _found(self, number: int, sha256: str, fault: Fault) -> None:
        if damage.note(number, fault, quarantined=fault.wrong is not None):
            self.faults += 1
            self.report.suffix = say("{faults} damaged", faults=units.number(self.faults))

    def _strays(self) -> Amount:
        """Files in the pool that nothing knows, which the clean-up takes away; young ones may be known soon."""
        spared, strays = orphans.spared_since(), Amount()
        with self.progress.step("verify", "verify.strays", say("Looking for files that nothing knows")) as report:
            for files in unknown.in_pool(self.progress.check):
                for file in files:
                    if not trash.is_spared(file, spared) and (found := trash.seen(file)):
                        strays.add(found.st_size)
            report.done, report.bytes_done = strays.files, strays.size
        return strays


class _Pace:
    """Lets a verify read at most `rate` bytes a second (0: as fast as it can), and hears that it has to stop."""

    def __init__(self, rate: int, report: Report, progress: Progress) -> None:
        self.block = min(BLOCK, max(4096, rate // 8)) if rate else BLOCK
        self._rate = rate
        self._report = report
        self._progress = progress
        # Until when what was read is paid for.
        self._paid = time.monotonic()

    def wait(self, size: int) -> None:
        """Counts so many bytes, and waits for as long as they have to last. Raises Stopped."""
        self._report.bytes_done += size
        self._progress.check()
        if not self._rate:
            return
        self._paid = max(self._paid, time.monotonic() - SHORT) + size / self._rate
        while (left := self._paid - time.monotonic()) > SHORT:
            time.sleep(min(left, TICK))
            self._progress.check()


def _rate(job: Job) -> int:
    return conf.verify_rate() if job.rate is None else job.rate


def _what(job: Job) -> str:
    return (
        str(job.repository)
        if job.of_version is None
        else say("{repository} version {number}", repository=job.repository, number=job.of_version)
    )
