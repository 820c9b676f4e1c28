"""Rows as a busy installation has them, in every state: what pages and pictures of them are made of."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from repos import jobs, workers
from repos.create import make_repository
from repos.distributions import make_distribution
from repos.jobs import Actions
from repos.models import (
    Artifact,
    Distribution,
    FailedFile,
    Job,
    ProgressReport,
    Publication,
    Repository,
    RepositoryVersion,
    Switch,
)

MB = 1_000_000
ALL = Actions()


def an_operator(name: str = "admin") -> User:
    return User.objects.get_or_create(username=name, defaults={"is_superuser": True, "is_staff": True})[0]


def a_repository(name: str = "debian-tools", **values: Any) -> Repository:
    known = {"url": f"https://downloads.example.org/{name}/PULP_MANIFEST", "base_path": f"mirrors/{name}"}
    repository = make_repository(name=name, **(known | values))
    _backdate(repository.versions.all(), timezone.now() - timedelta(days=12))
    return repository


def a_version(repository: Repository, **values: Any) -> RepositoryVersion:
    known = {"files": 4_812, "size": 18_400 * MB, "added": 12, "removed": 3, "changed": 4}
    number = repository.latest_version().number + 1
    return repository.versions.create(number=number, complete=True, **(known | values))


def _backdate(rows: QuerySet[Any], moment: datetime | None, field: str = "created_at") -> None:
    """Rows are dated when they are made; a scene wants them older."""
    if moment:
        rows.update(**{field: moment})


def a_publication(version: RepositoryVersion) -> Publication:
    return Publication.objects.create(version=version, settings=version.repository.publish_settings)


def a_job(repository: Repository | None, actions: Actions = ALL, *, ago: float = 0, **values: Any) -> Job:
    """A waiting job, requested `ago` seconds before now."""
    requested = timezone.now() - timedelta(seconds=ago)
    asked = actions.columns() | {"request": " ".join(actions.words())}
    job = Job.objects.create(repository=repository, requested_at=requested, **(asked | values))
    jobs.reserve(job)
    return job


def a_running_job(repository: Repository | None, actions: Actions = ALL, *, ago: float = 95, **values: Any) -> Job:
    now = timezone.now()
    running = {"state": "running", "worker": "mirror-1:/srv/millrace", "attempt": 1, "heartbeat_at": now}
    started = now - timedelta(seconds=ago - 1)
    job = a_job(repository, actions, ago=ago, **(running | {"started_at": started} | values))
    job.reservations.update(held=True)
    return job


def an_ended_job(
    repository: Repository | None,
    state: str,
    actions: Actions = ALL,
    *,
    ago: float = 3600,
    took: float = 42,
    **values: Any,
) -> Job:
    started = timezone.now() - timedelta(seconds=ago - 1)
    ended = {"state": state, "attempt": 1, "started_at": started, "finished_at": started + timedelta(seconds=took)}
    return a_job(repository, actions, ago=ago, **(ended | values))


def a_report(job: Job, action: str, code: str, message: str, state: str = "completed", **values: Any) -> ProgressReport:
    """A line of the job's progress, beginning where the one before ended; `took` is in seconds."""
    took = timedelta(seconds=values.pop("took", 1))
    before = job.reports.last()
    started = (before and before.finished_at) or job.started_at or timezone.now()
    finished = None if state == "running" else started + took
    return job.reports.create(
        action=action, code=code, message=message, state=state, started_at=started, finished_at=finished, **values
    )


def the_list_was_read(job: Job, files: int = 4_812) -> None:
    size = files * 110
    a_report(job, "sync", "sync.downloading.metadata", "Fetching the list of files", done=1, bytes_done=size, took=0.4)
    a_report(job, "sync", "sync.parsing.metadata", "Reading the list of files", done=files, took=0.8)


