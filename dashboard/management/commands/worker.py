"""`manage.py worker`: the process that runs jobs. `manage.py serve` starts one and watches it."""

import fcntl
import logging
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailed
from django.db import close_old_connections, connection

# What runs jobs: here before the first of them is.
import repos.chain  # noqa: F401
from dashboard import tasks
from dashboard.ending import on_signals, when_asked
from repos import conf, orphans, outages, reservations, tracking, trash, upkeep, workers
from repos.pulses import Pulses
from repos.recover import recover, sweep

logger = logging.getLogger(__name__)

# Seconds between two signs of life.
SIGN = 1.0
# Seconds that jobs have to give themselves back when the worker is asked to end.
PATIENCE = 8.0
# Seconds between two lines of the log that say that the database is away.
TELL = 60.0
_told_at = -TELL


class Command(BaseCommand):
    help = "Runs jobs until it is asked to end (SIGTERM, Ctrl-C)."
    # They import all pages, which no job needs: a third of the time that it takes to start, and of the memory.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--threads", type=int, default=4, help="how many jobs run at once (default 4)")
        parser.add_argument("--until-eof", action="store_true", help="end as soon as standard input ends")

    def handle(self, *args: Any, threads: int, until_eof: bool, **options: Any) -> None:
        name = workers.name_here()
        on_signals(when_asked(tracking.closing.set))
        with _only_one():
            while not _entered(name, threads) and not tracking.closing.is_set():
                _wait(until_eof)
            _work(name, threads, until_eof)
            with suppress(DatabaseFailed):
                workers.leave(name)


def _entered(name: str, threads: int) -> bool:
    """Signs in, and takes up what was left; False while the database does not answer."""
    try:
        workers.enter(name, threads)
        # The lock says so: whoever had this name before is dead, and so are its jobs' runs.
        recover(dead=name, by=name)
        sweep()
        with suppress(OSError):
            trash.finish(orphans.spared_since())
    except DatabaseFailed as error:
        _database_failed(error)
        return False
    return True


def _work(name: str, threads: int, until_eof: bool) -> None:
    consumer, pulses, watch = tasks.consumer(threads), Pulses(), upkeep.Watch()
    consumer.start()
    while not tracking.closing.is_set():
        _wait(until_eof)
        _keep_house(name, pulses, watch)
        consumer.check_worker_health()
    consumer.stop()
    _join([thread for _, thread in consumer.worker_threads])


def _wait(until_eof: bool) -> None:
    """Lets SIGN seconds pass, or fewer where this process is to end."""
    if until_eof and _ended(sys.stdin.fileno()):
        tracking.closing.set()
    elif not until_eof:
        tracking.closing.wait(SIGN)


def _keep_house(name: str, pulses: Pulses, watch: upkeep.Watch) -> None:
    """Every second: signs, takes up dead jobs, rings for those whose bell was lost, and asks for what is due."""
    try:
        close_old_connections()
        workers.sign(name)
        recover(by=name, pulses=pulses)
        if tasks.is_quiet():
            for pk in reservations.overlooked():
                tasks.hand(pk)
        watch()
    except DatabaseFailed as error:
        _database_failed(error)


def _database_failed(error: DatabaseFailed) -> None:
    global _told_at
    if not outages.of(error):
        logger.error("The database failed", exc_info=error)
    elif time.monotonic() - _told_at >= TELL:
        _told_at = time.monotonic()
        logger.warning("The database cannot be reached: %s", outages.told(error))
    connection.close()


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
