"""No query that is made often reads a table that grows from its beginning to its end, on either database."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from dashboard import storage
from repos import (
    attention,
    browse,
    chain,
    comparing,
    endings,
    folders,
    jobs,
    lagging,
    published,
    reservations,
    retention,
    tokens,
    upkeep,
    workers,
)
from repos.actions import Actions
from repos.compare import Kind
from repos.last_runs import last_runs
from repos.models import Content, Job, Repository, RepositoryVersion
from repos.models.job import State
from repos.progress import Report
from repos.recover import recover
from repos.tracking import JobProgress
from tests import plans
from tests.settings import POSTGRESQL
from tests.years import PAGES, Years, address

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True, params=["known"] if POSTGRESQL else ["known", "never looked at"])
def years(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What years have left, for all of these tests: what each does is undone at its end.

    SQLite only knows how many rows there are if somebody has it look, which we do not.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        Years(repositories=40, versions=10, jobs=3_000, files=8_000).write()
        if request.param == "never looked at":
            connection.cursor().execute("DELETE FROM sqlite_stat1")
            connection.cursor().execute("ANALYZE sqlite_schema")
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def at_work(db: None, bell: list[int]) -> None:
    workers.enter(workers.name_here(), 4)


def newest(state: str) -> Job:
    return Job.objects.filter(state=state).select_related("repository").order_by("-pk")[0]


def a_version() -> RepositoryVersion:
    return RepositoryVersion.objects.filter(number=9).select_related("repository").order_by("pk")[3]


def a_repository() -> Repository:
    return Repository.objects.order_by("pk")[20]


def claim() -> None:
    asked = jobs.request(a_repository()).job
    claimed = chain.claim(asked.pk, "a worker")
    assert claimed
    endings.end(claimed, State.COMPLETED)


def beat() -> None:
    job = newest("running")
    progress = JobProgress(job)
    progress.add(Report("sync", "sync.parsing.metadata", "Parsing"))
    progress._beat()


def looking_for_a_file() -> None:
    published.find("repository-00007/folder-01/file-0000001")


def looking_for_a_file_that_was_superseded() -> None:
    published.find("repository-00007/folder-00/file-0000000")


def the_first_files_of_a_version() -> None:
    list(zip(Content.objects.of(a_version()).in_path_order(chunk=50), range(20), strict=False))


def a_listing() -> None:
    found = published.find("repository-00007/folder-01/")
    assert isinstance(found, published.Folder)
    assert list(found.entries)


def comparing_versions() -> None:
    """In each way that it is done: all differences at once, or by path as far as it takes."""
    new = a_version()
    old = new.repository.versions.get(number=2)
    for few in (comparing.FEW, 0):
        pair = comparing._Pair(old, new)
        pair.totals()
        for kind in ("", *Kind):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(comparing, "FEW", few)
                patch.setattr(comparing, "NEAR", 50)
                comparing.page(old, new, kind=kind, q="file")


DEEDS: dict[str, Callable[[], object]] = {
    "claiming a job, and its end": claim,
    "a beat of its heart": beat,
    "asking for a run": lambda: jobs.request(a_repository(), actions=Actions(distribute=False)),
    "canceling one": lambda: jobs.cancel(newest("waiting")),
    "the look for dead workers": lambda: recover(by="a worker"),
    "the look for overlooked jobs": reservations.overlooked,
    "the look for what is due": upkeep.due,
    "a worker's sign of life": lambda: workers.sign(workers.name_here()),
    "what needs attention": attention.find,
    "the last runs of repositories": lambda: last_runs([a_repository().pk, a_repository().pk + 1], 20),
    "how much is stored": lambda: (storage.used(), storage.used()),
    "a file": looking_for_a_file,
    "a file that was superseded": looking_for_a_file_that_was_superseded,
    "a folder": a_listing,
    "the files of a version": the_first_files_of_a_version,
    "the folders of a version": lambda: (folders.listed(a_version()), folders.listed(a_version(), "folder-07/")),
    "what of one repository needs attention": lambda: lagging.of(a_repository()),
    "which repositories need attention": lagging.needing,
    "a page of them": lambda: browse.files_of(a_version(), q="folder-0"),
    "what two versions differ in": comparing_versions,
    "who comes with a token": lambda: tokens.find("millrace_" + "0" * 43),
    "what retention lets go": lambda: retention.plan(a_repository()),
}


# Counts what only one version has, among all that there is.
COUNTING = "/storage/{repository}/versions/"


def wholly_read(do: Callable[[], object]) -> list[tuple[set[str], str]]:
    do()
    with CaptureQueriesContext(connection) as queries:
        do()
    asked = {query["sql"] for query in queries}
    asked = {sql for sql in asked if sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH", "\nWITH"))}
    return [(tables, sql) for sql in sorted(asked) if (tables := plans.read_whole(sql))]


@pytest.mark.parametrize("name", DEEDS)
def test_no_deed_reads_what_grows_from_end_to_end(name: str) -> None:
    assert wholly_read(DEEDS[name]) == []


@pytest.mark.parametrize("url", [url for url in PAGES if url != COUNTING])
def test_no_page_reads_what_grows_from_end_to_end(url: str, client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    found = wholly_read(partial(client.get, address(url)))
    assert [one for one in found if not is_count(*one)] == []


def is_count(tables: set[str], sql: str) -> bool:
    """Of a list whose length is told: by an index that is narrow."""
    return sql.startswith(("SELECT COUNT(*)", 'SELECT "repos_job"."state"')) and len(tables) == 1


def test_a_query_without_an_index_is_found_out() -> None:
    moment = timezone.now() - timedelta(days=1)
    found = wholly_read(lambda: list(Job.objects.filter(heartbeat_at__lt=moment)))
    assert [tables for tables, _ in found] == [{"repos_job"}]
