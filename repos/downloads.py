"""Many files at once: threads that fetch into the pool, and one that asks and is told.

The threads never touch the database. They are daemons that nobody waits for: a job that has to stop leaves them to
their last time-out, and what they bring after that is thrown away.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import pool, space
from .errors import FetchFailed
from .fetch import Fetched, Fetcher
from .manifest import Entry

# Seconds between two looks at whether to stop.
TICK = 0.2
# How many files are asked for beyond those that are being fetched.
AHEAD = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: it lies in the pool, or `error` says why not."""

    entry: Entry
    error: FetchFailed | None = None


class Meter:
    """Bytes that arrived, counted by many threads."""

    def __init__(self) -> None:
        self.bytes = 0
        self._lock = threading.Lock()

    def __call__(self, size: int) -> None:
        with self._lock:
            self.bytes += size


class Downloads:
    """A context manager that has `threads` threads fetching into `folder`, and then into the pool."""

    def __init__(self, fetcher: Fetcher, folder: Path, threads: int, tick: Callable[[], None]) -> None:
        self.meter = Meter()
        self._fetcher = fetcher
        self._folder = folder
        self._tick = tick
        self._threads = threads
        self._todo: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[object] = queue.SimpleQueue()

    def __enter__(self) -> "Downloads":
        for number in range(self._threads):
            threading.Thread(target=self._work, name=f"download-{number}", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._fetcher.stop.set()
        for _ in range(self._threads):
            self._todo.put(None)

    def _work(self) -> None:
        while (task := self._todo.get()) and not self._fetcher.stop.is_set():
            try:
                self._done.put(task())
            except Exception as error:  # noqa: BLE001 - whatever it is, the job's own thread raises it
                self._done.put(error)

    def _next(self) -> object:
        """The next thing that a thread has done. Calls `tick`, which may raise, while it waits."""
        while True:
            self._tick()
            with suppress(queue.Empty):
                result = self._done.get(timeout=TICK)
                if isinstance(result, Exception):
                    raise result
                return result

    def one(self, url: str, into: Path, *, limit: int, conditions: dict[str, str]) -> Fetched:
        """Fetches one file to a place of the caller's choice. Raises FetchFailed."""

        self._todo.put(lambda: self._fetcher.fetch(url, into, limit=limit, conditions=conditions, count=self.meter))
        result = self._next()
        assert isinstance(result, Fetched)
        return result

    def into_pool(self, entries: Iterable[Entry], url_of: Callable[[str], str]) -> Iterator[Outcome]:
        """Fetches each entry, and yields what became of it as soon as that is known, in no order.

        Raises NotStored where our own disk does not take one: it would take no other.
        """
        waiting, pending, number = iter(entries), 0, 0
        while True:
            while pending < self._threads + AHEAD and (entry := next(waiting, None)):
                self._todo.put(self._file_task(entry, url_of(entry[0]), self._folder / str(number)))
                pending, number = pending + 1, number + 1
            if not pending:
                return
            outcome = self._next()
            assert isinstance(outcome, Outcome)
            pending -= 1
            yield outcome

    def _file_task(self, entry: Entry, url: str, beside: Path) -> Callable[[], Outcome]:
        def task() -> Outcome:
            _, sha256, size = entry
            try:
                self._fetcher.fetch(url, beside, sha256=sha256, size=size, count=self.meter)
            except FetchFailed as error:
                return Outcome(entry, error)
            if self._fetcher.stop.is_set():
                return Outcome(entry, FetchFailed(url, "stopped", "the job was stopped"))
            with space.storing():
                pool.keep(beside, sha256)
            return Outcome(entry)

        return task
