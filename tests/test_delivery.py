"""Many small files: what becomes of them is what would become of them by threads alone, whatever an upstream does."""

import hashlib
import os
import re
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
import trustme

from repos import downloads
from repos.ahead import STALL
from repos.errors.stops import Canceled
from repos.errors.storage import NotStored
from repos.manifest import Entry
from repos.transport import Transport
from tests.answers import Answer, Held
from tests.misbehaviour import (
    Busy,
    Chunked,
    Corrupt,
    CutHeaders,
    Drip,
    DripFrame,
    DripHeaders,
    Endless,
    Fault,
    Garbage,
    Gzip,
    Longer,
    NotModified,
    Overrun,
    Partial,
    Redirect,
    Reset,
    Short,
    Shorter,
    Stall,
    StallHeaders,
    Status,
    Unframed,
)
from tests.running import SOON, until
from tests.small_files import (
    Delivered,
    by_digest,
    children,
    delivered,
    delivering,
    entries_of,
    pooled,
    url_of,
    write_small,
)
from tests.tls import TlsUpstream, good, pem_of
from tests.upstream import EVERY_FILE, Exchange, Upstream

FILES, MANY = 64, 32
# Of these, some are met by a fault: neither the first nor the last, and two of them neighbours.
FAULTY = ["0018", "0019", "0039"]


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that they are brought by a process."""
    monkeypatch.setattr(downloads, "MANY", MANY)


@pytest.fixture
def folder(data: Path) -> Path:
    """A job's working directory, beside the pool."""
    (folder := data / "work").mkdir()
    return folder


@pytest.fixture
def wanted(upstream: Upstream) -> list[Entry]:
    return write_small(upstream, FILES)


def impatient(upstream: Upstream, **values: object) -> Transport:
    """Four connections, and two tries for each file."""
    return Transport.for_url(upstream.url, **{"tries": 2, "concurrency": 4, **values})


def test_it_works(upstream: Upstream, wanted: list[Entry], folder: Path, data: Path) -> None:
    found = delivered(upstream, wanted, folder)
    assert sorted(found.came) == [path for path, _, _ in wanted]
    assert pooled(data) == by_digest(upstream)
    assert list(folder.iterdir()) == []
    # By few connections, no thread, and each was asked for once.
    assert found.by_threads == []
    assert upstream.connections <= 16
    assert sorted(request.path for request in upstream.requests) == sorted(found.came)
    assert children() == []


