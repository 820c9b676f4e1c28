"""Jobs whose worker died: taken up again, or failed, and what they left is swept away."""

import logging

from django.utils import timezone

from . import conf
from .endings import end, give_back, ours, tell_the_rest
from .logs import about_job
from .models import Job
from .models.job import State
from .pool import Workspace
from .pulses import Pulses
from .tracking import JobProgress
from .versions import discard_unfinished
from .words import say

logger = logging.getLogger(__name__)

# A job over which this many workers died is not tried again.
MAX_DEATHS = 3


def recover(*, dead: str = "", by: str, pulses: Pulses | None = None) -> int:
    """Takes up the jobs whose worker is `dead`, in the name of `by`; returns how many.

    So it does with those whose heartbeat `pulses` has seen stand still for too long. They wait again, or have failed
    when too many workers died over them.
    """
    tell_the_rest()
    running = list(Job.objects.filter(state=State.RUNNING).select_related("repository"))
    still = pulses.still({job.pk: (job.attempt, job.heartbeat_at) for job in running}) if pulses else {}
    silence = conf.silence().total_seconds()
    abandoned = [job for job in running if (dead and job.worker == dead) or still.get(job.pk, 0.0) > silence]
    return sum(_recover(job, by) for job in abandoned)


def _recover(job: Job, by: str) -> bool:
    with about_job(job.pk):
        # From here on its former worker, should it live, finds no row of its own any more.
        now = timezone.now()
        taken = {"attempt": job.attempt + 1, "deaths": job.deaths + 1, "worker": by, "heartbeat_at": now}
        if not ours(job).update(**taken):
            return False
        logger.warning("Its worker %s is gone", job.worker)
        gone = say("Its worker {worker} is gone: the next one goes on with it.", worker=job.worker)
        Workspace(job.workspace).remove()
        job.refresh_from_db()
        if job.repository and not job.is_upkeep:
            discard_unfinished(job.repository, JobProgress(job))
        if job.deaths < MAX_DEATHS:
            return give_back(job, gone)
        error = say(
            "Its worker died {count} times while it ran. Look into the log for why, then run it again.",
            count=job.deaths,
        )
        return end(job, State.FAILED, error, "died")


def sweep() -> int:
    """Removes the working directories of runs that are over, which workers that were killed left; returns how many.

    A run is there before its directory. So one that is not running after we saw the directory is over.
    """
    found = [Workspace(folder.name) for folder in (conf.data() / "work").glob("job-*")]
    live = {job.workspace for job in Job.objects.filter(state=State.RUNNING)}
    over = [one for one in found if one.path.name not in live]
    for one in over:
        one.remove()
    return len(over)
