"""What Prometheus asks an installation: how it is, and how each repository is, as numbers of this moment.

Names and units follow Prometheus' conventions: seconds, bytes, and moments as seconds since 1970. A repository that has
never been synced, or never ran, has no line of what it lacks. Metrics are described in English, whoever reads them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from repos import attention, conf, freshness
from repos.chunks import chunks
from repos.models import Distribution, Job, Repository
from repos.models.job import State

from . import health, storage

CONTENT_TYPE = CONTENT_TYPE_LATEST


def text() -> bytes:
    """All metrics, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Installation())
    return generate_latest(registry)


class _Installation(Collector):
    def describe(self) -> list[Metric]:
        """Nothing, so that registering it counts nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("millrace", "What runs here", value=health.versions() | {"database": connection.vendor})
        yield _gauge("needs_attention", "Findings of the overview's “Needs attention”", attention.find().total)
        yield from _jobs()
        yield from _surroundings()
        yield from _repositories()
        yield _served()


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"millrace_{name}", what, value=value)


def _family(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"millrace_{name}", what, labels=labels)


def _jobs() -> Iterator[Metric]:
    counts, jobs = Job.objects.active().counts(), _family("jobs", "Jobs that wait or run", "state")
    for state in (State.WAITING, State.RUNNING):
        jobs.add_metric([state], counts.get(state, 0))
    yield jobs
    up, heartbeat = (
        _family("worker_up", "Whether a worker gives signs of life", "worker"),
        _family("worker_heartbeat_timestamp_seconds", "A worker's last sign of life", "worker"),
    )
    for worker in health.workers():
        up.add_metric([worker.name], worker.alive)
        heartbeat.add_metric([worker.name], worker.heartbeat_at.timestamp())
    yield from (up, heartbeat)


def _surroundings() -> Iterator[Metric]:
    database, disk, (files, size) = health.database(), health.disk(), storage.used()
    yield _gauge("database_response_seconds", "How long the database takes for nothing", database.seconds)
    if database.size is not None:
        yield _gauge("database_bytes", "What the database takes on its disk", database.size)
    yield _gauge("disk_free_bytes", "Room on the disk of the data folder", disk.free)
    yield _gauge("disk_size_bytes", "All of that disk", disk.total)
    yield _gauge("disk_reserve_bytes", "What is kept free of it", conf.reserve_bytes())
    yield _gauge("stored_files", "Files in the pool, each once", files)
    yield _gauge("stored_bytes", "Bytes in the pool, each file once", size)


# ---- repositories ----


class _Families:
    """One of each kind, to which every repository adds its own."""

    def __init__(self) -> None:
        self.version = _of_each("newest_version", "Number of the newest version")
        self.files = _of_each("files", "Files of the newest version")
        self.size = _of_each("bytes", "Bytes of the newest version")
        self.missing = _of_each("missing_files", "Files that the newest version goes without")
        self.synced = _of_each("synced_timestamp_seconds", "When everything was last got from upstream")
        self.freshness = _of_each("freshness", "1 for how fresh it is: fresh, stale, never, syncing", "state")
        self.ended = _of_each("last_run_timestamp_seconds", "When the last run ended", "result")
        self.took = _of_each("last_run_seconds", "How long the last run took")

    def add(self, repository: Any, runs: Sequence[Any]) -> None:
        """`repository` is one of `for_overview`, `runs` are its jobs of `telling`."""
        name = [repository.name]
        self.version.add_metric(name, repository.newest_number or 0)
        self.files.add_metric(name, repository.newest_files or 0)
        self.size.add_metric(name, repository.newest_size or 0)
        self.missing.add_metric(name, repository.newest_failed or 0)
        if repository.synced_at:
            self.synced.add_metric(name, repository.synced_at.timestamp())
        if word := freshness.freshness(repository, runs):
            self.freshness.add_metric([*name, word], 1)
        if last := next((job for job in runs if job.finished_at), None):
            self.ended.add_metric([*name, freshness.ending(last)], last.finished_at.timestamp())
            if last.duration is not None:
                self.took.add_metric(name, last.duration.total_seconds())


def _of_each(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return _family(f"repository_{name}", what, "repository", *labels)


def _repositories() -> Iterator[Metric]:
    families, number = _Families(), 0
    for part in chunks(Repository.objects.for_overview().order_by("name")):
        runs = _runs([repository.pk for repository in part])
        for repository in part:
            families.add(repository, runs[repository.pk])
        number += len(part)
    yield _gauge("repositories", "Repositories", number)
    yield from vars(families).values()


def _runs(repositories: list[int]) -> dict[int, list[Job]]:
    found: dict[int, list[Job]] = defaultdict(list)
    for job in Job.objects.telling(repositories):
        found[job.repository_id or 0].append(job)
    return found


def _served() -> Metric:
    served = _family("distribution_version", "Number of the version that is served", "distribution", "repository")
    rows = Distribution.objects.filter(publication__isnull=False).order_by("base_path")
    number = "publication__version__number"
    for base_path, repository, version in rows.values_list("base_path", "repository__name", number):
        served.add_metric([base_path, repository], version)
    return served
