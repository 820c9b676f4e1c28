"""How a running job tells what it does, and hears that it has to stop.

The verbs (sync, publish, distribute) take a Progress. `Progress` itself is the null form: it reports to nobody and
never stops anybody. `tracking.JobProgress` is the form that a job has; the terminal prints what that one writes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from .errors.stops import Stopped
from .models import LogLine, ProgressReport
from .terms import term
from .words import capital


class InHand(NamedTuple):
    """A file that is on its way: its path, and of a big one how many of its bytes came (else None), and its size."""

    path: str
    came: int | None
    size: int


def _nothing() -> list[InHand]:
    return []


@dataclass(eq=False)
class Report:
    """One line of progress, counted up by the thread that works. Totals are None while unknown; bytes are bytes."""

    action: str
    code: str
    message: str
    total: int | None = None
    bytes_total: int | None = None
    done: int = 0
    bytes_done: int = 0
    # Those of `bytes_done` that an earlier attempt did: they say nothing of the speed.
    bytes_before: int = 0
    suffix: str = ""
    # Asked, from another thread, for what it is busy with: the files of the work itself need not be told one by one.
    in_hand: Callable[[], list[InHand]] = _nothing
    state: str = ProgressReport.State.RUNNING
    started_at: datetime = field(default_factory=timezone.now)
    finished_at: datetime | None = None

    def skip(self, why: str) -> None:
        """Ends it with the word that there was nothing to do."""
        self.code, self.message = f"{self.action}.was_skipped", why
        self.finish(ProgressReport.State.SKIPPED)

    def finish(self, state: str) -> None:
        # In this order: the thread that writes it down looks for `finished_at` first.
        self.state = state
        self.finished_at = timezone.now()


class Progress:
    """The null form."""

    def add(self, report: Report) -> None:
        """Takes a new report, which its maker goes on to change."""

    def check(self) -> None:
        """Raises Stopped if the job has to let go. Called at least every fifth of a second, and cheap."""

    def confirm(self, **made: Any) -> None:
        """Called inside the transaction that makes a step true: raises Lost if the job is no longer ours.

        `made` names what the step made, by the job's own fields.
        """

    def log(self, message: str, level: str = LogLine.Level.INFO) -> None:
        """Adds a dated line to the job's log (see joblog.py): for what happened, at most a few dozen times a job."""

    @contextmanager
    def step(self, action: str, code: str, message: str, **values: Any) -> Iterator[Report]:
        """A report that is running inside the block, and afterwards tells how the block ended."""
        report = Report(action, code, message, **values)
        self.add(report)
        try:
            yield report
        except Stopped:
            report.finish(ProgressReport.State.CANCELED)
            raise
        except Exception:
            report.finish(ProgressReport.State.FAILED)
            raise
        if report.finished_at is None:
            report.finish(ProgressReport.State.COMPLETED)
        self._log_if_skipped(report)

    def skipped(self, action: str, why: str) -> None:
        """Reports that an action had nothing to do."""
        report = Report(action, "", "")
        report.skip(why)
        self.add(report)
        self._log_if_skipped(report)

    def _log_if_skipped(self, report: Report) -> None:
        if report.state == ProgressReport.State.SKIPPED:
            self.log(f"{capital(term(report.action))}: {report.message}.")
