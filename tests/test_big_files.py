"""Big files: what has come of one is kept, several connections may bring it, and nothing of that is believed."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
from django.utils import timezone

from repos import conf, leftovers, partials, places, pool, sharing
from repos.errors.storage import NotStored
from repos.errors.upstreams import FetchFailed, FilesFailed
from repos.fetch import Fetched, Fetcher
from repos.models import Remote, Repository, RepositoryVersion
from repos.progress import Progress
from repos.sync import sync
from repos.transport import Transport
from tests.misbehaviour import Busy, Chunked, Corrupt, Delay, Fault, Gzip, Longer, Redirect, Reset, Short, Stall, Status
from tests.parts import OtherPart, Paced, PartsIgnored, PartsOnly, Said
from tests.running import SOON
from tests.upstream import Upstream

MIB = 1024 * 1024
# Not a whole number of blocks of any size.
SIZE = 12 * MIB + 1001
CUT = 9 * MIB + 77


@pytest.fixture
def upstream(upstream: Upstream) -> Upstream:
    """With one big file."""
    upstream.write_pattern("big", SIZE)
    return upstream


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(Transport()) as fetcher:
        yield fetcher


class Counted:
    """What a fetch tells: never more than there is, never less than nothing."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, size: int) -> None:
        with self._lock:
            self.now += size
            self.most = max(self.most, self.now)
            assert self.now >= 0


@pytest.fixture
def counted() -> Counted:
    return Counted()


def fetch(fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, path: str = "big") -> Fetched:
    """Fetches a file, and looks whether it is the right one."""
    digest, size = upstream.digests[path], upstream_size(upstream, path)
    fetched = fetcher.fetch(upstream.url + path, into, sha256=digest, size=size, count=counted)
    assert (fetched.sha256, fetched.size, into.stat().st_size, counted.now) == (digest, size, size, size)
    assert counted.most == size
    assert list(partials.folder().iterdir()) == []
    return fetched


def upstream_size(upstream: Upstream, path: str) -> int:
    return next(
        int(line.rsplit(b",", 1)[1]) for line in upstream.manifest.splitlines() if line.startswith(path.encode())
    )


def broken(upstream: Upstream, into: Path, counted: Counted, **transport: object) -> FetchFailed:
    """A fetch that fails, in a process of its own as far as anybody can tell; nothing of it counts."""
    before = counted.now
    with Fetcher(Transport(**{"tries": 1} | transport)) as fetcher, pytest.raises(FetchFailed) as caught:  # type: ignore[arg-type]
        fetcher.fetch(upstream.url + "big", into, sha256=upstream.digests["big"], size=SIZE, count=counted)
    assert counted.now == before
    counted.most = 0
    assert not into.exists()
    return caught.value


def asked(upstream: Upstream) -> list[str | None]:
    return [request.headers["Range"] for request in upstream.requests]


def kept(upstream: Upstream) -> int:
    """How many bytes of the file are kept for the next fetch."""
    try:
        return (partials.folder() / upstream.digests["big"]).stat().st_size
    except FileNotFoundError:
        return 0


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "into"


def test_it_works(fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted) -> None:
    fetched = fetch(fetcher, upstream, into, counted)
    assert fetched.etag == f'"{upstream.digests["big"]}"'
    assert asked(upstream) == [None]


@pytest.mark.parametrize("busy", [0, 100])
def test_it_is_hashed_by_whoever_has_time(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    """By a thread of its own, or by that which receives it; also what was there before, and what breaks off."""
    monkeypatch.setattr("repos.fetch.BUSY", busy)
    leave(upstream, 5 * MIB, [[0, SIZE]])
    upstream.fail("big", Short(3 * MIB, times=1))
    fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [f"bytes={5 * MIB}-{SIZE - 1}", f"bytes={8 * MIB}-{SIZE - 1}"]
    assert [one.name for one in threading.enumerate() if one.name == "sha256"] == []


def test_the_disk_begins_to_write_while_more_comes(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, int]] = []
    monkeypatch.setattr("repos.writeback.begin", lambda handle, start, stop: begun.append((start, stop)))
    monkeypatch.setattr("repos.writeback.STEP", 2 * MIB)
    fetch(fetcher, upstream, into, counted)
    assert begun[0][0] == 0
    assert [start for start, _ in begun[1:]] == [stop for _, stop in begun[:-1]]
    assert all(2 * MIB <= stop - start < 4 * MIB for start, stop in begun)
    assert SIZE - begun[-1][1] < 2 * MIB


