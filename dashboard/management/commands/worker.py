"""`manage.py worker`: the process that runs jobs. `manage.py serve` starts one and watches it."""

import fcntl
import logging
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections

from dashboard import tasks
from repos import chain, conf, jobs, tracking, workers

logger = logging.getLogger(__name__)

# Seconds between two signs of life.
SIGN = 1.0
# Seconds that jobs have to give themselves back when the worker is asked to end.
PATIENCE = 8.0


class Command(BaseCommand):
    help = "Runs jobs until it is asked to end (SIGTERM, Ctrl-C)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=4, help="how many jobs run at once (default 4)")
        parser.add_argument("--until-eof", action="store_true", help="end as soon as standard input ends")

    def handle(self, *args: Any, threads: int, until_eof: bool, **options: Any) -> None:
        name = workers.name_here()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: tracking.closing.set())
        with _only_one():
            workers.enter(name, threads)
            # The lock says so: whoever had this name before is dead, and so are its jobs' runs.
            chain.recover(dead=name, by=name)
            _work(name, threads, until_eof)
            workers.leave(name)


def _work(name: str, threads: int, until_eof: bool) -> None:
    consumer = tasks.consumer(threads)
    consumer.start()
    while not tracking.closing.is_set():
        if until_eof and _ended(sys.stdin.fileno()):
            tracking.closing.set()
        elif not until_eof:
            tracking.closing.wait(SIGN)
        _keep_house(name)
        consumer.check_worker_health()
    consumer.stop()
    _join([thread for _, thread in consumer.worker_threads])


def _keep_house(name: str) -> None:
    """What has to be done every second: sign, take up dead jobs, ring for those whose bell was lost."""
    try:
        close_old_connections()
        workers.sign(name)
        chain.recover(by=name)
        if not tasks.queue_length():
            for pk in jobs.overlooked():
                tasks.ring(pk)
    except DatabaseError:
        logger.exception("The database cannot be reached")


def _ended(handle: int) -> bool:
    """Waits up to SIGN seconds for the end of what is read from `handle`."""
    ready, _, _ = select.select([handle], [], [], SIGN)
    return bool(ready)


def _join(threads: list[Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


@contextmanager
def _only_one() -> Iterator[None]:
    """Holds the lock of the worker of this data folder; waits a little for one that is just ending."""
    path = conf.data() / "worker.lock"
    with path.open("w") as file:
        for _ in range(100):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if tracking.closing.wait(0.1):
                    return
        else:
            raise CommandError(f"Another worker is running on {conf.data()}.")
        yield
