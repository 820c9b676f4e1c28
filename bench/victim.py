"""A Millrace that is there to be killed: `manage.py serve` in a process group of its own, and a worker beside it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from bench.upstream import free_port

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
# Seconds that anything may take that has to happen.
PATIENCE = 60.0


class TooLong(RuntimeError):
    def __init__(self, what: str) -> None:
        super().__init__(f"waited {PATIENCE:.0f} seconds in vain until {what}")


def until(condition: Callable[[], object], what: str, pause: float = 0.02) -> None:
    """Waits until something is so. Raises TooLong."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TooLong(what)
        time.sleep(pause)


class Victim:
    """Its data and its address stay the same however often it is killed; all that it says is in `log`."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.data = home / "data"
        self.log = home / "log"
        self.listen = f"127.0.0.1:{free_port()}"
        self.address = f"http://{self.listen}"
        self._environment = os.environ | environment
        self._server: subprocess.Popen[bytes] | None = None

    def _start(self, *words: str, data: Path) -> "subprocess.Popen[bytes]":
        # Named, it is found from the second data folder, too.
        where = self._environment["DATABASE_URL"] or f"sqlite:///{self.data}/millrace.sqlite3"
        environment = self._environment | {"MILLRACE_DATA": str(data), "DATABASE_URL": where}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(MANAGE), *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    # -- the server --

    def start(self) -> None:
        """Starts the server where none runs, and waits until it answers."""
        if self._server is None or self._server.poll() is not None:
            self._server = self._start("serve", "--listen", self.listen, data=self.data)
        until(lambda: self._answers() or self._gave_up(), "the server answers")
        if self._gave_up():
            raise RuntimeError(f"The server has ended by itself: {self.log.read_text()[-2000:]}")

    def _gave_up(self) -> bool:
        return self._server is None or self._server.poll() is not None

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.address}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def worker(self) -> int:
        """The process of the server's worker, once there is one."""
        until(self._children, "there is a worker")
        return self._children()[0]

    def _children(self) -> list[int]:
        assert self._server
        tasks = Path(f"/proc/{self._server.pid}/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text().split()]

    # -- its deaths --

    def kill_worker(self) -> None:
        """The worker alone: the server starts another."""
        end(self.worker())

    def kill_server(self) -> None:
        """The web server alone: its worker ends by itself. Then it is started again."""
        worker = self.worker()
        assert self._server
        self._server.kill()
        self._server.wait()
        until(lambda: not Path(f"/proc/{worker}").exists(), "the worker of a server that was killed has ended")
        self.start()

    def kill_group(self) -> None:
        """Both at the same moment, as when a machine or a container goes. Then it is started again."""
        worker = self.worker()
        assert self._server
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()
        until(lambda: not Path(f"/proc/{worker}").exists(), "the worker that was killed is gone")
        self.start()

    def stop(self) -> int:
        """Asks the server to end; returns its exit status."""
        if self._server is None or self._server.poll() is not None:
            return 0
        self._server.terminate()
        return self._server.wait(PATIENCE)

    def neighbour(self) -> "Neighbour":
        """A worker as on a second machine: a data folder of its own, the same database, the same pool."""
        data = self.home / "neighbour"
        data.mkdir(exist_ok=True)
        (self.data / "pool").mkdir(exist_ok=True)
        for shared in ("pool", "secrets"):
            if (self.data / shared).exists() and not (data / shared).exists():
                (data / shared).symlink_to(self.data / shared)
        return Neighbour(self._start("worker", "--threads", "2", data=data), data)

    def lost(self) -> int:
        """How often a worker said that its job had become another's."""
        return len(re.findall("Lost to another worker", self.log.read_text()))


class Neighbour:
    def __init__(self, process: "subprocess.Popen[bytes]", data: Path) -> None:
        self._process = process
        self.data = data
        self.pid = process.pid

    def leave(self) -> int:
        """Asks it to end; returns its exit status."""
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        return self._process.wait(PATIENCE)


def end(pid: int) -> None:
    """Kills a process that is not a child of ours, and waits until it is gone."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: not _lives(pid), f"process {pid} is gone", pause=0.001)


def _lives(pid: int) -> bool:
    """Whether it runs: one that is dead, and only not yet taken note of by its parent, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