# ---- within one fetch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Reset(CUT, times=1), Short(CUT, times=1)], ids=repr)
def test_what_breaks_off_goes_on_where_it_broke_off(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, fault: Fault
) -> None:
    upstream.fail("big", fault)
    fetch(fetcher, upstream, into, counted)
    whole, rest = upstream.requests
    assert whole.headers["Range"] is None
    start = int(rest.headers["Range"].removeprefix("bytes=").partition("-")[0])
    assert 0 < start <= CUT
    assert rest.headers["Range"] == f"bytes={start}-{SIZE - 1}"
    assert rest.headers["If-Range"] == f'"{upstream.digests["big"]}"'


def test_what_stalls_goes_on_too(upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Stall(CUT, times=1))
    with Fetcher(Transport(read_timeout=0.3)) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None, f"bytes={CUT}-{SIZE - 1}"]


def test_it_may_break_off_again_and_again(fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Short(4 * MIB, times=3))
    fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None, *(f"bytes={n * 4 * MIB}-{SIZE - 1}" for n in (1, 2, 3))]


def test_answers_between_that_are_none_lose_nothing(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Short(CUT, times=1), Status(503, times=1))
    fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None, *[f"bytes={CUT}-{SIZE - 1}"] * 2]


def test_a_date_does_where_there_is_no_tag(fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Said({"ETag": None}, Short(CUT), times=1), Said({"ETag": None}))
    fetch(fetcher, upstream, into, counted)
    rest = upstream.requests[1].headers
    assert rest["If-Range"].endswith(" GMT")
    assert rest["Range"] == f"bytes={CUT}-{SIZE - 1}"


@pytest.mark.parametrize(
    "said",
    [
        {"ETag": None, "Last-Modified": None},
        {"ETag": 'W/"weak"'},
        {"ETag": "unquoted"},
        {"ETag": '"with " in it"'},
        {"ETag": None, "Last-Modified": "yesterday"},
        {"ETag": None, "Last-Modified": "Fri, 01 Jan 2038 00:00:00 GMT"},
    ],
    ids=str,
)
def test_without_a_strong_validator_it_is_begun_anew(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, said: dict[str, str | None]
) -> None:
    upstream.fail("big", Said(said, Short(CUT), times=1))
    fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None, None]


def test_what_has_changed_meanwhile_is_begun_anew(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted
) -> None:
    """The upstream answers 200 with all of it: its validator is another one than that of what came before."""
    upstream.fail("big", Said({"ETag": '"before"'}, Short(CUT), times=1))
    fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None, f"bytes={CUT}-{SIZE - 1}"]
    assert upstream.requests[1].headers["If-Range"] == '"before"'


LIES = [
    PartsIgnored(),
    OtherPart(),
    OtherPart(lying=True),
    OtherPart(-1, lying=True),
    Said({"ETag": '"another"'}),
    Said({"Content-Range": None}),
    Said({"Content-Range": "bytes 5-4/3"}),
    Said({"Content-Range": f"bytes {CUT}-{SIZE - 1}/{SIZE + 1}"}),
    Said({"Content-Range": f"bytes {CUT}-{'9' * 40}/{SIZE}"}),
    Said({"Content-Range": f"items {CUT}-{SIZE - 1}/{SIZE}"}),
    Said({"Content-Encoding": "gzip"}),
    Corrupt(CUT + 5),
    Status(416),
]


@pytest.mark.parametrize("lie", LIES, ids=repr)
def test_who_lies_about_parts_is_asked_for_all_of_it(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, lie: Fault
) -> None:
    upstream.fail("big", Short(CUT, times=1), PartsOnly(lie))
    fetch(fetcher, upstream, into, counted)
    requests = asked(upstream)
    assert requests[:2] == [None, f"bytes={CUT}-{SIZE - 1}"]
    assert requests[2:] in ([], [None])


