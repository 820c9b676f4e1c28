"""The progress of a job as rows: written by one thread, which thereby signs the job's heartbeat and hears of a cancel.

A job whose heartbeat fails is given to another worker, under the next attempt number. So every write here, and every
transaction that makes a step true (`confirm`), is conditional on the attempt: the worker that comes back too late
finds no row, and lets go.
"""

import json
import logging
import threading
import time
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseFailed
from django.db import connection, transaction
from django.utils import timezone

from . import conf, joblog, outages
from .errors.stops import Canceled, GivenBack, Lost, Stopped
from .models import Job, LogLine, ProgressReport
from .models.job import State
from .progress import InHand, Progress, Report
from .samples import Samples, Speed

logger = logging.getLogger(__name__)

# Set when this process is asked to end: its jobs give themselves back.
closing = threading.Event()

_FIELDS = [
    *("code", "state", "message", "done", "total", "bytes_done", "bytes_total", "rate", "suffix", "samples", "current"),
    "finished_at",
]


class JobProgress(Progress):
    """A context manager around a job's run; reports are all written when it is left."""

    def __init__(self, job: Job) -> None:
        self._mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.RUNNING)
        self._job = job
        self._rows = _Rows(job)
        self._log = joblog.Unwritten()
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

    def log(self, message: str, level: str = LogLine.Level.INFO) -> None:
        self._log.add(message, level)

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
                if isinstance(self._stopped, Lost):
                    return
                lines, rows = self._log.write(self._job), self._rows.write()
            self._log.written(lines)
            self._rows.written(rows)
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


class _Told:
    """A report, its row, and how far it was at the beats before."""

    def __init__(self, job: Job, report: Report) -> None:
        self.report = report
        self._samples = Samples(0, report.bytes_before)
        self._speed, self._seconds = Speed(report.bytes_before), 0.0
        self.row = ProgressReport.objects.create(
            job=job,
            action=report.action,
            code=report.code,
            message=report.message,
            started_at=report.started_at,
            bytes_done=report.bytes_before,
        )

    def update(self, seconds: float) -> ProgressReport:
        """The row with what the report says now, `seconds` after the last time."""
        report, row = self.report, self.row
        # Looked at before the figures: once it is set, they are final.
        finished_at = report.finished_at
        self._seconds += seconds
        row.rate = self._speed.add(self._seconds, max(0, report.bytes_done))
        row.done, row.total = report.done, report.total
        row.bytes_done, row.bytes_total = max(0, report.bytes_done), report.bytes_total
        row.code = report.code
        row.message, row.suffix = report.message[:500], report.suffix[:500]
        if row.bytes_total:
            self._sample(finished_at or timezone.now())
        row.current = "" if finished_at else _in_words(report.in_hand())
        if finished_at:
            row.finished_at, row.state = finished_at, report.state
        return row

    def _sample(self, now: datetime) -> None:
        row = self.row
        self._samples.add(max((now - row.started_at).total_seconds(), 0.0), row.done, row.bytes_done)
        row.samples = self._samples.text()


def _in_words(files: list[InHand]) -> str:
    """As a row keeps it: a list of lists, in JSON; empty for none."""
    return json.dumps(files, separators=(",", ":")) if files else ""


class _Rows:
    """The reports of one run and their rows."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._open: list[_Told] = []
        self._new: list[Report] = []
        self._at = time.monotonic()

    def add(self, report: Report) -> None:
        self._new.append(report)

    def write(self) -> list[_Told]:
        """Writes the new reports and those that are not finished; called by one thread only, in its transaction.

        `written` is to be told what was, once that is committed.
        """
        now = time.monotonic()
        seconds, self._at = now - self._at, now
        told = self._open + [_Told(self._job, report) for report in list(self._new)]
        if rows := [one.update(seconds) for one in told]:
            ProgressReport.objects.bulk_update(rows, _FIELDS)
        return told

    def written(self, told: list[_Told]) -> None:
        del self._new[: len(told) - len(self._open)]
        self._open = [one for one in told if one.row.state == ProgressReport.State.RUNNING]
