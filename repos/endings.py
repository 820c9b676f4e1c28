"""How a running job of ours ends, written down: completed, failed, canceled, or given back to be taken up again."""

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from django.db import Error as DatabaseFailed
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from . import bell, conf, joblog, outages, space, tracking
from .models import Job, ProgressReport
from .models.job import State
from .reservations import ring_waiting
from .words import say

logger = logging.getLogger(__name__)

# Seconds between two tries to write down how a job ended, while the database is away.
PAUSE = 0.5

# What writes down how a job ended, if the job is still ours.
Ending = Callable[[], object]
# Those that the database could not be told.
_untold: deque[Ending] = deque()


def tell(ending: Ending) -> None:
    """Writes down how a job ended, for as long as its heart may be silent; then it is for `recover` to do."""
    deadline = time.monotonic() + conf.silence().total_seconds()
    while not _told(ending):
        if time.monotonic() > deadline or tracking.closing.wait(PAUSE):
            _untold.append(ending)
            return


def _told(ending: Ending) -> bool:
    """Whether `ending` could be written down; False while the database is away or full."""
    try:
        ending()
    except DatabaseFailed as error:
        if not outages.of(error):
            raise
        if not connection.in_atomic_block:
            connection.close()
        return False
    return True


def tell_the_rest() -> None:
    """Writes down what the database could not be told before."""
    while _untold and _told(_untold[0]):
        _untold.popleft()


def unforeseen(job: Job, error: Exception) -> Ending:
    """That the job met `error`, of which no clause knows: of our surroundings, or else a mistake of ours."""
    outage = outages.of(error)
    if outage and outage.passes:
        logger.warning("Given back, to be continued when the database answers: %s", outages.told(error))
        return partial(give_back, job, say("Given back, to be continued when the database answers."))
    if outage:
        logger.error("The database failed: %s", outages.told(error))
        return partial(end, job, State.FAILED, outage.why, "database")
    if not_stored := space.not_stored(error):
        return partial(end, job, State.FAILED, str(not_stored), not_stored.code)
    logger.error("Unexpected error", exc_info=error)
    said = say("Unexpected {error}; the log of job {job} has the details.", error=type(error).__name__, job=job.pk)
    return partial(end, job, State.FAILED, said, "bug")


def end(job: Job, state: str, error: str = "", code: str = "", *, would_remove: int | None = None) -> bool:
    """Moves a running job of ours to its end, and rings for those that waited for it. False if it was not ours."""
    ended = {"state": state, "finished_at": timezone.now(), "error": error, "error_code": code}
    with transaction.atomic():
        if not ours(job).update(**ended, would_remove=would_remove):
            return False
        _let_go(job)
    logger.info("%s%s", state.capitalize(), f": {error}" if error else "")
    return True


def give_back(job: Job, said: str) -> bool:
    """Makes a running job of ours wait again, to be taken up by whoever comes. False if it was not ours."""
    with transaction.atomic():
        if not ours(job).update(state=State.WAITING, worker=""):
            return False
        joblog.note(job, said)
        _let_go(job)
        bell.ring(job.pk)
        return True


def ours(job: Job) -> QuerySet[Job]:
    """The running job, as long as nobody has taken it from us: then no row matches."""
    return Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.RUNNING)


def _let_go(job: Job) -> None:
    """Frees what a job held and closes the reports that it left open."""
    job.reservations.update(held=False)
    still_open = job.reports.filter(state=ProgressReport.State.RUNNING)
    still_open.update(state=ProgressReport.State.CANCELED, finished_at=timezone.now())
    ring_waiting(job)