@pytest.mark.parametrize("lie", LIES, ids=repr)
def test_that_takes_no_try_and_no_wait(upstream: Upstream, into: Path, counted: Counted, lie: Fault) -> None:
    upstream.fail("big", Short(CUT, times=1), PartsOnly(lie))
    broken(upstream, into, counted)
    with Fetcher(Transport(tries=1)) as fetcher:
        fetch(fetcher, upstream, into, counted)


def test_wrong_bytes_are_begun_anew_as_ever(fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Corrupt(times=2))
    fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None] * 3


def test_bytes_that_stay_wrong_fail_and_are_not_kept(upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Corrupt())
    assert broken(upstream, into, counted, tries=2).cause == "digest"
    assert kept(upstream) == 0


@pytest.mark.parametrize("fault", [Longer(), Gzip(), Status(404), Status(401)], ids=repr)
def test_what_is_not_the_file_takes_nothing_away(
    upstream: Upstream, into: Path, counted: Counted, fault: Fault
) -> None:
    upstream.fail("big", Short(CUT, times=1), fault)
    broken(upstream, into, counted)
    broken(upstream, into, counted)
    upstream.heal()
    assert kept(upstream) == CUT
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream)[-1] == f"bytes={CUT}-{SIZE - 1}"


def test_a_body_without_a_length_is_taken_too(
    fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Chunked())
    fetch(fetcher, upstream, into, counted)


def test_all_of_it_without_a_length_replaces_what_was_kept(upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Said({"ETag": '"before"'}, Short(CUT), times=1), Chunked())
    broken(upstream, into, counted)
    assert kept(upstream) == CUT
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)


# ---- from one fetch to the next --------------------------------------------------------------------------


def test_the_next_fetch_goes_on_where_the_last_broke_off(upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Short(CUT, times=1))
    assert broken(upstream, into, counted).cause == "short"
    assert kept(upstream) == CUT
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None, f"bytes={CUT}-{SIZE - 1}"]


def test_what_a_stop_cut_short_is_kept(upstream: Upstream, into: Path, counted: Counted) -> None:
    def stop(size: int) -> None:
        counted(size)
        if counted.now > CUT:
            stopping.stop.set()

    stopping = Fetcher(Transport())
    with stopping, pytest.raises(FetchFailed, match="the job was stopped"):
        stopping.fetch(upstream.url + "big", into, sha256=upstream.digests["big"], size=SIZE, count=stop)
    assert CUT < (start := kept(upstream)) < SIZE
    assert counted.now == 0
    with Fetcher(Transport()) as another:
        fetch(another, upstream, into, counted)
    assert asked(upstream)[1] == f"bytes={start}-{SIZE - 1}"


def test_what_a_killed_process_left_is_gone_on_with(upstream: Upstream, into: Path, counted: Counted) -> None:
    """Only what was noted at the beginning is there, and as many bytes as the disk has got."""
    leave(upstream, CUT, [[0, SIZE]])
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [f"bytes={CUT}-{SIZE - 1}"]


def leave(
    upstream: Upstream, size: int, missing: list[list[int]], *, in_order: bool = True, zeros: bool = False
) -> None:
    """Puts into place what a process that was killed would have left of the file."""
    partials.folder().mkdir(exist_ok=True)
    file = partials.folder() / upstream.digests["big"]
    data = b"".join(upstream._bodies["big"][0].blocks(0, size))
    file.write_bytes(bytes(size) if zeros else data)
    notes = {"validator": f'"{upstream.digests["big"]}"', "missing": missing, "in_order": in_order}
    file.with_suffix(".json").write_text(json.dumps(notes))


def test_holes_are_filled(upstream: Upstream, into: Path, counted: Counted) -> None:
    holes = [[MIB, 2 * MIB], [CUT, SIZE]]
    leave(upstream, SIZE, holes, in_order=False)
    with (partials.folder() / upstream.digests["big"]).open("r+b") as file:
        for start, stop in holes:
            file.seek(start)
            file.write(bytes(stop - start))
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [f"bytes={start}-{stop - 1}" for start, stop in holes]


