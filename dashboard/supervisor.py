"""Keeps the worker process running beside the web server, and ends it with it."""

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

from django.conf import settings
from django.db import Error as DatabaseFailed
from django.db import connection

from repos import conf, workers
from repos.models import Worker
from repos.pulses import Pulses

logger = logging.getLogger(__name__)

# Seconds between two looks, and seconds that a worker has to end in peace.
LOOK = 0.5
PATIENCE = 9.0
# Seconds that a worker has to start in, on however slow a machine: else it would be killed again and again.
START = 120.0
# By so much jobs stand back where pages and downloads want the same processors.
NICER = 5


class Supervisor:
    """A thread that starts the worker, and starts it again when it died or hangs. A context manager.

    The worker reads from a pipe whose other end is here: should this process be killed, the worker ends by itself.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        script = str(settings.BASE_DIR / "manage.py")
        self._command = [sys.executable, script, "worker", "--until-eof", "--threads", str(threads)]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def __enter__(self) -> "Supervisor":
        # From now on jobs are left to the worker, though it takes a moment to start.
        workers.enter(workers.name_here(), self._threads)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()
        self._thread.join()

    def end(self) -> None:
        """Has the worker end; does not wait."""
        self._ending.set()

    def _watch(self) -> None:
        try:
            while not self._ending.is_set():
                started = time.monotonic()
                self._run_once()
                # One that dies at once must not be started a hundred times a second.
                self._ending.wait(max(0.0, 1 - (time.monotonic() - started)))
            # A worker that was killed, or had hardly been started, has not signed out.
            with suppress(DatabaseFailed):
                workers.leave(workers.name_here())
        finally:
            connection.close()

    def _run_once(self) -> None:
        with subprocess.Popen(self._command, stdin=subprocess.PIPE) as worker:
            _stand_back(worker.pid)
            watch = _Watch(worker.pid)
            while worker.poll() is None and not self._ending.wait(LOOK):
                if watch.sees_it_hang():
                    logger.error("The worker hangs: it is killed")
                    worker.kill()
                    worker.wait()
            if self._ending.is_set():
                _end(worker)
            else:
                logger.error("The worker ended with status %s: it is started again", worker.wait())


def _stand_back(pid: int) -> None:
    """Has a process, and all that it will start, let others go first."""
    # It may have ended already; and who is as nice as can be stays so.
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + NICER)


class _Watch:
    """Looks at one worker's signs of life, by this process's own clock."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._started = time.monotonic()
        self._pulses = Pulses()

    def sees_it_hang(self) -> bool:
        """Whether it has given no sign of life for too long."""
        try:
            signs = dict(Worker.objects.filter(name=workers.name_here()).values_list("pid", "heartbeat_at"))
        except DatabaseFailed:
            # A connection that broke stays broken; and the worker cannot sign either.
            connection.close()
            self._started = time.monotonic()
            return False
        silent = self._pulses.still(signs).get(self._pid)
        if silent is None:
            return time.monotonic() - self._started > START
        # Its jobs were given to others after half of this time.
        return silent > 2 * conf.silence().total_seconds()


def _end(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    try:
        worker.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        worker.kill()
