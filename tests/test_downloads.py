"""Many files at once, from a real upstream into the pool."""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from repos import pool
from repos.downloads import AHEAD, BIG, Downloads, Meter, Outcome
from repos.errors.stops import Canceled
from repos.errors.storage import NotStored
from repos.errors.upstreams import FetchFailed
from repos.fetch import Fetcher
from repos.manifest import Entry
from repos.progress import InHand
from repos.transport import Transport
from tests.misbehaviour import Corrupt, Fault, Longer, Redirect, Reset, Short, Shorter, Stall, StallHeaders, Status
from tests.running import SOON, until
from tests.upstream import EVERY_FILE, MANIFEST, Upstream

THREADS = 4


def quietly() -> None:
    """The tick of a job that goes on."""


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(Transport()) as fetcher:
        yield fetcher


@pytest.fixture
def folder(data: Path) -> Path:
    """A job's working directory, beside the pool."""
    (folder := data / "work").mkdir()
    return folder


@pytest.fixture
def downloads(fetcher: Fetcher, folder: Path) -> Iterator[Downloads]:
    with Downloads(fetcher, folder, THREADS, quietly) as downloads:
        yield downloads


def entries(upstream: Upstream) -> list[Entry]:
    return [(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in upstream.files.items()]


def write_files(upstream: Upstream, number: int) -> list[Entry]:
    for index in range(number):
        upstream.write(f"{index:03}", f"{index}".encode() * 20_000)
    return entries(upstream)


def url_of(upstream: Upstream) -> Callable[[str], str]:
    return lambda path: upstream.url + path


def pooled(data: Path) -> dict[str, bytes]:
    """All files of the pool by their names."""
    return {file.name: file.read_bytes() for file in (data / "pool").glob("*/*")}


def end_of_threads() -> None:
    """Waits for the threads that a job left behind."""
    until(lambda: not [one for one in threading.enumerate() if re.fullmatch(r"download-\d+", one.name)])


def test_it_works(downloads: Downloads, upstream: Upstream, data: Path, folder: Path) -> None:
    wanted = write_files(upstream, 20)
    outcomes = list(downloads.into_pool(wanted, url_of(upstream)))
    assert sorted(outcome.entry for outcome in outcomes) == wanted
    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert pooled(data) == {hashlib.sha256(content).hexdigest(): content for content in upstream.files.values()}
    # Moved and not copied: a file of the pool is never half there.
    assert list(folder.iterdir()) == []


def test_nothing_wanted_is_nothing_done(downloads: Downloads, upstream: Upstream) -> None:
    assert list(downloads.into_pool([], url_of(upstream))) == []
    assert upstream.requests == []


def test_each_thread_fetches_a_file_at_the_same_time(fetcher: Fetcher, upstream: Upstream, folder: Path) -> None:
    wanted = write_files(upstream, 12)
    with upstream.hold(EVERY_FILE) as gate:
        deadline = time.monotonic() + 5

        def tick() -> None:
            if len(upstream.requests) >= THREADS:
                gate.release()
            assert time.monotonic() < deadline

        with Downloads(fetcher, folder, THREADS, tick) as downloads:
            assert len(list(downloads.into_pool(wanted, url_of(upstream)))) == 12
    assert upstream.connections == THREADS


def test_a_file_is_told_of_while_others_are_still_fetched(downloads: Downloads, upstream: Upstream) -> None:
    wanted = write_files(upstream, 3)
    with upstream.hold("001") as gate:
        outcomes = downloads.into_pool(wanted, url_of(upstream))
        assert {next(outcomes).entry[0], next(outcomes).entry[0]} == {"000", "002"}
        gate.release()
        assert [outcome.entry[0] for outcome in outcomes] == ["001"]


def test_the_list_of_what_is_wanted_is_read_only_a_little_ahead(
    downloads: Downloads, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So many are looked at first of all; that they are not small leaves them to threads.
    monkeypatch.setattr("repos.downloads.MANY", 10)
    monkeypatch.setattr("repos.downloads.SMALL", 0)
    taken: list[Entry] = []

    def wanted() -> Iterator[Entry]:
        for entry in write_files(upstream, 100):
            taken.append(entry)
            yield entry

    for told, _ in enumerate(downloads.into_pool(wanted(), url_of(upstream)), 1):
        assert len(taken) < told + THREADS + AHEAD
    assert len(taken) == 100


def test_bytes_are_counted_by_all_threads(downloads: Downloads, upstream: Upstream) -> None:
    wanted = write_files(upstream, 20)
    upstream.fail(EVERY_FILE, Corrupt(times=1))
    list(downloads.into_pool(wanted, url_of(upstream)))
    assert downloads.meter.bytes == sum(size for _, _, size in wanted)


def test_a_meter_loses_nothing() -> None:
    meter = Meter()

    def count() -> None:
        for _ in range(5000):
            meter(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.bytes == 20_000


# ---- files that fail -------------------------------------------------------------------------------------


def test_a_failed_file_is_told_of_and_the_others_come(downloads: Downloads, upstream: Upstream) -> None:
    wanted = write_files(upstream, 10)
    upstream.fail("003", Status(404))
    upstream.fail("007", Corrupt())
    outcomes = list(downloads.into_pool(wanted, url_of(upstream)))
    failed = {outcome.entry[0]: outcome.error for outcome in outcomes if outcome.error}
    assert {path: error.cause for path, error in failed.items()} == {"003": "404", "007": "digest"}
    assert len(outcomes) == 10


def test_all_failures_are_told(downloads: Downloads, upstream: Upstream) -> None:
    wanted = write_files(upstream, 50)
    upstream.fail(EVERY_FILE, Status(404))
    outcomes = list(downloads.into_pool(wanted, url_of(upstream)))
    assert [outcome.error.cause for outcome in outcomes if outcome.error] == ["404"] * 50


@pytest.mark.parametrize("fault", [Short(1000), Reset(1000), Corrupt(1000), Longer(), Shorter(), Status(500)], ids=repr)
def test_a_failed_file_leaves_nothing_anywhere(
    downloads: Downloads, upstream: Upstream, data: Path, folder: Path, fault: Fault
) -> None:
    wanted = write_files(upstream, 5)
    upstream.fail(EVERY_FILE, fault)
    assert all(outcome.error for outcome in downloads.into_pool(wanted, url_of(upstream)))
    assert pooled(data) == {}
    assert list(folder.iterdir()) == []


def test_no_partial_file_is_ever_in_the_pool(fetcher: Fetcher, upstream: Upstream, data: Path, folder: Path) -> None:
    wanted = write_files(upstream, 30)
    upstream.fail(EVERY_FILE, Short(5000, times=1), Corrupt(5000, times=1), Reset(5000, times=1))
    looks: list[int] = []

    def look() -> None:
        found = pooled(data)
        assert [hashlib.sha256(content).hexdigest() for content in found.values()] == list(found)
        looks.append(len(found))

    with Downloads(fetcher, folder, THREADS, look) as downloads:
        assert not [outcome.error for outcome in downloads.into_pool(wanted, url_of(upstream)) if outcome.error]
    look()
    assert len(looks) >= 31
    assert looks[-1] == 30


def test_a_pool_that_does_not_take_it_is_told(downloads: Downloads, upstream: Upstream, data: Path) -> None:
    upstream.write("file", b"bytes")
    (wanted,) = entries(upstream)
    (data / "pool").touch()
    with pytest.raises(NotStored, match="could not be stored here: Not a directory"):
        list(downloads.into_pool([wanted], url_of(upstream)))


def test_an_answer_that_no_one_thought_of_does_not_hang_the_job(
    fetcher: Fetcher, upstream: Upstream, folder: Path
) -> None:
    upstream.write("file", b"bytes")
    upstream.fail("file", Redirect("http://[/"))
    deadline = time.monotonic() + 2

    def tick() -> None:
        if time.monotonic() > deadline:
            pytest.fail("the thread is dead, and nobody heard of it")

    with Downloads(fetcher, folder, THREADS, tick) as downloads:
        (outcome,) = downloads.into_pool(entries(upstream), url_of(upstream))
    assert outcome.error


def test_an_error_in_a_thread_is_raised_where_it_is_waited_for(upstream: Upstream, folder: Path) -> None:
    upstream.write("file", b"bytes")
    deadline = time.monotonic() + 2

    class Broken(Fetcher):
        """One with a bug."""

        def fetch(self, *arguments: object, **options: object) -> None:  # type: ignore[override]
            raise ZeroDivisionError

    def tick() -> None:
        if time.monotonic() > deadline:
            pytest.fail("the thread is dead, and nobody heard of it")

    def first_outcome() -> Outcome:
        with Broken(Transport()) as fetcher, Downloads(fetcher, folder, 1, tick) as downloads:
            return next(downloads.into_pool(entries(upstream), url_of(upstream)))

    with pytest.raises(ZeroDivisionError):
        first_outcome()


# ---- one file --------------------------------------------------------------------------------------------


def test_one_file_comes_to_the_callers_place(downloads: Downloads, upstream: Upstream, folder: Path) -> None:
    upstream.write("file", b"bytes")
    fetched = downloads.one(upstream.manifest_url, folder / "list", limit=1000, conditions={})
    assert (folder / "list").read_bytes() == upstream.manifest
    assert fetched.sha256 == hashlib.sha256(upstream.manifest).hexdigest()


def test_one_file_may_be_asked_for_on_a_condition(downloads: Downloads, upstream: Upstream, folder: Path) -> None:
    before = downloads.one(upstream.manifest_url, folder / "list", limit=1000, conditions={})
    headers = {"If-None-Match": before.etag}
    assert downloads.one(upstream.manifest_url, folder / "list", limit=1000, conditions=headers).unchanged


def test_one_file_that_fails_is_an_error(downloads: Downloads, upstream: Upstream, folder: Path) -> None:
    upstream.fail(MANIFEST, Status(404))
    with pytest.raises(FetchFailed, match="there is no such file"):
        downloads.one(upstream.manifest_url, folder / "list", limit=1000, conditions={})


def test_one_file_has_a_limit(downloads: Downloads, upstream: Upstream, folder: Path) -> None:
    write_files(upstream, 5)
    with pytest.raises(FetchFailed, match="it is longer than 100 bytes"):
        downloads.one(upstream.manifest_url, folder / "list", limit=100, conditions={})


def test_many_files_may_come_after_one(downloads: Downloads, upstream: Upstream, folder: Path) -> None:
    wanted = write_files(upstream, 5)
    downloads.one(upstream.manifest_url, folder / "list", limit=1000, conditions={})
    assert len(list(downloads.into_pool(wanted, url_of(upstream)))) == 5


# ---- letting go ------------------------------------------------------------------------------------------


class Cancel:
    """A tick that raises once something is so, and remembers when that was."""

    def __init__(self, condition: Callable[[], object]) -> None:
        self._condition = condition
        self.at = 0.0

    def __call__(self) -> None:
        if self._condition():
            self.at = self.at or time.monotonic()
            raise Canceled


def canceled(
    upstream: Upstream, folder: Path, wanted: list[Entry], condition: Callable[[], object], threads: int = THREADS
) -> float:
    """Fetches until the condition holds, cancels then; returns the seconds that letting go took."""
    tick = Cancel(condition)
    with (
        pytest.raises(Canceled),
        Fetcher(Transport()) as fetcher,
        Downloads(fetcher, folder, threads, tick) as downloads,
    ):
        list(downloads.into_pool(wanted, url_of(upstream)))
    return time.monotonic() - tick.at


@pytest.mark.parametrize("fault", [StallHeaders(), Stall(), Stall(1000)], ids=repr)
def test_a_job_lets_go_at_once_of_an_upstream_that_stalls(
    upstream: Upstream, folder: Path, data: Path, fault: Fault
) -> None:
    wanted = write_files(upstream, 100)
    upstream.fail(EVERY_FILE, fault)
    assert canceled(upstream, folder, wanted, lambda: len(upstream.requests) == THREADS) < 1
    upstream.stop()
    end_of_threads()
    assert pooled(data) == {}


def test_a_tick_is_heard_while_everything_stalls(upstream: Upstream, folder: Path) -> None:
    wanted = write_files(upstream, 1)
    upstream.fail(EVERY_FILE, StallHeaders())
    ticks: list[float] = []

    def condition() -> bool:
        ticks.append(time.monotonic())
        return len(ticks) == 4

    canceled(upstream, folder, wanted, condition)
    assert max(after - before for before, after in pairwise(ticks)) < 1


def test_what_arrives_after_a_stop_is_thrown_away(upstream: Upstream, folder: Path, data: Path) -> None:
    write_files(upstream, THREADS - 1)
    upstream.write("empty", b"")
    with upstream.hold(EVERY_FILE) as gate:
        canceled(upstream, folder, entries(upstream), lambda: len(upstream.requests) == THREADS)
        gate.release()
        end_of_threads()
    assert pooled(data) == {}


def test_nothing_more_is_asked_for_after_a_stop(upstream: Upstream, folder: Path) -> None:
    wanted = write_files(upstream, 30)
    with upstream.hold(EVERY_FILE) as gate:
        canceled(upstream, folder, wanted, lambda: upstream.requests, threads=1)
        gate.release()
        end_of_threads()
    assert len(upstream.requests) == 1


def test_a_working_directory_that_is_gone_is_not_made_anew(upstream: Upstream, folder: Path) -> None:
    wanted = write_files(upstream, 30)
    with upstream.hold(EVERY_FILE) as gate:
        canceled(upstream, folder, wanted, lambda: len(upstream.requests) == THREADS)
        folder.rmdir()
        gate.release()
        end_of_threads()
    assert not folder.exists()


def test_the_list_is_let_go_of_too(upstream: Upstream, folder: Path) -> None:
    upstream.write("file", b"bytes")
    upstream.fail(MANIFEST, Stall())
    tick = Cancel(lambda: upstream.requests)
    with (
        pytest.raises(Canceled),
        Fetcher(Transport()) as fetcher,
        Downloads(fetcher, folder, 1, tick) as downloads,
    ):
        downloads.one(upstream.manifest_url, folder / "list", limit=1000, conditions={})
    assert time.monotonic() - tick.at < SOON


def test_the_threads_end_with_the_block(upstream: Upstream, folder: Path) -> None:
    wanted = write_files(upstream, 5)
    with Fetcher(Transport()) as fetcher:
        with Downloads(fetcher, folder, THREADS, quietly) as downloads:
            list(downloads.into_pool(wanted, url_of(upstream)))
        assert fetcher.stop.is_set()
        end_of_threads()


def test_files_of_the_pool_are_whole_after_a_stop_midway(upstream: Upstream, folder: Path, data: Path) -> None:
    wanted = write_files(upstream, 60)
    canceled(upstream, folder, wanted, lambda: len(pooled(data)) > 5)
    end_of_threads()
    found = pooled(data)
    assert 5 < len(found) <= 60
    assert {hashlib.sha256(content).hexdigest() for content in found.values()} == found.keys()


def test_the_pool_has_what_an_outcome_says(downloads: Downloads, upstream: Upstream) -> None:
    for outcome in downloads.into_pool(write_files(upstream, 10), url_of(upstream)):
        _, sha256, size = outcome.entry
        assert pool.has(sha256, size)


# ---- what is on its way ----


def test_what_is_fetched_now_can_be_asked(downloads: Downloads, upstream: Upstream) -> None:
    wanted = write_files(upstream, 3)
    with upstream.hold("001") as gate:
        outcomes = downloads.into_pool(wanted, url_of(upstream))
        next(outcomes), next(outcomes)
        until(lambda: [file.path for file in downloads.in_hand()] == ["001"], "one is on its way")
        assert downloads.in_hand() == [InHand("001", None, 20_000)]
        gate.release()
        list(outcomes)
    assert downloads.in_hand() == []


def test_of_a_big_one_it_is_told_how_much_came(downloads: Downloads, upstream: Upstream) -> None:
    upstream.write("big", bytes(BIG))
    wanted = entries(upstream)
    with upstream.hold("big") as gate:
        outcomes = downloads.into_pool(wanted, url_of(upstream))
        thread = threading.Thread(target=lambda: list(outcomes))
        thread.start()
        until(downloads.in_hand, "it is on its way")
        [file] = downloads.in_hand()
        assert (file.path, file.size) == ("big", BIG)
        assert file.came is not None
        gate.release()
        thread.join()
