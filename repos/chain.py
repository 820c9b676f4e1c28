"""Running a job: claimed, run as sync or modify → publish → distribute, ended; taken up again when its worker died."""

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.db import Error as DatabaseFailed
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from . import bell, causes, clean, conf, jobs, outages, retention, space, tracking, verifying
from .distribute import distribute
from .errors import BrakePulled, Canceled, FetchFailed, GivenBack, Lost, MillraceError, Refused
from .logs import about_job
from .models import Job, ProgressReport, Publication, PublishSettings, Repository, RepositoryVersion
from .models.job import State
from .modify import modify
from .pool import Workspace
from .publish import publish
from .pulses import Pulses
from .sync import sync
from .tracking import JobProgress
from .versions import discard_unfinished

logger = logging.getLogger(__name__)

# A job over which this many workers died is not tried again.
MAX_DEATHS = 3
# Seconds between two tries to write down how a job ended, while the database is away.
PAUSE = 0.5

# How jobs ended that the database could not be told: each writes it down, if the job is still ours.
_untold: deque[Callable[[], object]] = deque()


def run(pk: int, worker: str) -> None:
    """Runs job `pk` as `worker`, if it is waiting and nothing is in its way; else returns quietly."""
    # A process that is asked to end begins nothing: what it gave back is for another.
    job = None if tracking.closing.is_set() else _claimed(pk, worker)
    if job is None:
        return
    with about_job(pk):
        logger.info("Started (%s) for %s", ", ".join(job.actions), job.subject)
        _run(job)


def _claimed(pk: int, worker: str) -> Job | None:
    try:
        return claim(pk, worker)
    except DatabaseFailed as error:
        if not outages.of(error):
            raise
        # Whoever looks for overlooked jobs finds it.
        logger.warning("Job %s could not be begun: %s", pk, outages.told(error))
        return None


def claim(pk: int, worker: str) -> Job | None:
    """Makes a waiting job a running one of `worker`'s; None if it is gone, taken, or has to wait for another."""
    try:
        with transaction.atomic():
            waiting = Job.objects.select_for_update(of=("self",)).select_related(
                "repository__remote", "publish_settings"
            )
            job = waiting.filter(pk=pk, state=State.WAITING).first()
            if job is None:
                return None
            # Distributions may have come since the request.
            jobs.reserve(job)
            if Job.objects.in_the_way_of(job).exists():
                return None
            _take(job, worker)
            return job
    except IntegrityError:
        # The constraints have the last word: somebody else holds what this job needs.
        return None


def _take(job: Job, worker: str) -> None:
    job.reservations.update(held=True)
    job.reports.all().delete()
    job.failed_files.all().delete()
    job.state, job.worker, job.attempt, job.failed = State.RUNNING, worker, job.attempt + 1, 0
    job.started_at = job.heartbeat_at = timezone.now()
    job.save(update_fields=["state", "worker", "attempt", "failed", "started_at", "heartbeat_at"])


def _run(job: Job) -> None:
    _tell(_ending(job))


def _ending(job: Job) -> Callable[[], object]:
    """Runs it, and returns what writes down how that ended."""
    try:
        with Workspace(_workspace(job)) as folder, JobProgress(job) as progress:
            _chain(job, folder, progress)
    except GivenBack:
        logger.info("Given back, to be continued")
        return partial(_give_back, job)
    except Lost:
        logger.warning("Lost to another worker")
        return lambda: None
    except Canceled:
        return partial(_end, job, State.CANCELED)
    except BrakePulled as brake:
        return partial(_end, job, State.FAILED, str(brake), brake.code, would_remove=brake.removing)
    except FetchFailed as error:
        said = f"{error}. {causes.advice(error)} Nothing was changed here."
        return partial(_end, job, State.FAILED, said, error.code)
    except MillraceError as error:
        return partial(_end, job, State.FAILED, str(error), error.code)
    except Exception as error:  # noqa: BLE001
        # The one broad clause: whatever went wrong, the job has to say so.
        return _surprised(job, error)
    return partial(_end, job, State.COMPLETED)


def _surprised(job: Job, error: Exception) -> Callable[[], object]:
    """What writes down that the job met `error`: of our surroundings, or else a mistake of ours."""
    outage = outages.of(error)
    if outage and outage.passes:
        logger.warning("Given back, to be continued when the database answers: %s", outages.told(error))
        return partial(_give_back, job)
    if outage:
        logger.error("The database failed: %s", outages.told(error))
        return partial(_end, job, State.FAILED, outage.why, "database")
    if not_stored := space.not_stored(error):
        return partial(_end, job, State.FAILED, str(not_stored), not_stored.code)
    logger.error("Unexpected error", exc_info=error)
    said = f"Unexpected {type(error).__name__}; the log of job {job.pk} has the details."
    return partial(_end, job, State.FAILED, said, "bug")


def _tell(ending: Callable[[], object]) -> None:
    """Writes down how a job ended, for as long as its heart may be silent; then it is for `recover` to do."""
    deadline = time.monotonic() + conf.silence().total_seconds()
    while not _told(ending):
        if time.monotonic() > deadline or tracking.closing.wait(PAUSE):
            _untold.append(ending)
            return


