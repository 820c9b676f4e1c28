"""Running a job: claimed, run as sync or modify → publish → distribute, ended; taken up again when its worker died."""

import logging
from pathlib import Path

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from . import bell, causes, clean, conf, jobs, retention, tracking, verifying
from .distribute import distribute
from .errors import BrakePulled, Canceled, FetchFailed, GivenBack, Lost, MillraceError, Refused
from .logs import about_job
from .models import Job, ProgressReport, Publication, PublishSettings, Repository, RepositoryVersion
from .models.job import State
from .modify import modify
from .pool import Workspace
from .publish import publish
from .sync import sync
from .tracking import JobProgress
from .versions import discard_unfinished

logger = logging.getLogger(__name__)

# A job over which this many workers died is not tried again.
MAX_DEATHS = 3


def run(pk: int, worker: str) -> None:
    """Runs job `pk` as `worker`, if it is waiting and nothing is in its way; else returns quietly."""
    # A process that is asked to end begins nothing: what it gave back is for another.
    job = None if tracking.closing.is_set() else claim(pk, worker)
    if job is None:
        return
    with about_job(pk):
        logger.info("Started (%s) for %s", ", ".join(job.actions), job.subject)
        _run(job)


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
    job.state, job.worker, job.attempt = State.RUNNING, worker, job.attempt + 1
    job.started_at = job.heartbeat_at = timezone.now()
    job.save(update_fields=["state", "worker", "attempt", "started_at", "heartbeat_at"])


def _run(job: Job) -> None:
    try:
        with Workspace(_workspace(job)) as folder, JobProgress(job) as progress:
            _chain(job, folder, progress)
    except GivenBack:
        _give_back(job)
        logger.info("Given back, to be continued")
    except Lost:
        logger.warning("Lost to another worker")
    except Canceled:
        _end(job, State.CANCELED)
    except BrakePulled as brake:
        _end(job, State.FAILED, str(brake), brake.code, would_remove=brake.removing)
    except FetchFailed as error:
        _end(job, State.FAILED, f"{error}. {causes.advice(error)} Nothing was changed here.", error.code)
    except MillraceError as error:
        _end(job, State.FAILED, str(error), error.code)
    except Exception as error:
        # The one broad clause: whatever went wrong, the job has to say so.
        logger.exception("Unexpected error")
        _end(job, State.FAILED, f"Unexpected {type(error).__name__}; the log of job {job.pk} has the details.", "bug")
    else:
        _end(job, State.COMPLETED)


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


def recover(*, dead: str = "", by: str) -> int:
    """Takes up the jobs whose worker is `dead` or silent, in the name of `by`; returns how many.

    They wait again, or have failed when too many workers died over them.
    """
    silent = Job.objects.silent_since(timezone.now() - conf.silence())
    abandoned = silent | Job.objects.filter(state=State.RUNNING, worker=dead) if dead else silent
    return sum(_recover(job, by) for job in abandoned.select_related("repository"))


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
