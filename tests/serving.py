"""A real Millrace in processes of its own: `manage.py serve` on a data folder and a database of the test's own."""

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.running import PATIENCE, until
from tests.settings import BASE_DIR, POSTGRESQL, POSTGRESQL_URL

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
PASSWORD = "correct horse battery"


class Millrace:
    """Started and stopped as often as a test wants; all that it prints is in `output`."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.data = home / "served"
        self.database_url = database_url
        self.output = home / "output"
        self.address = ""
        self.process: subprocess.Popen[bytes] | None = None

    def env(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return kept | {"MILLRACE_DATA": str(self.data), "DATABASE_URL": self.database_url, **more}

    def start(self, *arguments: str, **env: str) -> None:
        """Starts it, and waits until it answers."""
        self.output.write_bytes(b"")
        env = {"MILLRACE_ADMIN_PASSWORD": PASSWORD, **env}
        with self.output.open("ab") as file:
            self.process = subprocess.Popen(
                [*MANAGE, "serve", "--listen", "127.0.0.1:0", *arguments],
                env=self.env(**env),
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "Millrace is at" in self.said() or self.ended(), "the server is up")
        found = re.search(r"Millrace is at (http://\S+)/ ", self.said())
        assert found, self.said()
        self.address = found[1]
        until(lambda: requests.get(f"{self.address}/healthz", timeout=PATIENCE).ok, "it answers")

    def said(self) -> str:
        return self.output.read_text()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends it a signal, and returns its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def worker(self) -> int:
        """The process id of its worker, once that is up."""
        until(self._children, "there is a worker")
        return self._children()[0]

    def _children(self) -> list[int]:
        assert self.process
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command on the same data."""
        return subprocess.run(
            [*MANAGE, *arguments], env=self.env(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of its database."""
        if self.database_url:
            with psycopg.connect(self.database_url) as postgresql:
                return postgresql.execute(sql.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(self.data / "millrace.sqlite3")) as database:
            return list(database.execute(sql).fetchall())

    def job(self, pk: int = 1) -> tuple[Any, ...]:
        """State, deaths and worker of a job."""
        rows = self.query(f"SELECT state, deaths, worker FROM repos_job WHERE id = {pk}")
        return rows[0] if rows else ("none", 0, "")


@pytest.fixture(scope="session")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Millrace]:
    """What a first start makes: tables, static files, an administrator. Others begin with a copy of it."""
    with _database("template") as url:
        it = Millrace(tmp_path_factory.mktemp("millrace"), url)
        it.start()
        it.stop()
        yield it


@pytest.fixture
def millrace(tmp_path: Path, started_once: Millrace) -> Iterator[Millrace]:
    """One that was started before, and has nothing yet."""
    with _database("served", template=started_once.database_url) as url:
        shutil.copytree(started_once.data, tmp_path / "served")
        with _stopped_at_last(Millrace(tmp_path, url)) as it:
            yield it


@pytest.fixture
def new_millrace(tmp_path: Path) -> Iterator[Millrace]:
    """One that was never started."""
    with _database("new") as url, _stopped_at_last(Millrace(tmp_path, url)) as it:
        yield it


@contextlib.contextmanager
def _stopped_at_last(it: Millrace) -> Iterator[Millrace]:
    try:
        yield it
    finally:
        if not it.ended():
            it.stop()


@contextlib.contextmanager
def _database(purpose: str, template: str = "") -> Iterator[str]:
    """The URL of a PostgreSQL database while the block runs, like `template` or empty; none where SQLite is tested."""
    if not POSTGRESQL:
        yield ""
        return
    name = f"millrace_{purpose}_{os.getpid()}"
    like = template.rpartition("/")[2] or "template1"
    with psycopg.connect(POSTGRESQL_URL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        try:
            yield f"{POSTGRESQL_URL.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
