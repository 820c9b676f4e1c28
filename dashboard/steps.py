"""A job as its steps: the one place that derives an action's state from the job's and from its reports."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from repos.models import Job, ProgressReport
from repos.models.job import State

from . import pace

WAITING = "waiting"
RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
CANCELED = "canceled"
NOT_RUN = "not run"
# Of a verify that did its work: what it found is bad, the step is not.
DAMAGE_FOUND = "damage found"

_NAMES: dict[str, str | Promise] = {
    "sync": _("Sync"),
    "modify": _("Change"),
    "publish": _("Publish"),
    "distribute": _("Distribute"),
    "verify": _("Verify"),
    "clean": _("Clean"),
}
# Of a step that is over, the reports that tell most, the best first.
_TELLING = (
    *("sync.downloading.artifacts", "associating.content", "publish.metadata", "distribute.switching"),
    *("verify.reading", "clean.files"),
)


@dataclass
class Step:
    """One action of a job: its derived state, and its reports, oldest first."""

    action: str
    state: str
    reports: list[ProgressReport]

    @property
    def name(self) -> str:
        return str(_NAMES[self.action])

    @property
    def current(self) -> ProgressReport | None:
        """The report that speaks for the step: the one at work, else the last."""
        at_work = [report for report in self.reports if report.state == RUNNING]
        speaking = at_work or self.reports
        return speaking[-1] if speaking else None

    @property
    def telling(self) -> ProgressReport | None:
        """The report that tells in a line what the step came to."""
        by_code = {report.code: report for report in reversed(self.reports)}
        found = [by_code[code] for code in _TELLING if code in by_code]
        return found[0] if found and self.state != RUNNING else self.current

    @property
    def measured(self) -> ProgressReport | None:
        """The report whose speed is worth a picture."""
        found = [report for report in self.reports if report.samples]
        return found[-1] if found else None

    @property
    def speeds(self) -> list[tuple[float, float]]:
        """Of that, seconds and bytes a second; none if not a byte came."""
        found = pace.speeds_of(self.measured) if self.measured else []
        return found if any(speed for _, speed in found) else []

    @property
    def is_open(self) -> bool:
        """Whether it is worth more than a line: it is at work, or somebody has to do something about it."""
        return self.state in (RUNNING, FAILED, DAMAGE_FOUND)

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
        return RUNNING if job.is_active else DAMAGE_FOUND if job.found_damage else job.state
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
    if job.state == State.FAILED and not any(step.state in (FAILED, DAMAGE_FOUND) for step in steps):
        for step in [step for step in steps if step.state == NOT_RUN][:1]:
            step.state = FAILED
