"""Running a job: claimed, run as sync or modify → publish → distribute, ended."""

import logging
from functools import partial
from pathlib import Path

from django.db import Error as DatabaseFailed
from django.db import IntegrityError, transaction
from django.utils import timezone

from . import causes, clean, dry_run, outages, reservations, retention, tracking, verifying
from .distribute import distribute
from .endings import Ending, end, give_back, tell, unforeseen
from .errors import MillraceError
from .errors.refusals import Refused
from .errors.stops import Canceled, GivenBack, Lost
from .errors.upstreams import BrakePulled, FetchFailed
from .logs import about_job
from .models import Job, Publication, PublishSettings, Repository, RepositoryVersion
from .models.job import State
from .modify import modify
from .pool import Workspace
from .publish import publish
from .sync import sync
from .tracking import JobProgress
from .words import later, say

logger = logging.getLogger(__name__)


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
            reservations.reserve(job)
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
    job.heartbeat_at = timezone.now()
    # Whoever waits for it has waited since the first start.
    job.started_at = job.started_at or job.heartbeat_at
    job.save(update_fields=["state", "worker", "attempt", "failed", "started_at", "heartbeat_at"])


def _run(job: Job) -> None:
    tell(_ending(job))


def _ending(job: Job) -> Ending:
    """Runs it, and returns what writes down how that ended."""
    try:
        with Workspace(job.workspace) as folder, JobProgress(job) as progress:
            again = later("Taken up again by the worker {worker}.")
            begun = later("Started by the worker {worker}.")
            progress.log(say(begun if job.attempt == 1 else again, worker=job.worker))
            _chain(job, folder, progress)
    except GivenBack:
        logger.info("Given back, to be continued")
        said = say("Given back by the worker {worker}, which was asked to end.", worker=job.worker)
        return partial(give_back, job, said)
    except Lost:
        logger.warning("Lost to another worker")
        return lambda: None
    except Canceled:
        return partial(end, job, State.CANCELED)
    except BrakePulled as brake:
        return partial(end, job, State.FAILED, str(brake), brake.code, would_remove=brake.removing)
    except FetchFailed as error:
        said = say("{error}. {advice} Nothing was changed here.", error=error, advice=causes.advice(error))
        return partial(end, job, State.FAILED, said, error.code)
    except MillraceError as error:
        return partial(end, job, State.FAILED, str(error), error.code)
    except Exception as error:  # noqa: BLE001
        # The one broad clause: whatever went wrong, the job has to say so.
        return unforeseen(job, error)
    return partial(end, job, State.COMPLETED)


def _chain(job: Job, folder: Path, progress: JobProgress) -> None:
    """The chain itself. Each step asks whether it is already true."""
    if job.with_verify:
        verifying.verify(job, folder, progress=progress)
    elif job.with_clean:
        clean.clean(job, progress=progress)
    elif job.repository:
        _bring(job, job.repository, folder, progress)


def _bring(job: Job, repository: Repository, folder: Path, progress: JobProgress) -> None:
    if job.dry_run:
        dry_run.look(repository, folder, progress=progress, job=job)
        return
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
        raise Refused(say("Version {number} was deleted before it could be published.", number=job.of_version))
    return named
