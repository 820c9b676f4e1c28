"""A worker that hangs until it is presumed dead, and then goes on: its job is another's, and it writes nothing more."""

import contextlib
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import PATIENCE, until
from tests.serving import MANAGE, Millrace
from tests.upstream import Gate, Upstream

pytestmark = pytest.mark.server

FILES = 40
# Rows that say what became of the job; not that of the worker itself, whose signs of life are its own.
TABLES = [
    "content",
    "distribution",
    "failedfile",
    "job",
    "progressreport",
    "publication",
    "publishedmetadata",
    "repository",
    "repositoryversion",
    "reservation",
    "switch",
    "syncstate",
]


class Worker:
    """A bare `manage.py worker`, as on a machine of its own: its own folder, the same database and the same pool."""

    def __init__(self, millrace: Millrace, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for shared in ("pool", "secrets"):
            (millrace.data / shared).mkdir(exist_ok=True)
            if not (folder / shared).exists():
                (folder / shared).symlink_to(millrace.data / shared)
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        where = millrace.database_url or f"sqlite:///{millrace.data}/millrace.sqlite3"
        more = {"MILLRACE_DATA": str(folder), "DATABASE_URL": where, "MILLRACE_SILENCE_SECONDS": "2"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*MANAGE, "worker"], env=millrace.env(**more), stdout=log, stderr=subprocess.STDOUT
            )

    def end(self) -> int:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(PATIENCE)


@pytest.fixture
def filled(upstream: Upstream) -> Upstream:
    for number in range(FILES):
        upstream.write(f"{number}", b"%d" % number * 30)
    return upstream


@pytest.fixture
def first(millrace: Millrace, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(millrace, tmp_path / "first")
    yield worker
    worker.end()


def in_the_middle(millrace: Millrace, first: Worker, upstream: Upstream) -> Gate:
    """Hands a job to the worker, and stops that when all but one of its files are stored."""
    gate = upstream.hold("7")
    # Else the terminal would run it itself.
    until(lambda: millrace.query("SELECT id FROM repos_worker WHERE name LIKE '%/first'"), "the worker has signed in")
    command = [*MANAGE, "mirror", upstream.manifest_url, "files", "files"]
    with subprocess.Popen(command, env=millrace.env(), stdout=subprocess.DEVNULL) as client:
        until(lambda: len(list((millrace.data / "pool").glob("*/*"))) == FILES - 1, "all but one file are stored")
        client.kill()
    stop(millrace, first)
    return gate


def stop(millrace: Millrace, worker: Worker) -> None:
    """Not just while it holds SQLite's lock: then nobody could do anything, not even take its job."""
    while True:
        os.kill(worker.process.pid, signal.SIGSTOP)
        if millrace.database_url or _is_free(millrace.data / "millrace.sqlite3"):
            return
        os.kill(worker.process.pid, signal.SIGCONT)


def _is_free(database: Path) -> bool:
    with contextlib.closing(sqlite3.connect(database, timeout=0.1)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True


def is_taken_over(millrace: Millrace, upstream: Upstream) -> bool:
    """By the other, which is where the first one was: it has asked for the file that is held."""
    state, _, worker = millrace.job()
    return bool(state == "running" and worker.endswith("/second") and upstream.count("7") == 2)


def rows(millrace: Millrace) -> dict[str, list[tuple[Any, ...]]]:
    # That bytes were of use to somebody, it may say: they are verified, whoever brought them.
    artifacts = {"artifact": millrace.query("SELECT id, sha256, size, doomed FROM repos_artifact ORDER BY id")}
    return artifacts | {table: millrace.query(f"SELECT * FROM repos_{table} ORDER BY id") for table in TABLES}


def stored(millrace: Millrace) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (millrace.data / "pool").glob("*/*")}


def comes_back(first: Worker) -> None:
    os.kill(first.process.pid, signal.SIGCONT)
    until(lambda: "Lost to another worker" in first.log.read_text(), "it learns that its job is another's")
    assert first.end() == 0


def test_after_the_other_has_finished(millrace: Millrace, first: Worker, filled: Upstream, tmp_path: Path) -> None:
    gate = in_the_middle(millrace, first, filled)
    second = Worker(millrace, tmp_path / "second")
    try:
        until(lambda: is_taken_over(millrace, filled), "it is taken over")
        gate.release()
        until(lambda: millrace.job()[0] == "completed", "the other completes it")
    finally:
        assert second.end() == 0
    before, files = rows(millrace), stored(millrace)
    comes_back(first)
    assert rows(millrace) == before
    assert stored(millrace).keys() == files.keys()
    assert not list((first.folder / "work").iterdir())


def test_while_the_other_is_at_work(millrace: Millrace, first: Worker, filled: Upstream, tmp_path: Path) -> None:
    gate = in_the_middle(millrace, first, filled)
    second = Worker(millrace, tmp_path / "second")
    try:
        until(lambda: is_taken_over(millrace, filled), "it is taken over")
        comes_back(first)
        assert is_taken_over(millrace, filled)
        gate.release()
        until(lambda: millrace.job()[0] == "completed", "the other completes it")
    finally:
        assert second.end() == 0
    assert millrace.query("SELECT number, files FROM repos_repositoryversion ORDER BY id") == [(0, 0), (1, FILES)]
    assert not list((first.folder / "work").iterdir())
    assert filled.count("7") == 2, "each of the two has asked for the file that was held"
    assert all(filled.count(path) == 1 for path in filled.files if path != "7")
