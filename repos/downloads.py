"""Many files at once: threads that fetch into the pool, and one that asks and is told.

The threads never touch the database. They are daemons that nobody waits for: a job that has to stop leaves them to
their last time-out, and what they bring after that is thrown away.

Many small files are fetched by a process of its own (see courier.py), and by the threads only what it hands back. The
two never fetch at the same time, so that the upstream never has more connections in use than it may have.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from . import courier, pool, space
from .courier import Courier, Reported
from .errors.upstreams import FetchFailed
from .fetch import Fetched, Fetcher
from .manifest import Entry
from .pipeline import SMALL, Wanted
from .progress import InHand
from .words import say

# Seconds between two looks at whether to stop.
TICK = 0.2
# How many files are asked for beyond those that are being fetched.
AHEAD = 32
# For fewer small files than this, no process is started: it takes about as long as to fetch them.
MANY = 200
# How many of the files on their way are named, and from how many bytes on it is told how many of them came.
NAMED, BIG = 5, 1_000_000
# How many files a process is asked for ahead, and how many at once; how many it may hand back before they are fetched.
ORDERED, ORDER, HANDED_BACK = 4000, 250, 1000

# A file to fetch, and what its address was just answered with, where that is known.
_Todo = tuple[Entry, requests.Response | None]


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


class _Flight:
    """A file that a thread fetches, and how many of its bytes came."""

    def __init__(self, entry: Entry, meter: Meter) -> None:
        self.entry, self.came, self._meter = entry, 0, meter

    def __call__(self, size: int) -> None:
        self.came += size
        self._meter(size)


class Downloads:
    """A context manager that has `threads` threads fetching into `folder`, and then into the pool."""

    def __init__(self, fetcher: Fetcher, folder: Path, threads: int, tick: Callable[[], None]) -> None:
        self.meter = Meter()
        self._fetcher = fetcher
        self._folder = folder
        self._tick = tick
        self._threads = threads
        self._number = 0
        self._courier: Courier | None = None
        self._delivery: _Delivery | None = None
        self._flights: dict[int, _Flight] = {}
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
        if self._courier:
            self._courier.close()

    def _work(self) -> None:
        while (task := self._todo.get()) and not self._fetcher.stop.is_set():
            try:
                self._done.put(task())
            except Exception as error:  # noqa: BLE001 - whatever it is, the job's own thread raises it
                self._done.put(error)

    def next(self, done: "queue.SimpleQueue[object] | None" = None) -> object:
        """The next thing that was done, by a thread or by those who tell `done`. Calls `tick`, which may raise."""
        done = done or self._done
        while True:
            self._tick()
            with suppress(queue.Empty):
                result = done.get(timeout=TICK)
                if isinstance(result, Exception):
                    raise result
                return result

    def one(self, url: str, into: Path, *, limit: int, conditions: dict[str, str]) -> Fetched:
        """Fetches one file to a place of the caller's choice. Raises FetchFailed."""

        self._todo.put(lambda: self._fetcher.fetch(url, into, limit=limit, conditions=conditions, count=self.meter))
        result = self.next()
        assert isinstance(result, Fetched)
        return result

    def in_hand(self) -> list[InHand]:
        """The first of the files that are on their way now. Asked by any thread, at any time."""
        # To copy a dictionary is one step, in which no other thread comes between.
        flights = list(self._flights.values())[:NAMED]
        if flights or not self._delivery:
            return [_in_hand(one.entry, one.came) for one in flights]
        return [_in_hand(entry, 0) for entry in self._delivery.first()]

    def get_ready(self, url: str) -> None:
        """Starts the process for small files below `url`, if it can fetch them: that takes a moment, which may as well
        be used.
        """
        if self._courier is None and courier.can_go(self._fetcher.transport, url):
            # Where no process can be started, threads fetch all.
            with suppress(OSError):
                self._courier = Courier(self._fetcher.transport, url, self._folder)

    def into_pool(self, entries: Iterable[Entry], url_of: Callable[[str], str]) -> Iterator[Outcome]:
        """Fetches each entry, and yields what became of it as soon as that is known, in no order.

        Small ones should come first. Raises NotStored where our own disk does not take one: it would take no other.
        """
        waiting = iter(entries)
        first = list(islice(waiting, MANY))
        waiting = chain(first, waiting)
        if len(first) == MANY and first[-1][2] <= SMALL:
            self.get_ready(url_of(""))
            if self._courier:
                self._delivery = _Delivery(self, self._courier, url_of)
                waiting = yield from self._delivery.run(waiting)
        yield from self.by_threads(((entry, None) for entry in waiting), url_of)

    def by_threads(self, todo: Iterable[_Todo], url_of: Callable[[str], str]) -> Iterator[Outcome]:
        """The same, each by a thread, from what its address was answered with."""
        waiting, pending = iter(todo), 0
        while True:
            while pending < self._threads + AHEAD and (one := next(waiting, None)):
                self._todo.put(self._file_task(*one, url_of(one[0][0]), self._number))
                pending, self._number = pending + 1, self._number + 1
            if not pending:
                return
            outcome = self.next()
            assert isinstance(outcome, Outcome)
            pending -= 1
            yield outcome

    def _file_task(
        self, entry: Entry, answered: requests.Response | None, url: str, number: int
    ) -> Callable[[], Outcome]:
        beside = self._folder / str(number)

        def task() -> Outcome:
            _, sha256, size = entry
            flight = self._flights[number] = _Flight(entry, self.meter)
            try:
                self._fetcher.fetch(url, beside, sha256=sha256, size=size, count=flight, answered=answered)
            except FetchFailed as error:
                return Outcome(entry, error)
            finally:
                del self._flights[number]
            if self._fetcher.stop.is_set():
                return Outcome(entry, FetchFailed(url, "stopped", say("the job was stopped")))
            with space.storing():
                pool.keep(beside, sha256)
            return Outcome(entry)

        return task


