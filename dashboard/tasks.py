"""The queue: the only place that knows Huey. It is but the bell that rings; the truth is in the jobs' rows.

It is a file beside the data, or, where several machines share the work, a Redis. When it fails nothing is lost: the
worker looks at the rows every second, and hands what nobody was rung for to its own threads.
"""

import logging
import queue
import sqlite3
import sys
import time
from contextlib import suppress
from datetime import datetime
from typing import cast

from django.conf import settings
from django.db import close_old_connections

from repos import workers

# Huey imports the clients of Redis and of PostgreSQL wherever they are, which takes longer than all of Huey: a fifth of
# a second for each command that asks for a job. Who needs none is spared that.
_spared = {"psycopg"} if settings.MILLRACE_REDIS_URL else {"psycopg", "redis"}
_spared -= sys.modules.keys()
_modules = cast(dict[str, object], sys.modules)
_modules.update(dict.fromkeys(_spared))
from huey import Huey, RedisHuey, SqliteHuey  # noqa: E402
from huey.consumer import Consumer, Scheduler, Worker  # noqa: E402

for _name in _spared:
    del _modules[_name]

logger = logging.getLogger(__name__)

# Seconds after which a queue that failed is asked again, and between two lines of the log that say so.
PAUSE = 1.0
TELL = 60.0


def _queue() -> Huey:
    # `immediate` by default follows DEBUG, and would run the job inside the request.
    if settings.MILLRACE_REDIS_URL:
        from redis import ConnectionPool

        pool = ConnectionPool.from_url(settings.MILLRACE_REDIS_URL, **settings.REDIS_OPTIONS)
        return RedisHuey("millrace", connection_pool=pool, read_timeout=1, immediate=False, results=False)
    settings.MILLRACE_DATA.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(
        "millrace", filename=str(settings.MILLRACE_DATA / "queue.sqlite3"), immediate=False, results=False
    )


def _failures() -> tuple[type[Exception], ...]:
    """How a queue fails."""
    if settings.MILLRACE_REDIS_URL:
        from redis import RedisError

        return (OSError, sqlite3.Error, RedisError)
    return (OSError, sqlite3.Error)


huey = _queue()
_FAILURES = _failures()
# Jobs for the threads of this process, which were found without the bell.
_found: queue.SimpleQueue[int] = queue.SimpleQueue()
_told_at = -TELL


@huey.task()  # type: ignore[untyped-decorator]
def run_job(pk: int) -> None:
    # Late: who only rings need not know how a job is run.
    from repos import chain

    # As at the start of a request: a connection that broke since the last job is let go.
    close_old_connections()
    chain.run(pk, workers.name_here())


def ring(pk: int) -> None:
    """Has some worker look at job `pk`. Where the queue fails, a worker finds it by its own look at the rows."""
    try:
        run_job(pk)
    except _FAILURES as error:
        _tell(error)


def hand(pk: int) -> None:
    """Has a thread of this very process, a worker, look at job `pk`: without the queue."""
    _found.put(pk)


def is_quiet() -> bool:
    """Whether nobody is still to be woken for a job, as far as the queue can be asked."""
    return _found.empty() and not queue_length()


def queue_length() -> int | None:
    """How many rings nobody has heard yet; None while the queue fails."""
    try:
        return int(huey.pending_count())
    except _FAILURES as error:
        _tell(error)
        return None


def _tell(error: Exception) -> None:
    global _told_at
    if time.monotonic() - _told_at >= TELL:
        _told_at = time.monotonic()
        logger.warning("The queue does not answer, so workers look for waiting jobs themselves: %s", error)


class _Listener(Worker):  # type: ignore[misc]
    """One of Huey's threads, that outlives its queue, and looks for what was found without it."""

    def loop(self, now: datetime | None = None) -> None:
        try:
            self._listen(now)
        except _FAILURES as error:
            _tell(error)
            self.stop_flag.wait(PAUSE)
        except Exception:
            logger.exception("A job could not be run")

    def _listen(self, now: datetime | None) -> None:
        with suppress(queue.Empty):
            run_job.call_local(_found.get_nowait())
            return
        if task := self.huey.dequeue():
            self.delay = self.default_delay
            self.huey.execute(task, now)
        elif not self.huey.storage.blocking:
            self.sleep()


class _NoScheduler(Scheduler):  # type: ignore[misc]
    """We ring for now, and never for later."""

    def loop(self, now: datetime | None = None) -> None:
        self.stop_flag.wait(60)


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's threads, under the command of the process that they are in: signals are that one's business."""

    worker_class = _Listener
    scheduler_class = _NoScheduler

    def _set_signal_handlers(self) -> None:
        pass


def consumer(threads: int) -> Consumer:
    """The threads that hear the bell; `start` and `stop` it. They look for a ring at least four times a second."""
    return _Consumer(huey, workers=threads, periodic=False, initial_delay=0.05, backoff=1.2, max_delay=0.25)
