"""A database as it is after years of use: many repositories, more jobs, most files. For what must not grow with them.

The rows are written directly and keep to the constraints; no bytes lie behind them.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from repos.models import (
    AccessToken,
    Artifact,
    Content,
    Distribution,
    FailedFile,
    Job,
    ProgressReport,
    Publication,
    PublishedMetadata,
    PublishSettings,
    Remote,
    Repository,
    RepositoryVersion,
    RequestedChange,
    Reservation,
    Switch,
)
from repos.models.job import State

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")

# The pages and the live fragments; `address` says what they are about.
PAGES = [
    *("/", "/running/", "/status/", "/status/now/", "/status.json", "/storage/", "/tokens/", "/users/", "/profile/"),
    *("/jobs/", "/jobs/?state=failed", "/jobs/?state=active", "/jobs/?q=repository-00007", "/jobs/table/"),
    *("/jobs/{ended}/", "/jobs/{ended}/panel/"),
    *("/jobs/{waiting}/", "/jobs/{waiting}/panel/", "/jobs/{running}/", "/jobs/{running}/panel/"),
    *("/repositories/", "/repositories/?sort=size", "/repositories/?q=repository-0000", "/repositories/table/"),
    *("/repositories/{repository}/", "/repositories/{repository}/running/", "/repositories/{repository}/status/"),
    *("/repositories/{repository}/files/", "/repositories/{repository}/files/?q=file"),
    *("/repositories/{repository}/versions/", "/repositories/{repository}/versions/9/"),
    *("/repositories/{repository}/versions/9/files/", "/repositories/{repository}/versions/9/files/?folder=folder-07/"),
    *("/repositories/{repository}/compare/", "/repositories/{repository}/compare/?from=1&to=9"),
    *("/repositories/{repository}/publications/", "/repositories/{repository}/distributions/"),
    *("/repositories/{repository}/jobs/", "/repositories/{repository}/edit/", "/repositories/{repository}/delete/"),
    *("/distributions/", "/distributions/{distribution}/", "/publications/", "/publications/{publication}/"),
    *("/storage/{repository}/", "/storage/{repository}/versions/"),
    *("/remotes/", "/remotes/{remote}/", "/publish-settings/", "/publish-settings/{settings}/"),
]
BATCH = 2_000
# In days: how long ago the first job was requested.
AGE = 700


@dataclass(frozen=True)
class Years:
    """How much there is. Of each repository's versions the later half is published, and the newest served."""

    repositories: int = 40
    versions: int = 10
    jobs: int = 4_000
    files: int = 20_000

    def write(self) -> None:
        """Writes all of it into an empty database, and has the database look at it."""
        with transaction.atomic():
            repositories = self._repositories()
            self._versions(repositories)
            self._publications(repositories)
            self._content(repositories)
            self._jobs(repositories)
            self._tokens()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def _repositories(self) -> list[Repository]:
        settings, names = PublishSettings.objects.matching(), [f"repository-{n:05}" for n in range(self.repositories)]
        remotes = _made(Remote(name=name, url=f"http://127.0.0.1/{name}/PULP_MANIFEST") for name in names)
        now = timezone.now()
        return _made(
            Repository(
                name=remote.name, remote=remote, publish_settings=settings, synced_at=now - timedelta(hours=n % 99)
            )
            for n, remote in enumerate(remotes)
        )

    def _versions(self, repositories: list[Repository]) -> None:
        each = self.files // self.repositories
        for repository in repositories:
            RepositoryVersion.objects.create(repository=repository, number=0, complete=True)
        _made(
            RepositoryVersion(repository=repository, number=n + 1, complete=True, files=each, size=each, added=0)
            for repository in repositories
            for n in range(self.versions)
        )

    def _publications(self, repositories: list[Repository]) -> None:
        settings = PublishSettings.objects.get()
        kept = RepositoryVersion.objects.filter(number__gt=self.versions // 2).order_by("pk")
        made = _made(Publication(version=version, settings=settings) for version in kept)
        lists = _made(Artifact(sha256=_digest(f"list {one.pk}"), size=1000) for one in made)
        _made(
            PublishedMetadata(publication=one, path="PULP_MANIFEST", artifact=artifact)
            for one, artifact in zip(made, lists, strict=True)
        )
        by_repository: dict[int, list[Publication]] = {}
        for one in made:
            by_repository.setdefault(one.version.repository_id, []).append(one)
        served = _made(
            Distribution(
                base_path=one.name, repository=one, publication=by_repository[one.pk][-1], protected=n % 10 == 0
            )
            for n, one in enumerate(repositories)
        )
        _made(
            Switch(distribution=one, earlier=before, later=after, reason="followed")
            for one in served
            for before, after in itertools.pairwise([None, *by_repository[one.repository_id]])
        )
        Switch.objects.update(at=timezone.now() - timedelta(days=100))

    def _content(self, repositories: list[Repository]) -> None:
        """A tenth of the files was there in the first half of the versions only."""
        each, half = self.files // self.repositories, self.versions // 2

        def rows() -> Iterator[tuple[Artifact, int, str, int]]:
            for repository in repositories:
                for n in range(each):
                    artifact = Artifact(sha256=_digest(f"{repository.pk} {n}"), size=1)
                    removed = half if n % 10 == 0 else Content.FOREVER
                    yield artifact, repository.pk, f"folder-{n % 100:02}/file-{n:07}", removed

        for batch in _batches(rows()):
            Artifact.objects.bulk_create([artifact for artifact, *_ in batch])
            Content.objects.bulk_create(
                Content(repository_id=pk, path=path, artifact=artifact, added=1, removed=removed)
                for artifact, pk, path, removed in batch
            )

    def _jobs(self, repositories: list[Repository]) -> None:
        """Nearly all are over; a few wait or run, at the end."""
        of = dict(Distribution.objects.values_list("repository", "pk"))
        step, began = timedelta(days=AGE) / self.jobs, timezone.now() - timedelta(days=AGE)
        turns = itertools.islice(itertools.cycle(repositories), self.jobs)
        ended = ((n, one, began + n * step) for n, one in enumerate(turns))
        active = ((n, one, timezone.now()) for n, one in enumerate(repositories[:10]))
        for batch in _batches(itertools.chain((_ended(*one) for one in ended), (_active(*one) for one in active))):
            jobs = _made(batch)
            _made(
                Reservation(job=job, resource=name, held=job.state == State.RUNNING)
                for job in jobs
                for name in _needs(job)
            )
            _made(
                Switch(distribution_id=of[job.repository_id or 0], job=job, reason="followed")
                for job in jobs
                if _moved(job)
            )
            _made(RequestedChange(job=job, path="a") for job in jobs if job.failed)
            _made(_report(job, action) for job in jobs for action in job.actions if job.started_at)
            _made(_failure(job) for job in jobs if job.failed)

    def _tokens(self) -> None:
        _made(
            AccessToken(name=f"token {n}", digest=_digest(f"token {n}"), start=f"token {n}", everything=n % 2 == 0)
            for n in range(self.repositories)
        )


def address(page: str) -> str:
    """One of PAGES, about something that is there."""
    distribution = Distribution.objects.select_related("repository").order_by("-pk")[0]
    newest = {
        state: Job.objects.filter(state=state).order_by("-pk")[0].pk for state in ("failed", "waiting", "running")
    }
    return page.format(
        repository=distribution.repository.pk,
        remote=distribution.repository.remote_id,
        settings=distribution.repository.publish_settings_id,
        distribution=distribution.pk,
        publication=distribution.publication_id,
        ended=newest["failed"],
        waiting=newest["waiting"],
        running=newest["running"],
    )


def _ended(n: int, repository: Repository, moment: datetime) -> Job:
    state = State.CANCELED if n % 50 == 1 else State.FAILED if n % 20 == 3 else State.COMPLETED
    why = {"error": "It failed.", "error_code": "fetch"} if state == State.FAILED else {}
    ends = {"started_at": moment, "finished_at": moment + timedelta(minutes=1), "worker": "a worker"}
    return _job(repository, state=state, requested_at=moment, failed=n % 20 == 3, **ends, **why)


def _active(n: int, repository: Repository, moment: datetime) -> Job:
    if n % 2:
        return _job(repository, state=State.WAITING, requested_at=moment)
    at_work = {"started_at": moment, "heartbeat_at": moment, "worker": "a worker"}
    return _job(repository, state=State.RUNNING, requested_at=moment, **at_work)


def _job(repository: Repository, **values: object) -> Job:
    asked = {"with_sync": True, "with_publish": True, "with_distribute": True, "request": "sync publish distribute"}
    return Job(repository=repository, **asked, **values)


def _moved(job: Job) -> bool:
    return job.state == State.COMPLETED


def _needs(job: Job) -> list[str]:
    return [f"repository:{job.repository_id}", f"distribution:{job.repository_id}"]


def _report(job: Job, action: str) -> ProgressReport:
    ended = {"state": "completed", "finished_at": job.finished_at} if job.finished_at else {}
    return ProgressReport(job=job, action=action, code=f"{action}.it", message=action, done=10, total=10, **ended)


def _failure(job: Job) -> FailedFile:
    about = {"cause": "not_found", "message": "it is not there", "tries": 4}
    return FailedFile(
        job=job, path="a", url="http://127.0.0.1/a", expected_sha256=_digest("a"), expected_size=1, **about
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _batches(rows: Iterable[Item]) -> Iterator[list[Item]]:
    them = iter(rows)
    while batch := list(itertools.islice(them, BATCH)):
        yield batch


def _made(rows: Iterable[Row]) -> list[Row]:
    made: list[Row] = []
    for batch in _batches(rows):
        made += type(batch[0])._default_manager.bulk_create(batch)
    return made