class _Delivery:
    """Files that a courier is asked for, and by the threads those that it hands back, in turns."""

    def __init__(self, downloads: Downloads, courier: Courier, url_of: Callable[[str], str]) -> None:
        self._downloads = downloads
        self._courier = courier
        self._url_of = url_of
        parts = urlsplit(url_of(""))
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._asked = 0
        self._pending: dict[int, Entry] = {}
        self._back: list[_Todo] = []
        self._over = False

    def first(self) -> list[Entry]:
        """Those that were asked for first, of those that have not come. Asked by any thread."""
        return list(islice(self._pending.values(), NAMED))

    def run(self, entries: Iterator[Entry]) -> Generator[Outcome, None, Iterator[Entry]]:
        """Yields what became of the small ones that `entries` begins with; returns the rest."""
        small = _Small(entries)
        while not self._over:
            yield from self._by_courier(small)
            back, self._back = self._back, []
            yield from self._downloads.by_threads(back, self._url_of)
        return small.rest()

    def _by_courier(self, small: "_Small") -> Iterator[Outcome]:
        """Until it has nothing more to do, or has handed back so many that they are fetched first."""
        while True:
            while not self._over and len(self._pending) <= ORDERED - ORDER and len(self._back) < HANDED_BACK:
                self._order(list(islice(small, ORDER)))
            if not self._pending:
                return
            report = self._downloads.next(self._courier.told)
            assert isinstance(report, Reported)
            for number in report.done:
                entry = self._pending.pop(number)
                self._downloads.meter(entry[2])
                yield Outcome(entry)
            self._take_back(report)

    def _order(self, entries: list[Entry]) -> None:
        self._over = not entries
        order = []
        for entry in entries:
            path, sha256, size = entry
            self._asked += 1
            self._pending[self._asked] = entry
            order.append(Wanted(self._asked, self._url_of(path).removeprefix(self._origin), sha256, size))
        if order:
            self._courier.send(order)

    def _take_back(self, report: Reported) -> None:
        for number, answer in report.back:
            self._back.append((self._pending.pop(number), _response(*answer) if answer else None))
        if report.ended:
            self._back.extend((entry, None) for entry in self._pending.values())
            self._pending.clear()
            self._over = True


def _in_hand(entry: Entry, came: int) -> InHand:
    path, _, size = entry
    return InHand(path, min(max(came, 0), size) if size >= BIG else None, size)


class _Small:
    """An iterator over entries up to the first that is not small. `rest` is that one, and all after it."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self._big: list[Entry] = []

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        if self._big:
            raise StopIteration
        entry = next(self._entries)
        if entry[2] <= SMALL:
            return entry
        self._big.append(entry)
        raise StopIteration

    def rest(self) -> Iterator[Entry]:
        return chain(self._big, self._entries)


def _response(status: int, reason: str, headers: dict[str, str]) -> requests.Response:
    """An answer as requests gives it, its body left out."""
    response = requests.Response()
    response.status_code, response.reason = status, reason
    response.headers.update(headers)
    response.raw = urllib3.HTTPResponse(b"", headers, status, preload_content=False)
    return response
