"""A job as its steps: the one place that derives an action's state from the job's and from its reports."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from repos.models import Job, ProgressReport
from repos.models.job import State

WAITING = "waiting"
RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
CANCELED = "canceled"
NOT_RUN = "not run"

_NAMES = {
    "sync": "Sync",
    "modify": "Modify",
    "publish": "Publish",
    "distribute": "Distribute",
    "verify": "Verify",
    "clean": "Clean",
}


@dataclass
class Step:
    """One action of a job: its derived state, and its reports, oldest first."""

    action: str
    state: str
    reports: list[ProgressReport]

    @property
    def name(self) -> str:
        return _NAMES[self.action]

    @property
    def current(self) -> ProgressReport | None:
        """The report that speaks for the step: the one at work, else the last."""
        at_work = [report for report in self.reports if report.state == RUNNING]
        speaking = at_work or self.reports
        return speaking[-1] if speaking else None

    @property
    def duration(self) -> timedelta | None:
        """From its first report to the end of its last, or to now; None if it has none."""
        if not self.reports:
            return None
        ends = [report.finished_at for report in self.reports if report.finished_at]
        still = self.state == RUNNING or not ends
        return (timezone.now() if still else max(ends)) - self.reports[0].started_at


def steps_of(job: Job) -> list[Step]:
    """The actions that `job` was asked for, in order, and what it did besides. Reads `job.reports`, once."""
    # What a waiting job has of reports is from a worker that gave it back: all is begun anew.
    reports = [] if job.state == State.WAITING else list(job.reports.all())
    # What retention lets go at the end of a run is reported, though nobody asked for it.
    names = dict.fromkeys([*job.actions, *(one.action for one in reports)])
    steps = [Step(name, "", [one for one in reports if one.action == name]) for name in names]
    reached = max((place for place, step in enumerate(steps) if step.reports), default=-1)
    for place, step in enumerate(steps):
        step.state = _state(job, step, passed=place < reached)
    _mark_the_break(job, steps)
    return steps


def _state(job: Job, step: Step, *, passed: bool) -> str:
    if not step.reports:
        return _state_of_silence(job)
    last = step.reports[-1].state
    if last == COMPLETED and not passed and not _made_it(job, step):
        # Between two lines of one step nothing runs for a moment, though the step is not over.
        return RUNNING if job.is_active else job.state
    return CANCELED if last == RUNNING and not job.is_active else last


def _made_it(job: Job, step: Step) -> bool:
    """Whether the step is known to be over by what it made."""
    made = {"sync": job.version_id, "modify": job.version_id, "publish": job.publication_id}
    return made.get(step.action) is not None


def _state_of_silence(job: Job) -> str:
    if job.is_active:
        return WAITING
    return COMPLETED if job.state == State.COMPLETED else NOT_RUN


def _mark_the_break(job: Job, steps: list[Step]) -> None:
    """A job that failed before a step's first report failed at that step."""
    if job.state == State.FAILED and not any(step.state == FAILED for step in steps):
        for step in [step for step in steps if step.state == NOT_RUN][:1]:
            step.state = FAILED
