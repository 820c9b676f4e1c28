"""The progress of a job as rows: written by one thread, which thereby signs the job's heartbeat and hears of a cancel.

A job whose heartbeat fails is given to another worker, under the next attempt number. So every write here, and every
transaction that makes a step true (`confirm`), is conditional on the attempt: the worker that comes back too late
finds no row, and lets go.
"""

import logging
import threading
import time
from typing import Any

from django.db import Error as DatabaseFailed
from django.db import connection, transaction
from django.utils import timezone

from . import conf, outages
from .errors import Canceled, GivenBack, Lost, Stopped
from .models import Job, ProgressReport
from .models.job import State
from .progress import Progress, Report

logger = logging.getLogger(__name__)

# Set when this process is asked to end: its jobs give themselves back.
closing = threading.Event()

_FIELDS = ["code", "state", "message", "done", "total", "bytes_done", "bytes_total", "rate", "suffix", "finished_at"]


class JobProgress(Progress):
    """A context manager around a job's run; reports are all written when it is left."""

    def __init__(self, job: Job) -> None:
        self._mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.RUNNING)
        self._rows = _Rows(job)
        self._stopped: Stopped | None = None
        self._ended = threading.Event()
        self._signed = time.monotonic()
        self._failing = False
        self._thread = threading.Thread(target=self._write, name=f"progress-{job.pk}", daemon=True)

    def __enter__(self) -> "JobProgress":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def add(self, report: Report) -> None:
        self._rows.add(report)

    def check(self) -> None:
        if self._stopped:
            raise self._stopped
        if closing.is_set():
            raise GivenBack

    def confirm(self, **made: Any) -> None:
        if not self._mine.update(heartbeat_at=timezone.now(), **made):
            raise Lost

    def _write(self) -> None:
        try:
            while not self._ended.wait(conf.beat_seconds()):
                self._beat()
            self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            # Together: once another has taken the job, none of our rows can still come among its own.
            with transaction.atomic():
                self._sign()
                written = None if isinstance(self._stopped, Lost) else self._rows.write()
            if written is not None:
                self._rows.written(written)
        except DatabaseFailed as error:
            self._not_written(error)

    def _not_written(self, error: Exception) -> None:
        # Once: a database that is away may be away for long.
        if not self._failing:
            mistake = None if outages.of(error) else error
            logger.warning("The progress could not be written: %s", outages.told(error), exc_info=mistake)
        self._failing = True
        # A connection that broke stays broken.
        connection.close()
        # Somebody else may by now believe that we are dead. If not, it goes on from here.
        if time.monotonic() - self._signed > conf.silence().total_seconds():
            self._stopped = GivenBack()

    def _sign(self) -> None:
        if not self._mine.update(heartbeat_at=timezone.now()):
            self._stopped = Lost()
        elif self._mine.filter(cancel_requested_at__isnull=False).exists():
            self._stopped = Canceled()
        self._signed, self._failing = time.monotonic(), False


class _Rows:
    """The reports of one run and their rows."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._open: list[tuple[Report, ProgressReport]] = []
        self._new: list[Report] = []
        self._at = time.monotonic()

    def add(self, report: Report) -> None:
        self._new.append(report)

    def write(self) -> "list[tuple[Report, ProgressReport]]":
        """Writes the new reports and those that are not finished; called by one thread only, in its transaction.

        `written` is to be told what was, once that is committed.
        """
        now = time.monotonic()
        seconds, self._at = now - self._at, now
        pairs = self._open + [(report, self._row(report)) for report in list(self._new)]
        if rows := [_updated(report, row, seconds) for report, row in pairs]:
            ProgressReport.objects.bulk_update(rows, _FIELDS)
        return pairs

    def written(self, pairs: "list[tuple[Report, ProgressReport]]") -> None:
        del self._new[: len(pairs) - len(self._open)]
        self._open = [pair for pair in pairs if pair[1].state == ProgressReport.State.RUNNING]

    def _row(self, report: Report) -> ProgressReport:
        return ProgressReport.objects.create(
            job=self._job,
            action=report.action,
            code=report.code,
            message=report.message,
            started_at=report.started_at,
            bytes_done=report.bytes_before,
        )


def _updated(report: Report, row: ProgressReport, seconds: float) -> ProgressReport:
    """`row` with what `report` says now, `seconds` after the last time."""
    # Looked at before the figures: once it is set, they are final.
    finished_at = report.finished_at
    speed = max(0, report.bytes_done - row.bytes_done) / max(seconds, 0.001)
    # The mean of about the last five seconds: quick to follow, slow to jump.
    row.rate = int(speed if not row.rate else row.rate + (speed - row.rate) * min(1.0, seconds / 5))
    row.done, row.total = report.done, report.total
    row.bytes_done, row.bytes_total = max(0, report.bytes_done), report.bytes_total
    row.code = report.code
    row.message, row.suffix = report.message[:500], report.suffix[:500]
    if finished_at:
        row.finished_at, row.state = finished_at, report.state
    return row