def test_what_came_whole_but_was_not_used_is_asked_for_no_more(
    upstream: Upstream, into: Path, counted: Counted
) -> None:
    leave(upstream, SIZE, [[0, SIZE]])
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert upstream.requests == []


@pytest.mark.parametrize("size", [CUT, SIZE])
def test_what_a_power_failure_spoilt_is_fetched_anew(
    upstream: Upstream, into: Path, counted: Counted, size: int
) -> None:
    leave(upstream, size, [[0, SIZE]], zeros=True)
    with Fetcher(Transport(tries=1)) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream)[-1] is None


@pytest.mark.parametrize(
    "notes",
    [
        "",
        "{",
        "[]",
        "null",
        '{"validator": "x"}',
        '{"validator": "x", "missing": 7, "in_order": false}',
        '{"validator": "x", "missing": [[5, 1]], "in_order": false}',
        '{"validator": "x", "missing": [[0, 9], [3, 12]], "in_order": false}',
        '{"validator": "x", "missing": [[-4, 9]], "in_order": false}',
        '{"validator": "x", "missing": [[0, 999999999999]], "in_order": false}',
        '{"validator": "x", "missing": [["a", "b"]], "in_order": false}',
    ],
)
def test_notes_that_make_no_sense_are_none(upstream: Upstream, into: Path, counted: Counted, notes: str) -> None:
    leave(upstream, CUT, [])
    (partials.folder() / f"{upstream.digests['big']}.json").write_text(notes)
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert asked(upstream) == [None]


def test_two_that_want_the_same_file_at_once_do_not_share_it(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partials, "PATIENCE", 0.1)
    digest = upstream.digests["big"]
    with (
        upstream.hold("big") as gate,
        Fetcher(Transport()) as one,
        Fetcher(Transport()) as other,
        ThreadPoolExecutor(2) as threads,
    ):
        into = [tmp_path / "one", tmp_path / "other"]
        fetching = [
            threads.submit(fetcher.fetch, upstream.url + "big", file, sha256=digest, size=SIZE)
            for fetcher, file in zip((one, other), into, strict=True)
        ]
        assert gate.reached.wait(5)
        gate.release()
        assert [future.result(20).sha256 for future in fetching] == [digest, digest]
    assert [file.stat().st_size for file in into] == [SIZE, SIZE]
    assert list(partials.folder().iterdir()) == []


def test_what_another_holds_is_no_clean_up_s(upstream: Upstream, into: Path) -> None:
    leave(upstream, CUT, [[0, SIZE]])
    path = partials.folder() / upstream.digests["big"]
    held = partials.opened(upstream.digests["big"], SIZE, into, threading.Event())
    assert held.path == path
    assert not partials.take(path)
    held.keep()
    assert partials.take(path)
    assert partials.take(path.with_suffix(".json"))
    assert list(partials.folder().iterdir()) == []


def test_what_nobody_came_back_for_goes(upstream: Upstream, into: Path, counted: Counted) -> None:
    for name in ("a" * 64, f"{'a' * 64}.json", f"{'b' * 64}.json"):
        (conf.data() / "partial").mkdir(exist_ok=True)
        (partials.folder() / name).write_bytes(b"x")
        os.utime(partials.folder() / name, (0, 0))
    with Fetcher(Transport()) as fetcher:
        fetch(fetcher, upstream, into, counted)


def test_a_little_is_not_kept(upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Short(1000))
    broken(upstream, into, counted)
    assert list(partials.folder().iterdir()) == []