def _told(ending: Callable[[], object]) -> bool:
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


def _tell_the_rest() -> None:
    """Writes down what the database could not be told before."""
    while _untold and _told(_untold[0]):
        _untold.popleft()


def _workspace(job: Job) -> str:
    # An attempt that was presumed dead may still have its own.
    return f"job-{job.pk}-{job.attempt}"


def _chain(job: Job, folder: Path, progress: JobProgress) -> None:
    """The chain itself. Each step asks whether it is already true."""
    if job.with_verify:
        verifying.verify(job, folder, progress=progress)
    elif job.with_clean:
        clean.clean(job, progress=progress)
    elif job.repository:
        _bring(job, job.repository, folder, progress)


def _bring(job: Job, repository: Repository, folder: Path, progress: JobProgress) -> None:
    if job.with_sync:
        sync(repository, folder, progress=progress, job=job)
    if job.with_modify:
        modify(repository, folder, progress=progress, job=job)
    if job.with_publish:
        version, settings = _version_to_publish(job, repository), _settings_to_publish_with(job, repository, progress)
        publish(version, settings, folder, progress=progress)
        if job.with_distribute:
            publication = Publication.objects.get(version=version, settings=settings)
            distribute(repository, publication, progress=progress, job=job)
    retention.let_go(repository, progress=progress)


def _settings_to_publish_with(job: Job, repository: Repository, progress: JobProgress) -> PublishSettings:
    """Those that the job names, or else the repository's by now. The job holds them: they are not deleted meanwhile."""
    if job.publish_settings:
        return job.publish_settings
    with transaction.atomic():
        # Locked, the repository moves to no others, and so its own cannot be deleted.
        settings = Repository.objects.select_for_update().get(pk=repository.pk).publish_settings
        progress.confirm(publish_settings=settings)
    return settings


def _version_to_publish(job: Job, repository: Repository) -> RepositoryVersion:
    """The newest; or, where nothing makes a new one, that which the job names."""
    if job.of_version is None or job.with_modify:
        return repository.latest_version()
    named = repository.versions.complete().filter(number=job.of_version).first()
    if named is None:
        raise Refused(f"Version {job.of_version} was deleted before it could be published.")
    return named


def _end(job: Job, state: str, error: str = "", code: str = "", *, would_remove: int | None = None) -> bool:
    """Moves a running job of ours to its end, and rings for those that waited for it. False if it was not ours."""
    ended = {"state": state, "finished_at": timezone.now(), "error": error, "error_code": code}
    with transaction.atomic():
        if not _ours(job).update(**ended, would_remove=would_remove):
            return False
        _let_go(job)
    logger.info("%s%s", state.capitalize(), f": {error}" if error else "")
    return True


def _give_back(job: Job) -> bool:
    """Makes a running job of ours wait again, to be taken up by whoever comes. False if it was not ours."""
    with transaction.atomic():
        if not _ours(job).update(state=State.WAITING, worker=""):
            return False
        _let_go(job)
        bell.ring(job.pk)
        return True


def _ours(job: Job) -> QuerySet[Job]:
    """The running job, as long as nobody has taken it from us: then no row matches."""
    return Job.objects.filter(pk=job.pk, attempt=job.attempt, state=State.RUNNING)


def _let_go(job: Job) -> None:
    """Frees what a job held and closes the reports that it left open."""
    job.reservations.update(held=False)
    still_open = job.reports.filter(state=ProgressReport.State.RUNNING)
    still_open.update(state=ProgressReport.State.CANCELED, finished_at=timezone.now())
    jobs.ring_waiting(job)


def recover(*, dead: str = "", by: str, pulses: Pulses | None = None) -> int:
    """Takes up the jobs whose worker is `dead`, in the name of `by`; returns how many.

    So it does with those whose heartbeat `pulses` has seen stand still for too long. They wait again, or have failed
    when too many workers died over them.
    """
    _tell_the_rest()
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
        if not _ours(job).update(**taken):
            return False
        logger.warning("Its worker %s is gone", job.worker)
        Workspace(_workspace(job)).remove()
        job.refresh_from_db()
        if job.repository and not job.is_upkeep:
            discard_unfinished(job.repository, JobProgress(job))
        if job.deaths < MAX_DEATHS:
            return _give_back(job)
        error = f"Its worker died {job.deaths} times while it ran. Look into the log for why, then run it again."
        return _end(job, State.FAILED, error, "died")


def sweep() -> int:
    """Removes the working directories of runs that are over, which workers that were killed left; returns how many.

    A run is there before its directory. So one that is not running after we saw the directory is over.
    """
    found = [Workspace(folder.name) for folder in (conf.data() / "work").glob("job-*")]
    live = {_workspace(job) for job in Job.objects.filter(state=State.RUNNING)}
    over = [one for one in found if one.path.name not in live]
    for one in over:
        one.remove()
    return len(over)
