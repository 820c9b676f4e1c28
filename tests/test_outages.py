"""A database that fails: what that means, what a job makes of it, and what people are told."""

import contextlib
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from repos import chain, endings, jobs, outages
from repos.models import Job, Repository
from repos.recover import recover
from tests.running import running, served, until
from tests.serving import Millrace
from tests.settings import HOME
from tests.upstream import Upstream

pytestmark = pytest.mark.any_database


def raised(cause: Exception, kind: type[Exception] = OperationalError) -> Exception:
    """The error of Django that `cause`, a driver's, is."""
    error = kind(str(cause))
    error.__cause__ = cause
    return error


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> None:
    """Nobody waits for SQLite's lock for longer than a moment."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    monkeypatch.setattr(endings, "PAUSE", 0.02)
    connection.close()


@contextmanager
def locked() -> Iterator[None]:
    """SQLite's file, while somebody else writes."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=20)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


# ---- what it means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "passes", "why"),
    [
        ("08006", True, "does not answer"),
        ("57P01", True, "does not answer"),
        ("57P03", True, "does not answer"),
        ("53300", True, "does not answer"),
        ("40P01", True, "is busy"),
        ("53100", False, "no room left"),
        ("25006", False, "can only be read"),
        ("57014", False, "took too long"),
        ("58030", False, "cannot read or write its files"),
    ],
)
def test_what_postgresql_says_is_understood(state: str, passes: bool, why: str) -> None:
    outage = outages.of(raised(psycopg.errors.lookup(state)("x")))
    assert outage
    assert outage.passes is passes
    assert why in outage.why


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        raised(psycopg.errors.UniqueViolation("x"), IntegrityError),
        raised(psycopg.errors.UndefinedTable("x"), ProgrammingError),
        ProgrammingError("x"),
    ],
)
def test_a_mistake_of_ours_is_not_blamed_on_the_database(error: Exception) -> None:
    assert outages.of(error) is None


def test_a_connection_that_broke_is_one_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    for error in (raised(psycopg.OperationalError("the connection is closed")), InterfaceError("closed")):
        outage = outages.of(error)
        assert outage
        assert outage.passes


def test_sqlite_says_itself_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(sqlite3.DatabaseError) as broken, sqlite3.connect(tmp_path / "text") as database:
        database.execute("SELECT * FROM sqlite_master")
    database.close()
    outage = outages.of(raised(broken.value))
    assert outage
    assert "is damaged" in outage.why


# ---- what a job makes of it ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_a_job_that_finds_the_database_locked_gives_itself_back(repository: Repository, upstream: Upstream) -> None:
    upstream.write("file", b"bytes")
    gate = upstream.hold("file")
    job = jobs.request(repository).job
    with running(job) as thread:
        until(lambda: upstream.count("file"), "it fetches")
        with locked():
            gate.release()
            # Longer than it takes to fetch and to fail.
            thread.join(0.5)
            assert thread.is_alive(), "it waits to say so"
    job.refresh_from_db()
    assert (job.state, job.deaths, job.error) == ("waiting", 0, "")
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "completed"
    assert served("files") == upstream.files
    assert upstream.count("file") == 1


@pytest.mark.usefixtures("impatient")
def test_a_job_that_could_not_say_so_in_time_is_given_back_by_whoever_keeps_house(
    repository: Repository, upstream: Upstream, settings: Settings
) -> None:
    settings.MILLRACE_SILENCE_SECONDS = 0.2
    upstream.write("file", b"bytes")
    gate = upstream.hold("file")
    job = jobs.request(repository).job
    with locked_while_it_runs(job, upstream) as thread:
        gate.release()
        until(lambda: not thread.is_alive(), "its thread is free again")
    job.refresh_from_db()
    assert job.state == "running"
    recover(by="house")
    job.refresh_from_db()
    assert (job.state, job.deaths) == ("waiting", 0)


@contextmanager
def locked_while_it_runs(job: Job, upstream: Upstream) -> Iterator[threading.Thread]:
    with running(job) as thread:
        until(lambda: upstream.count("file"), "it fetches")
        with locked():
            yield thread


@pytest.mark.usefixtures("impatient")
def test_a_job_that_cannot_be_begun_stays_waiting(repository: Repository) -> None:
    job = jobs.request(repository).job
    with locked():
        chain.run(job.pk, "test")
    job.refresh_from_db()
    assert job.state == "waiting"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("pragma", "why"),
    [("max_page_count = 1", "no room left to write"), ("query_only = ON", "can only be read")],
)
def test_a_database_that_does_not_take_it_fails_the_job(
    repository: Repository, upstream: Upstream, pragma: str, why: str
) -> None:
    for number in range(300):
        upstream.write(f"{number}", b"%d" % number)
    job = jobs.request(repository).job
    gate = upstream.hold("7")
    with running_with(pragma, job):
        gate.release()
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "database")
    assert why in job.error


@contextmanager
def running_with(pragma: str, job: Job) -> Iterator[None]:
    """Runs the job here, on a connection that from its first report on has this pragma."""
    from repos import sync

    # What earlier tests have deleted left pages that are free.
    connection.cursor().execute("VACUUM")
    original = sync._Sync._download

    def download(self: sync._Sync, *args: object) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {pragma}")
        return original(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sync._Sync, "_download", download)
        yield
        chain.run(job.pk, "test")


# ---- what people are told ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_pages_say_that_the_database_is_busy(admin_client: Client, repository: Repository) -> None:
    admin_client.raise_request_exception = False
    with locked():
        answer = admin_client.post(f"/repositories/{repository.pk}/run/", {"actions": "default"})
    assert answer.status_code == 503
    assert "The database is busy: others have locked it for too long. Try again soon." in answer.content.decode()
    assert answer.headers["Retry-After"] == "5"
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.usefixtures("impatient")
def test_live_parts_get_a_line(admin_client: Client, repository: Repository) -> None:
    admin_client.raise_request_exception = False
    with locked():
        answer = admin_client.post(
            f"/repositories/{repository.pk}/run/", {"actions": "default"}, headers={"HX-Request": "true"}
        )
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")


def test_a_mistake_of_ours_is_still_called_one(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.views.overview.context", lambda *args: 1 // 0)
    admin_client.raise_request_exception = False
    answer = admin_client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def fill(disk: Path) -> None:
    subprocess.run(["dd", "if=/dev/zero", f"of={disk}/filler", "bs=4096"], capture_output=True, check=False)


def make_read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


@pytest.mark.parametrize("spoil", [fill, make_read_only])
def test_commands_say_in_a_sentence_what_the_disk_says(
    transactional_db: None, tmp_path: Path, upstream: Upstream, spoil: Callable[[Path], None]
) -> None:
    millrace = Millrace(tmp_path, "")
    millrace.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "millrace-test", str(millrace.data)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root, where containers allow it")
    try:
        shutil.copytree(HOME / "secrets", millrace.data / "secrets")
        with contextlib.closing(sqlite3.connect(millrace.data / "millrace.sqlite3")) as copy:
            connection.cursor().connection.backup(copy)
        spoil(millrace.data)
        told = millrace.manage("mirror", upstream.manifest_url, "files", "files")
    finally:
        subprocess.run(["umount", "-l", str(millrace.data)], check=True)
    assert told.returncode == 1
    assert re.search("no room|No space|only be read|Read-only|read or write its files", told.stderr), told.stderr
    assert "Traceback" not in told.stderr
    assert not upstream.requests
