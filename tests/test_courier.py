"""A process that fetches small files, as the one that started it sees it."""

import os
import queue
import signal
import threading
from pathlib import Path

import pytest

from repos import courier
from repos.courier import Courier, Reported, can_go
from repos.pipeline import Wanted
from repos.transport import Transport, origin_of
from tests.small_files import children, entries_of, write_small
from tests.upstream import EVERY_FILE, Upstream

URL = "http://host.example/folder/"


@pytest.fixture
def folder(data: Path) -> Path:
    (folder := data / "work").mkdir()
    return folder


def rest(url: str, transport: Transport | None = None) -> list[str]:
    """The headers that requests to `url` have."""
    sent = courier._rest(transport or Transport.for_url(url), origin_of(url)).decode()
    assert sent.endswith("\r\n\r\n")
    return sent.removesuffix("\r\n\r\n").split("\r\n")


def all_told(one: Courier) -> list[Reported]:
    """What it tells until its end."""
    told: list[Reported] = []
    while not told or not told[-1].ended:
        report = one.told.get(timeout=30)
        assert isinstance(report, Reported)
        told.append(report)
    return told


# ---- where it can go -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://host.example/",
        "http://127.0.0.1:8000/a/b/",
        "http://[::1]:8000/",
        "http://host.example/a%20b/%C3%A9/",
        "http://host.example/~me/a+b;c=d,(e)!$&'*@:/",
        "http://my_host.example./",
    ],
)
def test_it_works(url: str) -> None:
    assert can_go(Transport(), url)


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/a b/",
        "http://host.example/é/",
        "http://host.example/50%/",
        "http://host.example/%zz/",
        "http://host.example/a\r\nX: y/",
        "http://host.example/a\n/",
        "http://host.example/a/\n",
        "http://host.example/\0/",
        'http://host.example/"/',
        "http://host.example/<a>/",
        "http://host.example/a\\b/",
        "http://host.example/?a=b",
        "http://host.example/#a",
        "http://ü.example/",
        "http://host.example",
        "http:///a/",
        "ftp://host.example/",
        "file:///etc/",
        "http://me:secret@host.example/",
    ],
)
def test_it_goes_nowhere_that_would_have_to_be_written_otherwise(url: str) -> None:
    assert not can_go(Transport(), url)


@pytest.mark.parametrize(
    "values", [{"deadline": 60}, {"rate_limit": 1000}, {"proxy_url": "http://proxy.example:3128"}], ids=repr
)
def test_it_goes_nowhere_by_proxies_or_with_limits(values: dict[str, object]) -> None:
    assert not can_go(Transport(**values), URL)  # type: ignore[arg-type]


def test_proxies_of_the_environment_are_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "other.example")
    assert can_go(Transport(), URL)
    assert not can_go(Transport(use_environment=True), URL)
    assert can_go(Transport(use_environment=True), "http://other.example/")


# ---- what it takes along ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://host.example/", "host.example"),
        ("http://HOST.example:80/", "host.example"),
        ("https://host.example:443/", "host.example"),
        ("http://host.example:443/", "host.example:443"),
        ("http://host.example:8000/", "host.example:8000"),
        ("http://host.example./", "host.example"),
        ("http://[::1]/", "[::1]"),
        ("http://[::1]:8000/", "[::1]:8000"),
    ],
)
def test_the_host_is_named_as_it_is_asked(url: str, host: str) -> None:
    assert rest(url)[0] == f"Host: {host}"


def test_no_secret_shows_where_an_errand_is_shown(folder: Path) -> None:
    transport = Transport.for_url(
        "https://host.example/", token="my-token", headers=(("X-Key", "my-key"),), client_key="my-client-key"
    )
    errand = courier._errand(transport, origin_of("https://host.example/"), folder)
    assert b"my-token" in errand.rest
    assert b"my-key" in errand.rest
    assert errand.trust.client_key == "my-client-key"
    assert "my-" not in repr(errand) + str(errand) + repr(errand.trust)


# ---- its end ---------------------------------------------------------------------------------------------


def test_it_says_when_it_has_ended(upstream: Upstream, folder: Path) -> None:
    one = Courier(Transport.for_url(upstream.url), upstream.url, folder)
    os.kill(children()[0], signal.SIGKILL)
    assert all_told(one) == [Reported([], [], ended=True)]
    one.close()


def test_it_says_so_again_to_who_asks_for_more(upstream: Upstream, folder: Path) -> None:
    one = Courier(Transport.for_url(upstream.url), upstream.url, folder)
    os.kill(children()[0], signal.SIGKILL)
    all_told(one)
    for _ in range(3):
        one.send([Wanted(1, "/file", "0" * 64, 1)])
        assert one.told.get(timeout=30) == Reported([], [], ended=True)
    one.close()


def test_what_it_brought_before_its_end_is_told_before_that(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 20)
    wanted = [Wanted(number, f"/{path}", *rest) for number, (path, *rest) in enumerate(entries_of(upstream))]  # type: ignore[arg-type]
    one = Courier(Transport.for_url(upstream.url), upstream.url, folder)
    one.send(wanted[:10])
    done: list[int] = []
    while len(done) < 10:
        report = one.told.get(timeout=30)
        assert isinstance(report, Reported)
        done += report.done
    upstream.stop()
    one.send(wanted[10:])
    told = all_told(one)
    upstream.start()
    assert [report.ended for report in told] == [False] * (len(told) - 1) + [True]
    assert {number for report in told for number, _ in report.back} <= set(range(10, 20))
    one.close()


def test_to_close_it_leaves_nothing_behind(upstream: Upstream, folder: Path) -> None:
    write_small(upstream, 5)
    with upstream.hold(EVERY_FILE) as gate:
        handles = len(list(Path("/proc/self/fd").iterdir()))
        one = Courier(Transport.for_url(upstream.url), upstream.url, folder)
        one.send([Wanted(1, "/0000", "0" * 64, 1)])
        assert gate.reached.wait(30)
        assert upstream.connections == 1
        one.close()
        # The upstream's own end of the connection is in this process, too.
        assert len(list(Path("/proc/self/fd").iterdir())) == handles + 1
        assert children() == []
        assert not [one.name for one in threading.enumerate() if one.name.startswith("courier")]


def test_to_close_it_takes_no_time_however_much_it_was_told(upstream: Upstream, folder: Path) -> None:
    one = Courier(Transport.for_url(upstream.url), upstream.url, folder)
    os.kill(children()[0], signal.SIGSTOP)
    for begin in range(0, 4000, 250):
        one.send([Wanted(number, f"/{'x' * 500}", "0" * 64, 1) for number in range(begin, begin + 250)])
    one.close()
    assert children() == []
    with pytest.raises(queue.Empty):
        while True:
            assert one.told.get_nowait() == Reported([], [], ended=True)