def test_nothing_is_kept_on_a_disk_that_is_nearly_full(
    upstream: Upstream, into: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.fail("big", Short(CUT))
    monkeypatch.setattr("repos.space.is_low", lambda: True)
    broken(upstream, into, counted)
    assert list(partials.folder().iterdir()) == []


def test_nothing_is_kept_where_that_cannot_be_noted(
    upstream: Upstream, into: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def fill_up(size: int) -> None:
        counted(size)
        monkeypatch.setattr(Path, "replace", full)

    upstream.fail("big", Short(CUT))
    with Fetcher(Transport(tries=1)) as fetcher, pytest.raises(FetchFailed, match="ended before the whole file came"):
        fetcher.fetch(upstream.url + "big", into, sha256=upstream.digests["big"], size=SIZE, count=fill_up)
    assert not (partials.folder() / upstream.digests["big"]).exists()


def test_nothing_is_kept_on_a_disk_that_fails(
    fetcher: Fetcher, upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(NotStored, match="No space left on device"):
        fetcher.fetch(upstream.url + "big", into, sha256=upstream.digests["big"], size=SIZE)
    assert list(partials.folder().iterdir()) == []


def test_a_small_file_is_kept_nowhere(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.write("small", b"x" * 100_000)
    upstream.fail("small", Short(50_000, times=1))
    fetcher.fetch(upstream.url + "small", into, sha256=upstream.digests["small"], size=100_000)
    assert [request.headers["Range"] for request in upstream.requests] == [None, None]
    assert not partials.folder().exists()


# ---- from one job to the next ----------------------------------------------------------------------------


def test_the_next_run_goes_on_with_what_a_job_that_failed_has_left(
    repository: Repository, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.fail("big", Short(CUT, times=1))
    Remote.objects.update(tries=1)
    with pytest.raises(FilesFailed):
        synced(repository, tmp_path / "first")
    assert kept(upstream) == CUT
    version = synced(repository, tmp_path / "second")
    assert version is not None
    assert (version.files, version.size) == (1, SIZE)
    assert list(partials.folder().iterdir()) == []
    digest = upstream.digests["big"]
    assert hashlib.sha256(pool.path(digest).read_bytes()).hexdigest() == digest
    ranges = [request.headers["Range"] for request in upstream.requests if request.path == "big"]
    assert ranges == [None, f"bytes={CUT}-{SIZE - 1}"]


def synced(repository: Repository, folder: Path) -> RepositoryVersion | None:
    folder.mkdir()
    repository.refresh_from_db()
    return sync(repository, folder, progress=Progress())


def test_a_clean_up_takes_what_is_old_and_counts_it(upstream: Upstream, into: Path, db: None) -> None:
    leave(upstream, CUT, [[0, SIZE]])
    spared = timezone.now() - timedelta(hours=1)
    assert leftovers.folders(spared) == []
    before = spared.timestamp() - 60
    for path in partials.folder().iterdir():
        os.utime(path, (before, before))
    assert {path.name for path in leftovers.folders(spared)} == {path.name for path in partials.folder().iterdir()}
    held = partials.opened(upstream.digests["big"], SIZE, into, threading.Event())
    assert leftovers.take_folders(spared, Progress()) == 0
    held.keep()
    assert leftovers.take_folders(spared, Progress()) > CUT
    assert list(partials.folder().iterdir()) == []


# ---- several connections ---------------------------------------------------------------------------------


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decides within a moment, and for files that are not so big."""
    for name, value in {"SETTLE": 0.05, "WINDOW": 0.2, "SOON": 0.1}.items():
        monkeypatch.setattr(places, name, value)
    for name, value in {"SHARED": 8 * MIB, "LEAST": 256 * 1024, "MOST": MIB}.items():
        monkeypatch.setattr(sharing, name, value)


def test_where_each_connection_is_slow_several_are_faster(
    eager: None, fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Paced(2 * MIB))
    begun = monotonic()
    fetch(fetcher, upstream, into, counted)
    assert monotonic() - begun < SIZE / (2 * MIB) * 0.75
    assert 2 <= upstream.at_once <= places.MOST
    parts = [request.headers["If-Range"] for request in upstream.requests[1:]]
    assert parts == [f'"{upstream.digests["big"]}"'] * len(parts)


def test_where_one_connection_fills_the_line_it_stays_with_that(
    eager: None, fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Paced(8 * MIB, shared=True))
    fetch(fetcher, upstream, into, counted)
    # One more is tried; on a machine that is busy with much else, that may look like a gain once.
    assert upstream.at_once <= 4


@pytest.mark.parametrize("most", [1, 2, 3])
def test_there_are_never_more_connections_than_the_remote_may_have(
    eager: None, upstream: Upstream, into: Path, counted: Counted, most: int
) -> None:
    upstream.fail("big", Paced(4 * MIB))
    with Fetcher(Transport(concurrency=most)) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert upstream.at_once <= most


def test_other_files_come_first(eager: None, upstream: Upstream, tmp_path: Path, counted: Counted) -> None:
    upstream.write("small", b"x")
    upstream.fail("big", Paced(MIB))
    with Fetcher(Transport(concurrency=4)) as fetcher, ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(fetch, fetcher, upstream, tmp_path / "big", counted)
        while upstream.connections < 4 and not fetching.done():
            sleep(0.01)
        for number in range(3):
            fetcher.fetch(upstream.url + "small", tmp_path / f"{number}")
        assert not fetching.done()
        fetching.result(30)
    assert upstream.at_once <= 4


@pytest.mark.parametrize(
    "fault",
    [*LIES, Busy(100), Status(403), Status(500), Reset(1000), Short(1000), Corrupt(CUT), Chunked(after=1000)],
    ids=repr,
)
def test_what_goes_wrong_with_parts_spoils_nothing(
    eager: None, fetcher: Fetcher, upstream: Upstream, into: Path, counted: Counted, fault: Fault
) -> None:
    """The first connection is cut short by then, so that parts have to be asked for, or all of it anew."""
    upstream.fail("big", Paced(8 * MIB, times=1), PartsOnly(Delay(0, fault), times=1), Paced(8 * MIB))
    fetch(fetcher, upstream, into, counted)


def test_a_part_that_stalls_is_brought_by_another(
    eager: None, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Paced(8 * MIB, times=1), PartsOnly(Stall(100_000), times=1), Paced(8 * MIB))
    with Fetcher(Transport(read_timeout=0.5)) as fetcher:
        fetch(fetcher, upstream, into, counted)


def test_a_stop_ends_all_of_them_and_keeps_what_came(
    eager: None, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Paced(2 * MIB))

    def stop(size: int) -> None:
        counted(size)
        if counted.now > 6 * MIB:
            stopping.stop.set()

    stopping = Fetcher(Transport())
    with stopping, pytest.raises(FetchFailed, match="the job was stopped"):
        stopping.fetch(upstream.url + "big", into, sha256=upstream.digests["big"], size=SIZE, count=stop)
    assert [one.name for one in threading.enumerate() if one.name.startswith(("part-", "sha256"))] == []
    notes = json.loads((partials.folder() / f"{upstream.digests['big']}.json").read_text())
    there = SIZE - sum(stop - start for start, stop in notes["missing"])
    assert there > 6 * MIB
    upstream.heal()
    upstream.reset_log()
    with Fetcher(Transport()) as another:
        fetch(another, upstream, into, counted)
    for request in upstream.requests:
        first, last = map(int, request.headers["Range"].removeprefix("bytes=").split("-"))
        assert any(start <= first <= last < stop for start, stop in notes["missing"]), "it asks for what is there"


def test_a_rate_limit_holds_for_all_of_them_together(
    eager: None, upstream: Upstream, into: Path, counted: Counted
) -> None:
    upstream.fail("big", Paced(4 * MIB))
    begun = monotonic()
    with Fetcher(Transport(rate_limit=8 * MIB)) as fetcher:
        fetch(fetcher, upstream, into, counted)
    assert monotonic() - begun > SIZE / (8 * MIB) * 0.9


def test_a_deadline_holds_for_all_of_them(eager: None, upstream: Upstream, into: Path, counted: Counted) -> None:
    upstream.fail("big", Paced(MIB))
    begun = monotonic()
    assert broken(upstream, into, counted, deadline=1.5).cause == "deadline"
    assert 1.5 <= monotonic() - begun < SOON


def test_parts_go_where_redirects_lead_without_credentials(
    eager: None, upstream: Upstream, into: Path, counted: Counted
) -> None:
    with Upstream() as other:
        other.write_pattern("there", SIZE)
        other.fail("there", Paced(4 * MIB))
        upstream.fail("big", Redirect(f"{other.url}there"))
        with Fetcher(Transport.for_url(upstream.url, token="s3cr3t")) as fetcher:
            fetch(fetcher, upstream, into, counted)
        assert len(other.requests) > 2
        assert {request.headers["Authorization"] for request in other.requests} == {None}
        assert {request.headers["Authorization"] for request in upstream.requests} == {"Bearer s3cr3t"}