def files_are_fetched(job: Job, *, done: int, total: int, size: int, state: str = "running", **values: Any) -> None:
    part = {"done": done, "total": total, "bytes_done": size * done // total, "bytes_total": size, "rate": 48 * MB}
    a_report(job, "sync", "sync.downloading.artifacts", "Fetching what is new", state, **(part | values))


def files_were_recorded(job: Job, arriving: int, leaving: int = 0) -> None:
    if leaving:
        message = "Taking out what went or changed"
        a_report(job, "sync", "unassociating.content", message, done=leaving, total=leaving, took=0.2)
    a_report(job, "sync", "associating.content", "Recording the new files", done=arriving, total=arriving, took=0.6)


def it_was_published(job: Job, version: RepositoryVersion) -> Publication:
    amount: dict[str, Any] = {"done": version.files, "total": version.files, "bytes_done": version.files * 110}
    a_report(job, "publish", "publish.metadata", "Writing PULP_MANIFEST", took=0.7, **amount)
    publication = a_publication(version)
    _backdate(Publication.objects.filter(pk=publication.pk), job.finished_at)
    Job.objects.filter(pk=job.pk).update(version=version, publication=publication)
    return publication


def it_was_distributed(job: Job, publication: Publication) -> None:
    assert job.repository
    following = Distribution.objects.following(job.repository)
    suffix = ", ".join(one.base_path for one in following)
    amount: dict[str, Any] = {"done": len(following), "total": len(following)}
    a_report(job, "distribute", "distribute.switching", "Switching what is served", suffix=suffix, took=0.02, **amount)
    for one in following:
        Switch.objects.create(distribution=one, earlier=one.publication, later=publication, job=job, reason="published")
    _backdate(job.switches.all(), job.finished_at, "at")
    following.update(publication=publication)


def a_completed_job(repository: Repository, *, ago: float = 3600, took: float = 42, **version: Any) -> Job:
    """A run that found something new, published it and switched to it."""
    job = an_ended_job(repository, "completed", ago=ago, took=took, requested_by=an_operator())
    made = a_version(repository, **version)
    _backdate(RepositoryVersion.objects.filter(pk=made.pk), job.finished_at)
    the_list_was_read(job, made.files)
    files_are_fetched(
        job,
        done=made.added + made.changed,
        total=made.added + made.changed,
        size=made.size,
        state="completed",
        took=took,
    )
    files_were_recorded(job, made.added + made.changed, made.removed + made.changed)
    it_was_distributed(job, it_was_published(job, made))
    return Job.objects.get(pk=job.pk)


def an_unchanged_job(repository: Repository, *, ago: float = 600) -> Job:
    job = an_ended_job(repository, "completed", ago=ago, took=0.3)
    newest = repository.latest_version().number
    a_report(
        job, "sync", "sync.downloading.metadata", "Fetching the list of files", done=1, suffix="not changed", took=0.1
    )
    for action, why in (
        ("sync", f"The upstream's list is the same: unchanged since version {newest}"),
        ("publish", f"Version {newest} was published with these settings on 2026-11-20 09:12 UTC"),
        ("distribute", f"Every distribution that follows already serves version {newest}"),
    ):
        a_report(job, action, f"{action}.was_skipped", why, "skipped", took=0)
    return job


def a_failed_job(repository: Repository, *, ago: float = 1800, failures: int = 7) -> Job:
    url = "https://downloads.example.org/data"
    error = (
        f"{failures} files could not be fetched, so no version was made. The first: images/disk-00.qcow2: the file is "
        "not what the list says. What was fetched is kept: run again to fetch only the rest."
    )
    job = an_ended_job(repository, "failed", ago=ago, took=31, error=error, error_code="files")
    the_list_was_read(job, 960)
    files_are_fetched(job, done=953, total=960, size=7_200 * MB, state="failed", suffix=f"{failures} failed", took=28)
    FailedFile.objects.bulk_create(_failure(job, number, url) for number in range(failures))
    return job


def _failure(job: Job, number: int, url: str) -> FailedFile:
    path = f"images/disk-{number:02}.qcow2"
    digest = hashlib.sha256(path.encode()).hexdigest()
    failed = FailedFile(
        job=job, path=path, url=f"{url}/{path}", tries=4, expected_sha256=digest, expected_size=734_003_200
    )
    if number % 3 == 0:
        failed.cause, failed.message = "digest", "the file is not what the list says"
        failed.actual_size, failed.actual_sha256 = 734_003_200, hashlib.sha256(digest.encode()).hexdigest()
    elif number % 3 == 1:
        failed.cause, failed.message = "size", "the connection broke off before the end"
        failed.actual_size = 212_860_928
    else:
        failed.cause, failed.message, failed.tries = "404", "there is no such file (404)", 1
    return failed


def a_canceled_job(repository: Repository, *, ago: float = 7200) -> Job:
    job = an_ended_job(repository, "canceled", ago=ago, took=12, cancel_requested_at=timezone.now())
    the_list_was_read(job)
    files_are_fetched(job, done=1_204, total=4_812, size=18_400 * MB, state="canceled", took=10)
    return job


def a_job_that_fetches(repository: Repository) -> Job:
    """Running, a quarter through its downloads."""
    job = a_running_job(repository, requested_by=an_operator())
    the_list_was_read(job)
    files_are_fetched(job, done=1_204, total=4_812, size=18_400 * MB)
    return job


def a_job_that_publishes(repository: Repository) -> Job:
    job = a_running_job(repository, ago=21)
    version = a_version(repository)
    the_list_was_read(job, version.files)
    files_are_fetched(job, done=16, total=16, size=61 * MB, state="completed", took=14)
    files_were_recorded(job, 16, 7)
    a_report(job, "publish", "publish.metadata", "Writing PULP_MANIFEST", "running", done=2_000, total=version.files)
    Job.objects.filter(pk=job.pk).update(version=version)
    return job


def stored(size: int) -> None:
    Artifact.objects.create(sha256=hashlib.sha256(str(size).encode()).hexdigest(), size=size)


def a_worker() -> None:
    workers.enter("mirror-1:/srv/millrace", threads=2)


def a_busy_house() -> dict[str, Job]:
    """Everything at once; returns the jobs that are worth a look, by what they are."""
    a_worker()
    stored(61_234 * MB)
    tools, docs = a_repository("debian-tools"), a_repository("python-docs", base_path="docs/python")
    data, images = a_repository("open-data", base_path="data"), a_repository("cloud-images", mirror=True)
    firmware = a_repository("router-firmware", base_path="firmware/router")
    make_distribution(tools, "stable/debian-tools")
    for days in (9, 6, 4, 2):
        a_completed_job(tools, ago=days * 86400, files=4_800 + days, size=18_000 * MB + days * 70 * MB)
    a_completed_job(docs, ago=86400 * 3, files=12_403, size=412 * MB, added=12_403, removed=0, changed=0)
    found = {
        "completed": a_completed_job(images, ago=5400, took=301, files=84, size=42_100 * MB, added=6, removed=6),
        "canceled": a_canceled_job(firmware),
        "failed": a_failed_job(data),
        "unchanged": an_unchanged_job(docs),
    }
    found["publishing"] = a_job_that_publishes(images)
    found["fetching"] = a_job_that_fetches(tools)
    found["waiting"] = a_job(tools, Actions(distribute=False), ago=20, requested_by=an_operator())
    return found
