"""A PostgreSQL and a Redis of a test's own, in processes that it stops and starts again."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import PATIENCE, until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Redis:
    """A redis-server that keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        until(lambda: answers(self.port), "Redis answers")

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def freeze(self) -> None:
        """From now on it takes connections, and answers nobody."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)


class PostgreSQL:
    """A PostgreSQL in a folder of its own. It will not be run by root, so root has `postgres` run it."""

    def __init__(self, home: Path, binaries: Path) -> None:
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._home = home
        self._binaries = binaries

    def make(self) -> None:
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-N", "--no-instructions")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._home}"
        log = str(self._home / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-o", options, "-l", log)

    def stop(self) -> None:
        """At once, and whoever is connected is cut off."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._data))

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, timeout=PATIENCE, cwd=self._home)


@contextmanager
def running_redis() -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server is installed")
    server = Redis()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL is installed at /usr/lib/postgresql")
    # Not in the test's own folder, which nobody else may enter.
    home = Path(tempfile.mkdtemp(prefix="millrace-postgresql-"))
    if os.geteuid() == 0:
        os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
    server = PostgreSQL(home, found[-1].parent)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
