"""A job's log: the dated lines of what happened to it, kept however it ended.

What the job's row tells anyhow (who asked for it, and how it ended) is no line of its own: `lines_of` tells it first
and last. The others are written with the progress, by the attempt that they are about.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from django.utils import timezone

from . import units
from .models import Job, LogLine
from .models.job import State
from .terms import term
from .words import later, say

INFO, WARNING, ERROR = LogLine.Level.INFO, LogLine.Level.WARNING, LogLine.Level.ERROR
# Of one attempt: a log is read, and nobody reads more.
MOST = 60
LONGEST = 500


# How it ended: after some time, or before it began.
_ENDS = {
    State.FAILED: (ERROR, later("Failed after {time}: {error}"), later("Failed: {error}")),
    State.CANCELED: (WARNING, later("Canceled after {time}."), later("Canceled.")),
    State.COMPLETED: (INFO, later("Completed after {time}."), later("Completed.")),
}


@dataclass(frozen=True, slots=True)
class Line:
    message: str
    level: str = INFO
    at: datetime = field(default_factory=timezone.now)


class Unwritten:
    """The lines of one attempt that no transaction has written yet. One thread adds, another writes."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._taken = 0

    def add(self, message: str, level: str) -> None:
        if self._taken < MOST:
            self._taken += 1
            self._lines.append(Line(message, level))

    def write(self, job: Job) -> int:
        """Writes what there is, in the caller's transaction, and returns how many: for `written`, once committed."""
        lines = list(self._lines)
        if lines:
            LogLine.objects.bulk_create([_row(job, one) for one in lines])
        return len(lines)

    def written(self, number: int) -> None:
        del self._lines[:number]


def note(job: Job, message: str, level: str = INFO) -> None:
    """Writes a line at once, in the caller's transaction."""
    _row(job, Line(message, level)).save()


def _row(job: Job, line: Line) -> LogLine:
    return LogLine(job=job, at=line.at, level=line.level, message=line.message[:LONGEST])


def lines_of(job: Job) -> list[Line]:
    """All of the job's log, oldest first."""
    written = (Line(row.message, row.level, row.at) for row in job.log.all())
    # What was noted at once may be older than lines that waited for the next beat.
    between = sorted(written, key=attrgetter("at"))
    return [_request(job), *between, *_end(job)]


def _request(job: Job) -> Line:
    actions = ", ".join(map(term, job.actions))
    what = say("dry run of {actions}", actions=actions) if job.dry_run else actions
    if job.requested_by:
        return Line(say("Requested by {who}: {what}.", who=job.requested_by, what=what), INFO, job.requested_at)
    return Line(say("Requested: {what}.", what=what), INFO, job.requested_at)


def _end(job: Job) -> Iterator[Line]:
    if job.finished_at is None:
        return
    took = units.duration(job.duration) if job.duration is not None else ""
    level, after, at_once = _ENDS[State(job.state)]
    yield Line(say(after if took else at_once, time=took, error=job.error), level, job.finished_at)
