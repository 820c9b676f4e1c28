"""A job's progress in the terminal: bars where it is one, plain lines elsewhere (cron, a pipe, a log)."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from typing import Any

from repos import units
from repos.models import Job, ProgressReport
from repos.terms import term

# How many files that failed are listed.
FAILURES = 20


class Display(ABC):
    """Shows a job's reports as they are now; called again and again."""

    @abstractmethod
    def show(self, job: Job) -> None: ...


@contextmanager
def display(stream: TextIOBase) -> Iterator[Display]:
    """The display that fits `stream`."""
    if not stream.isatty():
        yield Lines(stream)
        return
    # Imported late: it costs more than most commands.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with Progress(*columns) as progress:
        yield Bars(progress)


class Lines(Display):
    """A line when a report ends, and one for what the job waits for."""

    def __init__(self, stream: TextIOBase) -> None:
        self._stream = stream
        self._told: set[object] = set()

    def show(self, job: Job) -> None:
        for other in Job.objects.in_the_way_of(job) if job.state == "waiting" else ():
            self._tell(other, f"waiting for job {other.pk} ({other.subject})")
        for report in job.reports.exclude(state=ProgressReport.State.RUNNING):
            self._tell(report, line_of(report))

    def _tell(self, about: object, line: str) -> None:
        if about not in self._told:
            self._told.add(about)
            self._stream.write(f"{line}\n")
            self._stream.flush()


class Bars(Display):
    """A bar for each report."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._tasks: dict[int, Any] = {}

    def show(self, job: Job) -> None:
        for report in job.reports.all():
            if report.pk not in self._tasks:
                name = f"{term(report.action):<10} {report.message}"
                self._tasks[report.pk] = self._progress.add_task(name, words="", total=None)
            done, total = (report.bytes_done, report.bytes_total) if report.bytes_total else (report.done, report.total)
            if report.finished_at:
                done = total = done or 1
            self._progress.update(self._tasks[report.pk], completed=done, total=total, words=amounts(report))


def line_of(report: ProgressReport) -> str:
    words = amounts(report)
    line = f"{term(report.action):<10} {report.message}{f': {words}' if words else ''}"
    return line if report.state == "completed" else f"{line} [{report.state}]"


def amounts(report: ProgressReport) -> str:
    """What a report counts: `3,412 of 10,000, 35.2 MB of 120 MB, 12.1 MB/s`. Unlike units are never added up."""
    words = []
    if report.total or report.done:
        words.append(_of(f"{report.done:,}", f"{report.total:,}" if report.total else ""))
    if report.bytes_total or report.bytes_done:
        words.append(_of(units.size(report.bytes_done), units.size(report.bytes_total) if report.bytes_total else ""))
    if report.rate and not report.finished_at:
        words.append(f"{units.size(report.rate)}/s")
    return ", ".join([*words, *([report.suffix] if report.suffix else [])])


def failures_of(job: Job) -> Iterator[str]:
    """A line for each of the first files that it could not get; and, once for each cause, what to do about it."""
    # Imported late: it brings all that fetches.
    from repos import causes

    told = set()
    for failed in job.failed_files.all()[:FAILURES]:
        asked = f" ({failed.url}, {units.counted(failed.tries, 'try')})" if failed.url else ""
        yield f"  {failed.path}: {failed.message}{asked}"
        advice = failed.advice or causes.advice_on_file(failed.cause)
        if advice not in told:
            told.add(advice)
            yield f"    {advice}"
    if job.failed > FAILURES:
        yield f"  … and {units.counted(job.failed - FAILURES, 'more file')}: manage.py job failed {job.pk}"


def _of(done: str, total: str) -> str:
    return f"{done} of {total}" if total and total != done else done