def test_bytes_are_counted(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    upstream.fail("0050", Status(404))
    with delivering(Transport.for_url(upstream.url), folder) as many:
        list(many.into_pool(wanted, url_of(upstream)))
        assert many.meter.bytes == sum(size for path, _, size in wanted if path != "0050")


def test_few_files_are_fetched_by_threads(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    few = wanted[: MANY - 1]
    assert sorted(delivered(upstream, few, folder).by_threads) == [path for path, _, _ in few]


def test_big_files_behind_them_are_fetched_by_threads(upstream: Upstream, folder: Path, data: Path) -> None:
    write_small(upstream, FILES)
    upstream.write("big-1", bytes(300_000))
    upstream.write("big-2", bytes(400_000))
    # Behind a big one, small ones are not looked for.
    upstream.write("small", b"small")
    found = delivered(upstream, entries_of(upstream), folder)
    assert sorted(found.by_threads) == ["big-1", "big-2", "small"]
    assert pooled(data) == by_digest(upstream)


@pytest.mark.parametrize("values", [{"deadline": 60}, {"rate_limit": 10**9}], ids=repr)
def test_where_time_or_speed_is_limited_threads_fetch(
    upstream: Upstream, wanted: list[Entry], folder: Path, values: dict[str, int]
) -> None:
    found = delivered(upstream, wanted, folder, Transport.for_url(upstream.url, **values))
    assert len(found.by_threads) == len(found.came) == FILES


def test_one_process_serves_one_lot_after_another(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    with delivering(Transport.for_url(upstream.url), folder) as many:
        for _ in range(3):
            assert len(list(many.into_pool(wanted, url_of(upstream)))) == FILES
            assert len(children()) == 1
    assert children() == []
    assert upstream.connections <= 16


def test_an_address_that_needs_quoting_is_left_to_threads(upstream: Upstream, folder: Path, data: Path) -> None:
    for number in range(FILES):
        upstream.write(f"a b/é/{number:04}", b"%d" % number)
    base = f"{upstream.url}a b/é/"
    wanted = [(path.rpartition("/")[2], sha256, size) for path, sha256, size in entries_of(upstream)]
    with delivering(Transport.for_url(upstream.url), folder) as many:
        outcomes = list(many.into_pool(wanted, lambda path: base + path))
    assert not [outcome.error for outcome in outcomes if outcome.error]
    assert pooled(data) == by_digest(upstream)


@pytest.mark.parametrize("host", [f"{'a' * 64}.invalid", "nowhere..invalid"])
def test_a_host_that_leads_nowhere_fails_each_file(
    upstream: Upstream, wanted: list[Entry], folder: Path, host: str
) -> None:
    few = wanted[:MANY]
    base = f"http://{host}/"
    with delivering(Transport.for_url(base, tries=1), folder) as many:
        outcomes = list(many.into_pool(few, lambda path: base + path))
    assert [outcome.error.cause for outcome in outcomes if outcome.error] == ["dns"] * len(few)


# ---- as threads alone would do it ------------------------------------------------------------------------


@dataclass(frozen=True)
class Bare(Fault):
    """Bytes as they are, and then the next answer on the same connection."""

    data: bytes

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.wfile.write(self.data)


@dataclass(frozen=True)
class Named(Fault):
    """The right answer with a header besides."""

    name: str
    value: str

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(Answer.whole(answer.status, answer.body, {**answer.headers, self.name: self.value}))


def told(found: Delivered) -> dict[str, tuple[str, str, int]]:
    """Its failures, but for how much came of what is too long."""
    return {
        path: (cause, re.sub(r"at least [\d,]+", "at least so many", why), tries)
        for path, (cause, why, tries) in found.failed.items()
    }


def both_ways(
    upstream: Upstream,
    wanted: list[Entry],
    folder: Path,
    faults: dict[str, list[Fault]],
    monkeypatch: pytest.MonkeyPatch,
    **values: object,
) -> tuple[Delivered, Delivered]:
    """The outcome with the process, and then by threads alone; the pool has the same after both."""
    found, data = [], folder.parent
    for many in (MANY, 10**9):
        monkeypatch.setattr(downloads, "MANY", many)
        upstream.heal()
        for path, several in faults.items():
            upstream.fail(path, *several)
        one = delivered(upstream, wanted, folder, impatient(upstream, **values))
        assert list(folder.iterdir()) == []
        assert sorted([*one.came, *one.failed]) == [path for path, _, _ in wanted]
        has, content = pooled(data), by_digest(upstream)
        assert has == {sha256: content[sha256] for path, sha256, _ in wanted if path in one.came}
        if one.came:
            (data / "pool").rename(data / f"pool-{many}")
        found.append(one)
    return found[0], found[1]


@pytest.mark.parametrize(
    "fault",
    [
        Status(404),
        Status(401),
        Status(500),
        Status(429),
        Status(204),
        Status(302),
        Busy(3600),
        Redirect("/0050"),
        Redirect("/there/is/no/such"),
        Redirect("http://169.254.169.254/"),
        Redirect("//127.0.0.1:1/file"),
        NotModified(),
        Reset(20),
        Short(20),
        Corrupt(),
        Longer(),
        Shorter(),
        CutHeaders(),
        Gzip(),
        Chunked(),
        Chunked(after=20),
        Unframed(),
        Overrun(),
        Endless(b"x" * 1000),
        Partial(20),
        Garbage(),
        Garbage(b""),
        # It says that it closes: else a thread might take the connection up again before it learns that.
        Garbage(b"HTTP/1.1 200 OK\nContent-Length: 3\nConnection: close\n\nabc"),
        Bare(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        Bare(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        Bare(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\nConnection: close\r\n\r\n" + bytes(1000)),
        Bare(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n"),
        Named("Content-Encoding", "identity"),
    ],
    ids=lambda fault: repr(fault)[:80],
)
def test_it_ends_as_by_threads_alone(
    upstream: Upstream, wanted: list[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    by_process, by_threads = both_ways(upstream, wanted, folder, {path: [fault] for path in FAULTY}, monkeypatch)
    assert told(by_process) == told(by_threads)
    # Who asks for less gets the rest in the ordinary way, too; else nothing that is sound is handed back.
    assert getattr(fault, "code", 0) in (429, 503) or set(by_process.by_threads) <= set(FAULTY)


def test_who_stalls_ends_as_by_threads_alone(
    upstream: Upstream, wanted: list[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: dict[str, list[Fault]] = {
        "0018": [StallHeaders()],
        "0019": [Stall(20)],
        "0038": [DripHeaders(0.02)],
        "0039": [DripFrame(0.02)],
    }
    by_process, by_threads = both_ways(upstream, wanted, folder, faults, monkeypatch, read_timeout=1, tries=1)
    assert told(by_process) == told(by_threads)


@pytest.mark.parametrize("trusted", [True, False])
def test_who_is_behind_tls_ends_as_by_threads_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    authority = trustme.CA()
    with TlsUpstream(good(authority)) as upstream:
        files = write_small(upstream, FILES)
        values = {"ca_certificate": pem_of(authority if trusted else trustme.CA())}
        by_process, by_threads = both_ways(upstream, files, folder, {}, monkeypatch, **values)
    assert by_process.failed == by_threads.failed
    assert set(by_process.causes.values()) == (set() if trusted else {"tls"})
    assert len(by_process.by_threads) == (0 if trusted else FILES)


def test_who_fails_for_a_while_ends_as_by_threads_alone(
    upstream: Upstream, wanted: list[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: dict[str, list[Fault]] = {
        "0018": [Short(20, times=1)],
        "0019": [Reset(times=1), Status(500, times=1)],
        "0038": [Corrupt(times=1), Busy(0, times=1)],
        "0039": [Chunked(after=20, times=1)],
    }
    by_process, by_threads = both_ways(upstream, wanted, folder, faults, monkeypatch, tries=3)
    assert by_process.failed == by_threads.failed == {}


# ---- upstreams that treat all files alike ----------------------------------------------------------------


def counts(upstream: Upstream, wanted: list[Entry]) -> set[int]:
    """How often files were asked for."""
    return {upstream.count(path) for path, _, _ in wanted}


def test_files_that_are_not_there_are_asked_for_once(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    upstream.fail(EVERY_FILE, Status(404))
    found = delivered(upstream, wanted, folder)
    assert set(found.failed.values()) == {("404", "there is no such file (404)", 1)}
    assert len(found.failed) == len(upstream.requests) == FILES


def test_an_answer_that_is_worth_another_try_counts_as_the_first(
    upstream: Upstream, wanted: list[Entry], folder: Path
) -> None:
    upstream.fail(EVERY_FILE, Status(500))
    found = delivered(upstream, wanted, folder, impatient(upstream, tries=3))
    assert set(found.failed.values()) == {("500", "the upstream answered 500", 3)}
    assert counts(upstream, wanted) == {3}


@dataclass(frozen=True)
class Moved(Fault):
    """Redirects to the same name in another folder, where it is."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        if exchange.path.startswith("/there/"):
            exchange.send(exchange.server.upstream.answer(exchange.path.rpartition("/")[2], exchange.headers))
        else:
            exchange.send(Answer.whole(307, Held(b"moved"), {"Location": f"/there{exchange.path}"}))


def test_files_that_all_have_moved_come(upstream: Upstream, wanted: list[Entry], folder: Path, data: Path) -> None:
    upstream.fail(EVERY_FILE, Moved())
    found = delivered(upstream, wanted, folder)
    assert len(found.came) == FILES
    assert pooled(data) == by_digest(upstream)
    assert counts(upstream, wanted) == {1}
    assert len(upstream.requests) == 2 * FILES


@dataclass(frozen=True)
class Private(Fault):
    """401 for all but one login."""

    login: str

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        known = exchange.headers["Authorization"] == self.login
        exchange.send(answer if known else Answer.whole(401, Held(b""), {"WWW-Authenticate": "Basic"}))


@pytest.mark.parametrize("values", [{}, {"username": "me", "password": "wrong"}], ids=["none", "wrong"])
def test_a_login_that_is_refused_is_tried_once(
    upstream: Upstream, wanted: list[Entry], folder: Path, values: dict[str, str]
) -> None:
    upstream.fail(EVERY_FILE, Private("Basic bWU6c2VjcmV0"))
    found = delivered(upstream, wanted, folder, Transport.for_url(upstream.url, **values))
    assert set(found.causes.values()) == {"401"}
    assert counts(upstream, wanted) == {1}


def test_a_login_opens_what_is_private(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    upstream.fail(EVERY_FILE, Private("Basic bWU6c2VjcmV0"))
    found = delivered(upstream, wanted, folder, Transport.for_url(upstream.url, username="me", password="secret"))
    assert (len(found.came), found.by_threads) == (FILES, [])


@dataclass(frozen=True)
class Ending(Fault):
    """Ends each connection after so many answers; says so with the last, or does not."""

    after: int
    says: bool = True

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        served = exchange.server.served = getattr(exchange, "served", 0) + 1  # type: ignore[attr-defined]
        exchange.served = served  # type: ignore[attr-defined]
        last = served == self.after
        exchange.send(
            replace(answer, headers={**answer.headers, "Connection": "close"}) if last and self.says else answer
        )
        exchange.close_connection = exchange.close_connection or last


@dataclass(frozen=True)
class Old(Fault):
    """HTTP/1.0, with a length."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.raw_head("HTTP/1.0 200 OK", {"Content-Length": str(answer.body.size)})
        exchange.send_body(answer)


@pytest.mark.parametrize("fault", [Ending(1), Ending(1, says=False), Old(), Unframed(), Chunked()], ids=repr)
def test_who_cannot_be_asked_ahead_is_asked_by_threads(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path, fault: Fault
) -> None:
    upstream.fail(EVERY_FILE, fault)
    found = delivered(upstream, wanted, folder)
    assert len(found.came) == FILES
    assert pooled(data) == by_digest(upstream)
    # Soon, and what was asked for in vain was little.
    assert len(found.by_threads) > FILES / 2
    assert len(upstream.requests) < 2 * FILES


@pytest.mark.parametrize("says", [True, False])
def test_who_ends_connections_after_some_answers_is_asked_ahead_still(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path, says: bool
) -> None:
    upstream.fail(EVERY_FILE, Ending(10, says))
    found = delivered(upstream, wanted, folder)
    assert pooled(data) == by_digest(upstream)
    assert found.by_threads == []
    assert counts(upstream, wanted) == {1}


def test_answers_that_are_all_wrong_are_not_taken(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path
) -> None:
    upstream.fail(EVERY_FILE, Corrupt())
    found = delivered(upstream, wanted, folder, impatient(upstream))
    assert set(found.causes.values()) == {"digest"}
    assert pooled(data) == {}
    assert max(counts(upstream, wanted)) <= 3


@dataclass(frozen=True)
class Swapped(Fault):
    """Answers each request with another file: as an upstream does that mixes up who asked for what."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        other = f"{int(exchange.path[1:]) ^ 1:04}"
        exchange.send(exchange.server.upstream.answer(other, exchange.headers))


def test_answers_to_other_requests_are_never_taken(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path
) -> None:
    upstream.fail(EVERY_FILE, Swapped())
    found = delivered(upstream, wanted, folder, impatient(upstream))
    assert len(found.failed) == FILES
    assert set(found.causes.values()) <= {"digest", "size"}
    assert pooled(data) == {}


def test_retry_after_is_obeyed(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    asked: list[float] = []

    class Noted(Busy):
        def serve(self, exchange: Exchange, answer: Answer) -> None:
            asked.append(time.monotonic())
            if len(asked) == 1:
                super().serve(exchange, answer)
            else:
                exchange.send(answer)

    upstream.fail("0018", Noted(1))
    assert len(delivered(upstream, wanted, folder).came) == FILES
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1


# ---- not more than may be --------------------------------------------------------------------------------


class Working(Fault):
    """Takes a moment for each answer, and knows at how many it was at once; `busy` has how many there are now.

    Some files are not there, so that they are handed back.
    """

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "busy", [])
        object.__setattr__(self, "most", [])

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        busy: list[Exchange] = self.busy  # type: ignore[attr-defined]
        busy.append(exchange)
        self.most.append(len(busy))  # type: ignore[attr-defined]
        time.sleep(0.002)
        busy.remove(exchange)
        (Status(500, times=1) if int(exchange.path[1:]) % 4 == 1 else Fault()).serve(exchange, answer)


@pytest.mark.parametrize("concurrency", [1, 2, 6])
def test_no_more_requests_are_under_way_at_once_than_may_be(
    upstream: Upstream, wanted: list[Entry], folder: Path, concurrency: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "HANDED_BACK", 3)
    working = Working()
    upstream.fail(EVERY_FILE, working)
    found = delivered(upstream, wanted, folder, Transport.for_url(upstream.url, concurrency=concurrency))
    assert len(found.failed) == FILES // 4
    assert 0 < max(working.most) <= concurrency  # type: ignore[attr-defined]


def test_the_list_of_what_is_wanted_is_read_only_so_far_ahead(
    upstream: Upstream, wanted: list[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "ORDERED", 20)
    monkeypatch.setattr(downloads, "ORDER", 5)
    taken: list[Entry] = []

    def entries() -> Iterator[Entry]:
        for entry in wanted:
            taken.append(entry)
            yield entry

    with delivering(Transport.for_url(upstream.url), folder) as many:
        for told, _ in enumerate(many.into_pool(entries(), url_of(upstream)), 1):
            # What comes together is told together.
            assert len(taken) <= max(MANY, told + 2 * 20)


def test_of_a_long_list_little_is_held(upstream: Upstream, folder: Path) -> None:
    taken = 0

    def entries() -> Iterator[Entry]:
        nonlocal taken
        for taken in range(1, 20_001):
            yield (f"{taken}", "0" * 64, 1)

    def tick() -> None:
        if upstream.requests:
            raise Canceled

    with (
        pytest.raises(Canceled),
        upstream.hold(EVERY_FILE),
        delivering(Transport.for_url(upstream.url), folder, tick) as many,
    ):
        list(many.into_pool(entries(), url_of(upstream)))
    assert MANY < taken <= downloads.ORDERED + downloads.ORDER + MANY


# ---- a file that holds up --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [StallHeaders(), Drip(1, 0.05), DripHeaders(0.01)], ids=repr)
def test_a_file_that_stalls_does_not_hold_up_the_others(
    upstream: Upstream, wanted: list[Entry], folder: Path, fault: Fault
) -> None:
    upstream.fail("0018", fault)
    begun = time.monotonic()
    with delivering(impatient(upstream, read_timeout=60, least_speed=0, concurrency=2), folder) as many:
        outcomes = many.into_pool(wanted, url_of(upstream))
        assert "0018" not in {next(outcomes).entry[0] for _ in range(FILES - 1)}
        assert time.monotonic() - begun < STALL + 5


# ---- the process ends ------------------------------------------------------------------------------------


def test_who_cancels_is_let_go_of_at_once(upstream: Upstream, wanted: list[Entry], folder: Path, data: Path) -> None:
    upstream.fail(EVERY_FILE, StallHeaders())
    at = 0.0

    def tick() -> None:
        nonlocal at
        if upstream.requests:
            at = at or time.monotonic()
            raise Canceled

    with pytest.raises(Canceled), delivering(impatient(upstream, read_timeout=60), folder, tick) as many:
        list(many.into_pool(wanted, url_of(upstream)))
    assert time.monotonic() - at < SOON
    assert children() == []
    folder.rmdir()
    assert pooled(data) == {}


def test_a_process_that_hangs_holds_up_nobody_who_cancels(
    upstream: Upstream, wanted: list[Entry], folder: Path
) -> None:
    at = 0.0

    def tick() -> None:
        nonlocal at
        if children():
            at = at or time.monotonic()
            os.kill(children()[0], signal.SIGSTOP)
            raise Canceled

    with pytest.raises(Canceled), delivering(impatient(upstream), folder, tick) as many:
        list(many.into_pool(wanted, url_of(upstream)))
    assert time.monotonic() - at < SOON
    assert children() == []


def test_a_process_that_hangs_holds_up_no_heartbeat(upstream: Upstream, folder: Path) -> None:
    """Nor where more is to be asked of it than fits into a pipe."""
    long = "x" * 2000
    many_and_long = [(f"{number:04}{long}", "0" * 64, 1) for number in range(1000)]

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) == 3:
            raise Canceled

    ticks: list[float] = []
    with pytest.raises(Canceled), delivering(impatient(upstream), folder, tick) as many:
        many.get_ready(upstream.url)
        os.kill(children()[0], signal.SIGSTOP)
        list(many.into_pool(many_and_long, url_of(upstream)))
    assert max(after - before for before, after in pairwise(ticks)) < 1


def test_it_ends_with_whoever_does_not_want_the_rest(upstream: Upstream, wanted: list[Entry], folder: Path) -> None:
    def use() -> None:
        with delivering(impatient(upstream), folder) as many:
            for _ in many.into_pool(wanted, url_of(upstream)):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert children() == []
    # What it was writing may be there still; nothing comes after that.
    shutil.rmtree(folder)


@pytest.mark.parametrize("told", [0, 1, 30])
def test_a_process_that_is_killed_is_replaced_by_threads(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path, told: int
) -> None:
    with upstream.hold("0055") as gate, delivering(impatient(upstream), folder) as many:
        many.get_ready(upstream.url)
        outcomes = many.into_pool(wanted, url_of(upstream))
        came = [next(outcomes) for _ in range(told)]
        os.kill(children()[0], signal.SIGKILL)
        gate.release()
        came += outcomes
        assert sorted(outcome.entry[0] for outcome in came) == [path for path, _, _ in wanted]
        assert not [outcome.error for outcome in came if outcome.error]
        # And for what is wanted after that.
        assert len(list(many.into_pool(wanted, url_of(upstream)))) == FILES
    assert pooled(data) == by_digest(upstream)


def test_where_no_process_can_be_started_threads_fetch(
    upstream: Upstream, wanted: list[Entry], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    found = delivered(upstream, wanted, folder)
    assert len(found.came) == len(found.by_threads) == FILES


# ---- our own disk ----------------------------------------------------------------------------------------


def test_a_pool_that_does_not_take_it_is_told(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path
) -> None:
    (data / "pool").touch()
    with pytest.raises(NotStored, match="could not be stored here: Not a directory"):
        delivered(upstream, wanted, folder)
    assert children() == []


def test_a_working_directory_that_is_gone_is_not_made_anew(
    upstream: Upstream, wanted: list[Entry], folder: Path
) -> None:
    folder.rmdir()
    with pytest.raises(NotStored, match="No such file or directory"):
        delivered(upstream, wanted, folder)
    assert not folder.exists()


def test_a_disk_that_takes_nothing_more_is_told(
    upstream: Upstream, wanted: list[Entry], folder: Path, data: Path
) -> None:
    with upstream.hold(EVERY_FILE) as gate, delivering(impatient(upstream), folder) as many:
        outcomes = many.into_pool(wanted, url_of(upstream))

        def fill_up() -> None:
            until(lambda: upstream.requests)
            resource.prlimit(children()[0], resource.RLIMIT_FSIZE, (30, 30))
            gate.release()

        threading.Thread(target=fill_up).start()
        with pytest.raises(NotStored, match="File too large"):
            list(outcomes)
    # No part of a file is in the pool.
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in pooled(data).items())
