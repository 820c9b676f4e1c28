"""Running jobs in tests, and looking at what came of them."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from repos import chain, jobs, pool
from repos.actions import Actions
from repos.models import Content, Distribution, Job, Repository, RepositoryVersion

# Seconds: far longer than anything takes, even on a machine that has much else to do.
PATIENCE = 120
# Seconds in which ends what would otherwise go on for far longer, or for ever, even on such a machine.
SOON = 10

# The ids of the jobs that were rung for (see the fixture `bell`).
RUNG: list[int] = []


def hear(pk: int) -> None:
    RUNG.append(pk)


def run(repository: Repository, *, sync: bool = True, publish: bool = True, distribute: bool = True) -> Job:
    """Requests such a job and runs it here; returns it as it ended."""
    job = jobs.request(repository, actions=Actions(sync, publish, distribute)).job
    chain.run(job.pk, "test")
    return Job.objects.get(pk=job.pk)


@contextmanager
def running(job: Job) -> Iterator[threading.Thread]:
    """Runs a job in a thread of its own while the block goes on; waits for its end."""

    def work() -> None:
        try:
            chain.run(job.pk, "test")
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the job does not end"


def until(condition: Callable[[], object], what: str = "") -> None:
    """Waits until something is so; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what or condition}"
        time.sleep(0.005)


def at_once(*tasks: Callable[[], object]) -> list[BaseException | None]:
    """Does the tasks in as many threads, begun together; returns how each ended."""
    barrier = threading.Barrier(len(tasks), timeout=PATIENCE)

    def connected(task: Callable[[], object]) -> object:
        try:
            barrier.wait()
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [one.exception() for one in [threads.submit(connected, task) for task in tasks]]


def delete_all_rows() -> None:
    """But those that a new database has, too: the kinds of rows, and what people may do with them."""
    kept = {ContentType._meta.db_table, Permission._meta.db_table}
    # In any order, for foreign keys are looked at when the transaction ends.
    deletions = [f'DELETE FROM "{name}"' for name in connection.introspection.django_table_names() if name not in kept]
    at_once = ["; ".join(deletions)] if connection.vendor == "postgresql" else deletions
    connection.ops.execute_sql_flush(at_once)


def files(version: RepositoryVersion) -> dict[str, bytes]:
    """The files of a version, with their bytes as the pool has them."""
    return {path: pool.path(sha256).read_bytes() for path, sha256, _ in Content.objects.of(version).in_path_order()}


def served(base_path: str) -> dict[str, bytes] | None:
    """What is served at a base path, metadata apart; None if nothing is published there."""
    publication = Distribution.objects.get(base_path=base_path).publication
    return files(publication.version) if publication else None


def metadata(base_path: str) -> dict[str, bytes]:
    """The metadata files that are served at a base path."""
    publication = Distribution.objects.get(base_path=base_path).publication
    assert publication
    return {one.path: pool.path(one.artifact.sha256).read_bytes() for one in publication.metadata.all()}
