"""Fetching one file from a real upstream: what comes, what goes wrong, and what is done about it."""

import gzip
import hashlib
import random
import re
import socket
import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from time import monotonic, time

import pytest

from repos import causes, urls
from repos.errors.storage import NotStored
from repos.errors.upstreams import FetchFailed
from repos.errors.values import InvalidUrl
from repos.fetch import MAX_REDIRECTS, MAX_WAIT, Fetched, Fetcher
from repos.transport import Transport
from tests.answers import Answer
from tests.misbehaviour import (
    Busy,
    Chunked,
    Corrupt,
    CutHeaders,
    Drip,
    DripFrame,
    DripHeaders,
    Fault,
    Gzip,
    Longer,
    NotModified,
    Redirect,
    Reset,
    Short,
    Shorter,
    Stall,
    StallHeaders,
    Status,
)
from tests.running import SOON
from tests.settings import VERSION
from tests.upstream import Exchange, Upstream

TRIES = Transport().tries
# Not a whole number of blocks of any size, and not to be compressed.
DATA = random.Random(1).randbytes(100_001)
DIGEST = hashlib.sha256(DATA).hexdigest()
# Far more than anybody should read of it.
ENDLESS = Longer(100_000_000)


@pytest.fixture
def upstream(upstream: Upstream) -> Upstream:
    """With one file."""
    upstream.write("file", DATA)
    return upstream


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(Transport()) as fetcher:
        yield fetcher


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "into"


class Waits(threading.Event):
    """Stands in for a fetcher's `stop`: notes the waits that are asked of it, and lets nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return self.is_set()


@pytest.fixture
def waits(fetcher: Fetcher) -> Waits:
    fetcher.stop = waits = Waits()
    return waits


def failure(fetcher: Fetcher, url: str, into: Path, sha256: str = "", size: int | None = None) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetcher.fetch(url, into, sha256=sha256, size=size)
    assert caught.value.url == url
    assert str(caught.value).startswith(f"{url}: ")
    assert not into.exists()
    return caught.value


def test_it_works(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    fetched = fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA))
    assert (fetched.sha256, fetched.size, fetched.unchanged) == (DIGEST, len(DATA), False)
    assert into.read_bytes() == DATA


# ---- what is asked for -----------------------------------------------------------------------------------


def test_the_request_says_who_asks_and_wants_raw_bytes(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    fetcher.fetch(upstream.url + "file", into)
    headers = upstream.requests[0].headers
    assert headers["User-Agent"] == f"Millrace/{VERSION}"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["Host"] == f"127.0.0.1:{upstream.port}"


@pytest.mark.parametrize(
    "target", ["a%20b/what%3F%23100%25", "%252e%252e/x", "a/%C3%A9", "x?a=1&b=%20", "a%2Fb", "a+b"]
)
def test_an_address_is_asked_for_as_it_is_quoted(fetcher: Fetcher, upstream: Upstream, into: Path, target: str) -> None:
    failure(fetcher, upstream.url + target, into)
    assert [request.target for request in upstream.requests] == [f"/{target}"]


def test_what_a_person_left_unquoted_is_quoted(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.write("a b/é", DATA)
    assert fetcher.fetch(upstream.url + "a b/é", into).sha256 == DIGEST


def test_an_address_without_a_path_is_that_of_the_top(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    failure(fetcher, upstream.url.rstrip("/"), into)
    assert [request.target for request in upstream.requests] == ["/"]


def test_a_scheme_in_capitals_is_the_same_scheme(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    url = urls.checked(upstream.url.replace("http", "HTTP") + "file")
    assert fetcher.fetch(url, into).sha256 == DIGEST


def test_proxies_of_the_environment_are_ignored(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Fetcher(Transport()) as fetcher:
        assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST


def test_passwords_of_netrc_are_not_sent(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(
        "machine 127.0.0.1 login me password secret\nmachine localhost login me password x"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Fetcher(Transport()) as fetcher:
        fetcher.fetch(upstream.url + "file", into)
    assert upstream.requests[0].headers["Authorization"] is None


def test_cookies_are_not_kept(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Status(200, {"Set-Cookie": "a=b; Path=/"}, b"with a cookie", times=1))
    fetcher.fetch(upstream.url + "file", into)
    fetcher.fetch(upstream.url + "file", into)
    assert [request.headers["Cookie"] for request in upstream.requests] == [None, None]


def test_one_connection_serves_one_file_after_another(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    for _ in range(5):
        fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA))
    assert upstream.connections == 1


def test_many_threads_may_fetch_at_once(fetcher: Fetcher, upstream: Upstream, tmp_path: Path) -> None:
    for number in range(40):
        upstream.write(f"{number}", DATA[: number * 1000])
    with ThreadPoolExecutor(4) as threads:
        for number in range(40):
            threads.submit(fetcher.fetch, f"{upstream.url}{number}", tmp_path / f"{number}")
    assert [(tmp_path / f"{number}").read_bytes() for number in range(40)] == [DATA[: n * 1000] for n in range(40)]
    assert upstream.connections <= 4


# ---- what comes ------------------------------------------------------------------------------------------


def test_validators_come_with_the_bytes(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    fetched = fetcher.fetch(upstream.url + "file", into)
    assert fetched.etag == f'"{DIGEST}"'
    assert fetched.last_modified.endswith(" GMT")


@dataclass(frozen=True)
class Bare(Fault):
    """The whole body, with these headers and no others."""

    headers: Mapping[str, str]

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_response_only(200)
        for name, value in self.headers.items():
            exchange.send_header(name, value)
        exchange.end_headers()
        exchange.send_body(answer)
        exchange.close_connection = True


DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(("seconds", "kept"), [(3600, True), (1, True), (0, False), (-1, False), (-3600, False)])
def test_a_date_that_a_later_change_may_have_too_is_not_kept(
    fetcher: Fetcher, upstream: Upstream, into: Path, seconds: int, kept: bool
) -> None:
    sent = formatdate(parsedate_to_datetime(DATE).timestamp() + seconds, usegmt=True)
    upstream.fail("file", Bare({"Last-Modified": DATE, "Date": sent}))
    assert fetcher.fetch(upstream.url + "file", into).last_modified == (DATE if kept else "")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": DATE},
        {"Last-Modified": DATE},
        {"Last-Modified": "yesterday", "Date": DATE},
        {"Last-Modified": "Sun, 22 Nov 2020 12:00:00 -0000", "Date": DATE},
        {"Last-Modified": f"Sun, 22 Nov {'9' * 30} 12:00:00 GMT", "Date": DATE},
        {"Last-Modified": DATE, "Date": f"Sun, 22 Nov {'9' * 30} 12:00:00 GMT"},
    ],
    ids=str,
)
def test_a_date_that_cannot_be_judged_is_not_kept(
    fetcher: Fetcher, upstream: Upstream, into: Path, headers: dict[str, str]
) -> None:
    upstream.fail("file", Bare(headers))
    fetched = fetcher.fetch(upstream.url + "file", into)
    assert (fetched.sha256, fetched.etag, fetched.last_modified) == (DIGEST, "", "")


def test_an_empty_file_is_a_file(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.write("empty", b"")
    fetched = fetcher.fetch(upstream.url + "empty", into, sha256=hashlib.sha256().hexdigest(), size=0)
    assert fetched.size == 0
    assert into.read_bytes() == b""


def test_what_lay_there_before_is_replaced(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    into.write_bytes(b"x" * 1_000_000)
    fetcher.fetch(upstream.url + "file", into)
    assert into.read_bytes() == DATA


def test_a_chunked_answer_is_put_together(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Chunked())
    assert fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA)).size == len(DATA)
    assert into.read_bytes() == DATA


@dataclass(frozen=True)
class Trailers(Fault):
    """A chunked answer with headers after its body."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_head(replace(answer, headers={"Transfer-Encoding": "chunked", "Trailer": "Digest"}))
        exchange.wfile.write(b"%x\r\n%s\r\n0\r\nDigest: of-all\r\n\r\n" % (answer.stop, answer.body.read()))


def test_what_follows_a_chunked_answer_is_not_part_of_it(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Trailers())
    for _ in range(3):
        assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST
    assert upstream.connections == 1


def test_a_slow_drip_is_put_together(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Drip(amount=10_000, interval=0.001))
    assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST


@dataclass(frozen=True)
class WithoutLength(Fault):
    """The body until the connection closes, as HTTP/1.0 does it; of the body only `share`."""

    share: float = 1.0

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_response(200)
        exchange.end_headers()
        exchange.send_body(replace(answer, stop=int(answer.stop * self.share)))
        exchange.close_connection = True


def test_an_answer_without_a_length_ends_with_the_connection(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", WithoutLength())
    assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST


@dataclass(frozen=True)
class Old(Fault):
    """An answer as HTTP/1.0 gives it: no length, the end is the end."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.wfile.write(b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\n" + answer.body.read())
        exchange.close_connection = True


def test_http_1_0_is_understood(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Old())
    assert fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA)).sha256 == DIGEST


@dataclass(frozen=True)
class Understated(Fault):
    """The whole body behind a Content-Length that is 100 bytes too small."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_head(replace(answer, stop=answer.stop - 100))
        exchange.send_body(answer)


def test_bytes_after_the_promised_length_spoil_no_other_file(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.write("next", DATA)
    upstream.fail("file", Understated(times=1))
    assert fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA)).sha256 == DIGEST
    upstream.fail("file", Understated(times=2))
    assert failure_of_one_try(upstream, into).cause == "size"
    assert fetcher.fetch(upstream.url + "next", into, sha256=DIGEST, size=len(DATA)).sha256 == DIGEST


def failure_of_one_try(upstream: Upstream, into: Path) -> FetchFailed:
    with Fetcher(Transport(tries=1)) as fetcher:
        return failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))


@dataclass(frozen=True)
class Says(Fault):
    """These bytes and nothing else."""

    data: bytes

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.wfile.write(self.data)
        exchange.close_connection = True


@pytest.mark.parametrize(
    ("data", "cause", "why"),
    [
        (b"", "reset", "127.0.0.1 closed the connection without an answer"),
        (b"220 mail.example ESMTP\r\n", "protocol", "what 127.0.0.1 answered is not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "protocol", "what 127.0.0.1 answered is not HTTP"),
        # Too long, and too many: read to the limit and no further.
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "protocol", "what 127.0.0.1 answered is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 101, "protocol", "what 127.0.0.1 answered is not HTTP"),
    ],
)
def test_what_is_no_answer_is_told(upstream: Upstream, into: Path, data: bytes, cause: str, why: str) -> None:
    upstream.fail("file", Says(data))
    error = failure_of_one_try(upstream, into)
    assert (error.cause, error.why, causes.kind(error)) == (cause, why, "connection")


def test_a_short_answer_without_a_length_is_told_by_the_size(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", WithoutLength(0.5))
    error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    assert (error.cause, error.size, error.tries) == ("size", len(DATA) // 2, TRIES)


def test_the_bytes_of_a_file_that_is_called_encoded_are_kept_raw(
    fetcher: Fetcher, upstream: Upstream, into: Path
) -> None:
    # As many servers send what ends in .gz.
    packed = gzip.compress(DATA)
    upstream.fail("file", Status(200, {"Content-Encoding": "gzip"}, packed))
    digest = hashlib.sha256(packed).hexdigest()
    assert fetcher.fetch(upstream.url + "file", into, sha256=digest, size=len(packed)).sha256 == digest
    assert into.read_bytes() == packed


def test_an_encoded_answer_to_a_promised_digest_is_not_unpacked(
    fetcher: Fetcher, upstream: Upstream, into: Path
) -> None:
    upstream.fail("file", Gzip())
    assert failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA)).cause == "size"


def test_an_encoded_list_is_refused(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Gzip())
    error = failure(fetcher, upstream.url + "file", into)
    assert error.cause == "encoding"
    assert "it came encoded (gzip)" in error.why


def test_memory_does_not_grow_with_the_file(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    size = 64 * 1024 * 1024
    upstream.write_pattern("large", size)
    tracemalloc.start()
    try:
        fetched = fetcher.fetch(upstream.url + "large", into, size=size)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (fetched.sha256, fetched.size) == (upstream.digests["large"], size)
    assert peak < 4 * 1024 * 1024


# ---- conditional requests --------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_sent_again(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    before = fetcher.fetch(upstream.url + "file", into)
    into.unlink()
    after = fetcher.fetch(upstream.url + "file", into, conditions={"If-None-Match": before.etag})
    assert after == Fetched("", 0, before.etag, before.last_modified, unchanged=True)
    assert not into.exists()


def test_a_condition_that_fails_brings_the_new_bytes(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    before = fetcher.fetch(upstream.url + "file", into)
    upstream.write("file", b"new")
    after = fetcher.fetch(upstream.url + "file", into, conditions={"If-None-Match": before.etag})
    assert not after.unchanged
    assert into.read_bytes() == b"new"


def test_a_condition_is_sent_once_only(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    fetcher.fetch(upstream.url + "file", into, conditions={"If-None-Match": '"other"'})
    fetcher.fetch(upstream.url + "file", into)
    assert [request.headers["If-None-Match"] for request in upstream.requests] == ['"other"', None]


def test_a_condition_goes_along_with_a_redirect(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("moved", Redirect("/file"))
    headers = {"If-None-Match": f'"{DIGEST}"'}
    assert fetcher.fetch(upstream.url + "moved", into, conditions=headers).unchanged


def test_304_that_calls_itself_chunked_has_no_body(upstream: Upstream, into: Path) -> None:
    with Fetcher(Transport.for_url(upstream.url, tries=1, read_timeout=1)) as fetcher:
        etag = fetcher.fetch(upstream.url + "file", into).etag
        upstream.fail("file", Chunked())
        begun = time()
        assert fetcher.fetch(upstream.url + "file", into, conditions={"If-None-Match": etag}).unchanged
        assert time() - begun < 0.9


def test_304_without_cause_is_a_failure(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", NotModified())
    error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    assert (error.cause, error.tries) == ("304", 1)


# ---- redirects -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(fetcher: Fetcher, upstream: Upstream, into: Path, code: int) -> None:
    upstream.fail("moved", Redirect("/file", code))
    assert fetcher.fetch(upstream.url + "moved", into, sha256=DIGEST, size=len(DATA)).sha256 == DIGEST


@pytest.mark.parametrize("location", ["/file", "../file?x=1", "file", "//127.0.0.1:{port}/file", "{url}file#part"])
def test_a_redirect_may_be_relative(fetcher: Fetcher, upstream: Upstream, into: Path, location: str) -> None:
    upstream.write("a/file", DATA)
    upstream.fail("a/moved", Redirect(location.format(port=upstream.port, url=upstream.url)))
    assert fetcher.fetch(upstream.url + "a/moved", into, sha256=DIGEST, size=len(DATA)).sha256 == DIGEST


def test_a_redirect_may_lead_to_another_host(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    with Upstream() as other:
        other.write("file", b"elsewhere")
        upstream.fail("file", Redirect(other.url + "file"))
        fetcher.fetch(upstream.url + "file", into)
        assert other.requests[0].headers["Host"] == f"127.0.0.1:{other.port}"
    assert into.read_bytes() == b"elsewhere"


def test_a_redirect_in_raw_utf_8_is_followed(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.write("a b/é", DATA)
    # As a header carries bytes: each as one character.
    upstream.fail("file", Redirect("/a b/é".encode().decode("latin-1")))
    fetcher.fetch(upstream.url + "file", into)
    assert into.read_bytes() == DATA


def test_redirects_are_followed_up_to_a_limit(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    for number in range(MAX_REDIRECTS):
        upstream.fail(f"{number}", Redirect(f"/{number + 1}"))
    upstream.write(f"{MAX_REDIRECTS}", b"the end")
    fetcher.fetch(upstream.url + "0", into)
    assert into.read_bytes() == b"the end"


def test_a_loop_of_redirects_ends(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Redirect("/file"))
    error = failure(fetcher, upstream.url + "file", into)
    assert (error.cause, error.tries) == ("redirects", 1)
    assert error.why == f"it redirects more than {MAX_REDIRECTS} times, at last to {upstream.url}file"
    assert causes.advice(error) == "Look at the URL in a browser; enter the address that it ends at."
    assert upstream.count("file") == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("file:///etc/passwd", "file:///etc/passwd, which"),
        ("ftp://127.0.0.1/file", "ftp://127.0.0.1/file, which"),
        ("gopher:x", "gopher:///x, which"),
        ("http://me:secret@127.0.0.1/file?secret", "http://127.0.0.1/file, which"),
        ("http://me:sec/ret@127.0.0.1/file", "an address that"),
        ("http://127.0.0.1:99999/file", "http://127.0.0.1:99999/file, which"),
        ("https:///file", "https:///file, which"),
        ("http://[::1/file", "an address that"),
        ("//[", "an address that"),
    ],
)
def test_a_redirect_to_what_is_no_upstream_is_refused(
    fetcher: Fetcher, upstream: Upstream, into: Path, location: str, where: str
) -> None:
    upstream.fail("file", Redirect(location))
    error = failure(fetcher, upstream.url + "file", into)
    assert (error.cause, error.tries) == ("redirects", 1)
    assert error.why.startswith(f"it redirects to {where} cannot be asked. ")
    assert "sec" not in error.why


def test_a_redirect_without_a_target_is_a_bad_status(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Status(302))
    assert failure(fetcher, upstream.url + "file", into).cause == "302"


@pytest.mark.parametrize("fault", [Redirect("/there"), Status(404), NotModified()], ids=repr)
def test_an_answer_that_is_not_wanted_costs_no_connection(
    fetcher: Fetcher, upstream: Upstream, into: Path, fault: Fault
) -> None:
    upstream.write("there", DATA)
    upstream.fail("file", fault)
    for _ in range(5):
        with suppress(FetchFailed):
            fetcher.fetch(upstream.url + "file", into, conditions={"If-None-Match": "any"})
    assert upstream.connections == 1


# ---- failures that another try may mend ------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Short(50_000, times=2),
        Reset(50_000, times=2),
        Reset(times=2),
        Corrupt(50_000, times=2),
        Longer(times=2),
        Shorter(times=2),
        Gzip(times=2),
        Status(408, times=2),
        Status(425, times=2),
        Status(429, times=2),
        Status(500, times=2),
        Status(502, times=2),
        Status(503, times=2),
        Status(504, times=2),
        Status(200, {}, b"<html>Please wait</html>", times=2),
    ],
    ids=repr,
)
def test_it_is_tried_again(fetcher: Fetcher, upstream: Upstream, into: Path, fault: Fault) -> None:
    upstream.fail("file", fault)
    assert fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA)).sha256 == DIGEST
    assert into.read_bytes() == DATA
    assert upstream.count("file") == 3


@dataclass(frozen=True)
class ChunkedShort(Fault):
    """A chunked answer that breaks off before its end."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_head(replace(answer, headers={**answer.headers, "Transfer-Encoding": "chunked"}))
        exchange.wfile.write(b"%x\r\n" % answer.stop + answer.body.read()[:1000])
        exchange.close_connection = True


@pytest.mark.parametrize(
    ("fault", "cause", "why"),
    [
        (Short(50_000), "short", "the connection ended before the whole file came"),
        (ChunkedShort(), "short", "the connection ended before the whole file came"),
        (Reset(50_000), "reset", "the connection was reset"),
        (Longer(), "size", "it is at least 100,002 bytes long, the list says 100,001"),
        (Shorter(), "size", "it is 100,000 bytes long, the list says 100,001"),
        (Status(500), "500", "the upstream answered 500"),
        (Status(429), "429", "the upstream says that there are too many requests (429)"),
    ],
    ids=repr,
)
def test_it_is_given_up_on_after_the_last_try(
    fetcher: Fetcher, upstream: Upstream, into: Path, fault: Fault, cause: str, why: str
) -> None:
    upstream.fail("file", fault)
    error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    assert (error.cause, error.why, error.tries) == (cause, why, TRIES)
    assert upstream.count("file") == TRIES


def test_a_wrong_digest_is_told_with_both(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Corrupt(50_000))
    error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    assert (error.cause, error.size, error.tries) == ("digest", len(DATA), TRIES)
    assert len(error.sha256) == 64
    assert error.sha256 != DIGEST
    assert error.why == f"its sha256 is {error.sha256}, the list says {DIGEST}"


def test_a_file_that_is_too_long_is_not_read_to_its_end(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", ENDLESS)
    counted: list[int] = []
    with pytest.raises(FetchFailed, match=r"it is at least .* bytes long, the list says 1,000"):
        fetcher.fetch(upstream.url + "file", into, size=1000, count=counted.append)
    # What each try received is taken back at its end.
    assert -10_000_000 < min(counted) < 0


def test_the_causes_change_with_the_tries(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Status(500, times=1), Reset(10, times=1), Status(404))
    error = failure(fetcher, upstream.url + "file", into)
    assert (error.cause, error.tries) == ("404", 3)


@pytest.mark.parametrize("fault", [StallHeaders(), Stall(50_000)])
def test_silence_is_a_failure(upstream: Upstream, into: Path, fault: Fault) -> None:
    upstream.fail("file", fault)
    with Fetcher(Transport(read_timeout=0.05)) as fetcher:
        error = failure(fetcher, upstream.url + "file", into)
    assert (error.cause, error.tries) == ("timeout", TRIES)
    assert error.why == "nothing came for 0.05 seconds"


@pytest.mark.parametrize("fault", [DripHeaders(0.02), DripFrame(0.02)])
def test_an_answer_that_drips_before_its_first_byte_is_a_failure(upstream: Upstream, into: Path, fault: Fault) -> None:
    upstream.fail("file", fault)
    begun = monotonic()
    with Fetcher(Transport(read_timeout=0.3, tries=2)) as fetcher:
        error = failure(fetcher, upstream.url + "file", into)
    assert 0.6 <= monotonic() - begun < SOON
    assert (error.cause, error.tries, causes.kind(error)) == ("timeout", 2, "connection")
    assert error.why == "no whole answer came within 0.3 seconds"


@pytest.mark.parametrize("fault", [DripHeaders(0.02), DripFrame(0.02)])
def test_the_deadline_holds_for_it_too(upstream: Upstream, into: Path, fault: Fault) -> None:
    upstream.fail("file", fault)
    begun = monotonic()
    with Fetcher(Transport(deadline=0.3)) as fetcher:
        error = failure(fetcher, upstream.url + "file", into)
    assert 0.3 <= monotonic() - begun < SOON
    assert (error.cause, error.why) == ("deadline", "it took longer than 0.3 seconds")


def test_answers_in_time_may_take_longer_together(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Drip(amount=10_001, interval=0.1))
    with Fetcher(Transport(read_timeout=0.5)) as fetcher:
        assert fetcher.fetch(upstream.url + "file", into, sha256=DIGEST).size == len(DATA)


def test_a_connection_that_ends_within_the_headers_brings_no_empty_file(
    fetcher: Fetcher, upstream: Upstream, into: Path
) -> None:
    upstream.fail("file", CutHeaders())
    error = failure(fetcher, upstream.url + "file", into)
    assert (error.cause, error.tries) == ("reset", TRIES)


def test_a_time_and_a_size_of_one_are_told_in_the_singular(upstream: Upstream, into: Path) -> None:
    upstream.write("file", b"1")
    upstream.fail("file", StallHeaders(times=1))
    with Fetcher(Transport(read_timeout=1, tries=1)) as fetcher:
        assert failure(fetcher, upstream.url + "file", into).why == "nothing came for 1 second"
        assert failure(fetcher, upstream.url + "file", into, size=2).why == "it is 1 byte long, the list says 2"


def test_a_refused_connection_is_named(fetcher: Fetcher, into: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failure(fetcher, f"http://127.0.0.1:{closed.getsockname()[1]}/file", into)
    assert (error.cause, error.why, error.tries) == ("refused", "127.0.0.1 refuses the connection", TRIES)


def test_a_name_that_dns_does_not_know_is_named(fetcher: Fetcher, into: Path) -> None:
    error = failure(fetcher, "http://nowhere.invalid/file", into)
    assert (error.cause, error.why) == ("dns", "the name nowhere.invalid is not known to DNS")


def test_a_failure_of_tls_is_named(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    error = failure(fetcher, f"https://127.0.0.1:{upstream.port}/file", into)
    assert (error.cause, error.why) == ("tls", "127.0.0.1 does not speak TLS at this port")


@pytest.mark.parametrize("host", [f"{'a' * 64}.invalid", "nowhere..invalid", f"{'ü' * 64}.invalid"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_cannot_be_one_is_a_failure(fetcher: Fetcher, into: Path, scheme: str, host: str) -> None:
    error = failure(fetcher, f"{scheme}://{host}/file", into)
    assert (error.cause, error.why) == ("dns", f"{host} is no name that a host can have")


def test_a_redirect_that_leads_nowhere_names_where(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Redirect("http://nowhere.invalid/a%20file?key=s3cr3t#part"))
    why = "the name nowhere.invalid is not known to DNS"
    where = "at the address to which it redirects: http://nowhere.invalid/a%20file"
    assert failure(fetcher, upstream.url + "file", into).why == f"{why}, {where}"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Status(404), r"there is no such file \(404\)"),
        (Status(500), "the upstream answered 500"),
        (Reset(4), "the connection was reset"),
        (Corrupt(), r"its sha256 is \w+, the list says \w+"),
    ],
    ids=repr,
)
def test_what_fails_where_a_redirect_leads_is_told_to_be_there(
    fetcher: Fetcher, upstream: Upstream, into: Path, fault: Fault, why: str
) -> None:
    with Upstream() as other:
        other.write("there", DATA)
        other.fail("there", fault)
        upstream.fail("file", Redirect(f"{other.url}there?key=s3cr3t"))
        error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    where = f"at the address to which it redirects: {other.url}there"
    assert re.fullmatch(f"{why}, {re.escape(where)}", error.why)
    assert str(error) == f"{upstream.url}file: {error.why}"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Short(10), "connection"),
        (Corrupt(), "content"),
        (Longer(), "content"),
        (Redirect("/file"), "upstream"),
        (Status(500), "upstream"),
        (Status(401), "authentication"),
        (Status(403), "authentication"),
        (Status(404), "not_found"),
        (Status(410), "not_found"),
    ],
    ids=repr,
)
def test_a_failure_is_of_a_kind_and_comes_with_advice(
    fetcher: Fetcher, upstream: Upstream, into: Path, fault: Fault, kind: str
) -> None:
    upstream.fail("file", fault)
    error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    assert causes.kind(error) == kind
    assert causes.advice(error).endswith(".")


# ---- failures that no other try mends --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "the upstream asks for a login (401)"),
        (403, "the upstream refuses access (403)"),
        (404, "there is no such file (404)"),
        (410, "the file is gone (410)"),
        (400, "the upstream answered 400"),
        (204, "the upstream answered 204"),
        (206, "only a part came, although all was asked for (206)"),
        (501, "the upstream answered 501"),
    ],
)
def test_it_is_not_tried_again(fetcher: Fetcher, upstream: Upstream, into: Path, status: int, why: str) -> None:
    upstream.fail("file", Status(status))
    error = failure(fetcher, upstream.url + "file", into, DIGEST, len(DATA))
    assert (error.cause, error.why, error.tries) == (str(status), why, 1)
    assert upstream.count("file") == 1


def test_a_file_that_is_not_there_is_asked_for_once(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    assert failure(fetcher, upstream.url + "absent", into).cause == "404"
    assert upstream.count("absent") == 1


def test_more_than_the_limit_is_refused_at_once(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", ENDLESS)
    counted: list[int] = []
    with pytest.raises(FetchFailed, match="it is longer than 100,000 bytes") as caught:
        fetcher.fetch(upstream.url + "file", into, limit=100_000, count=counted.append)
    assert (caught.value.cause, caught.value.tries) == ("limit", 1)
    assert -10_000_000 < min(counted) < 0
    assert not into.exists()


def test_as_much_as_the_limit_is_taken(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    assert fetcher.fetch(upstream.url + "file", into, limit=len(DATA)).sha256 == DIGEST


def test_a_disk_that_does_not_take_it_is_named(fetcher: Fetcher, upstream: Upstream, tmp_path: Path) -> None:
    with pytest.raises(NotStored, match="could not be stored here: No such file or directory"):
        fetcher.fetch(upstream.url + "file", tmp_path / "absent" / "into")
    assert len(upstream.requests) == 1


# ---- waiting between tries -------------------------------------------------------------------------------


def test_the_waits_double_and_are_spread(
    fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits, settings: object
) -> None:
    settings.MILLRACE_RETRY_SECONDS = 1.0  # type: ignore[attr-defined]
    upstream.fail("file", Status(500))
    failure(fetcher, upstream.url + "file", into)
    assert len(waits.seconds) == TRIES - 1
    for wait, longest in zip(waits.seconds, [1, 2, 4], strict=True):
        assert longest / 2 <= wait <= longest


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_in_seconds_is_obeyed(
    fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits, code: int
) -> None:
    upstream.fail("file", Busy(7, code, times=2))
    assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST
    assert waits.seconds == [7, 7]


def test_retry_after_as_a_date_is_obeyed(fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits) -> None:
    upstream.fail("file", Busy(60, dated=True, times=1))
    assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST
    assert 30 < waits.seconds[0] <= 60


def test_retry_after_a_date_that_is_past_is_now(fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits) -> None:
    upstream.fail("file", Busy(-60, dated=True, times=1))
    fetcher.fetch(upstream.url + "file", into)
    assert waits.seconds == [0]


@pytest.mark.parametrize("dated", [False, True])
def test_who_asks_for_a_long_wait_is_given_up_on(
    fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits, dated: bool
) -> None:
    upstream.fail("file", Busy(int(MAX_WAIT) + 60, dated=dated))
    error = failure(fetcher, upstream.url + "file", into)
    assert (error.cause, error.tries) == ("429", 1)
    assert waits.seconds == []


def test_the_longest_wait_is_obeyed(fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits) -> None:
    upstream.fail("file", Busy(int(MAX_WAIT), times=1))
    fetcher.fetch(upstream.url + "file", into)
    assert waits.seconds == [MAX_WAIT]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "٣",
        "Thu, 01 Jan 2026 00:00:00 -0000",
        "Thu, 01 Jan 99999 00:00:00 GMT",
        f"Thu, 01 Jan {'9' * 30} 00:00:00 GMT",
        "Thu, 32 Foo 2026 99:00:00 GMT",
    ],
)
def test_retry_after_that_cannot_be_read_is_as_none(
    fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits, text: str
) -> None:
    upstream.fail("file", Status(429, {"Retry-After": text.encode().decode("latin-1")}, times=1))
    assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST
    assert len(waits.seconds) == 1
    assert waits.seconds[0] < 1


def test_a_date_with_a_zone_of_its_own_is_understood(
    fetcher: Fetcher, upstream: Upstream, into: Path, waits: Waits
) -> None:
    upstream.fail("file", Status(503, {"Retry-After": formatdate(time() + 60, localtime=True)}, times=1))
    fetcher.fetch(upstream.url + "file", into)
    assert 30 < waits.seconds[0] <= 60


# ---- counting and stopping -------------------------------------------------------------------------------


def test_every_byte_is_counted_as_it_comes(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.write_pattern("large", 5_000_000)
    counted: list[int] = []
    fetcher.fetch(upstream.url + "large", into, count=counted.append)
    assert sum(counted) == 5_000_000
    assert len(counted) >= 5


@pytest.mark.parametrize("fault", [Reset(50_000, times=1), Corrupt(times=1), Longer(times=1), Shorter(times=1)])
def test_what_was_counted_in_vain_is_taken_back(fetcher: Fetcher, upstream: Upstream, into: Path, fault: Fault) -> None:
    counted: list[int] = []
    upstream.fail("file", fault)
    fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, size=len(DATA), count=counted.append)
    assert sum(counted) == len(DATA)
    assert min(counted) < 0


def test_a_failed_file_counts_for_nothing(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    counted: list[int] = []
    upstream.fail("file", Corrupt())
    with pytest.raises(FetchFailed):
        fetcher.fetch(upstream.url + "file", into, sha256=DIGEST, count=counted.append)
    assert sum(counted) == 0


def test_a_stop_ends_a_body_at_its_next_block(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", ENDLESS)
    with pytest.raises(FetchFailed) as caught:
        fetcher.fetch(upstream.url + "file", into, count=lambda size: fetcher.stop.set())
    assert (caught.value.cause, caught.value.tries) == ("stopped", 1)
    assert upstream.count("file") == 1
    assert not into.exists()


def test_a_stop_ends_a_wait(fetcher: Fetcher, upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Busy(int(MAX_WAIT)))
    begun = time()
    with upstream.hold("file") as gate, ThreadPoolExecutor(1) as threads:
        fetching = threads.submit(fetcher.fetch, upstream.url + "file", into)
        assert gate.reached.wait(5)
        gate.release()
        fetcher.stop.set()
        error = fetching.exception(timeout=5)
    assert isinstance(error, FetchFailed)
    assert (error.cause, error.tries) == ("429", 1)
    assert time() - begun < 5


def test_leaving_the_fetcher_stops_it() -> None:
    with Fetcher(Transport()) as fetcher:
        assert not fetcher.stop.is_set()
    assert fetcher.stop.is_set()


# ---- addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://host/PULP_MANIFEST",
        "https://host",
        "HTTP://HOST/",
        "http://127.0.0.1:8000/a/b/",
        "http://[::1]:8000/",
        "http://host:/",
        "http://host:65535/",
        "http://bücher.example/ü?a=b#c",
        "http://host/a b",
        "http://host/@me:x",
    ],
)
def test_an_address_that_can_be_asked_is_taken_as_it_is(url: str) -> None:
    assert urls.checked(url) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must begin with http:// or https://"),
        ("host/path", "must begin with http:// or https://"),
        ("//host/path", "must begin with http:// or https://"),
        ("ftp://host/", "must begin with http:// or https://"),
        ("file:///etc/passwd", "must begin with http:// or https://"),
        ("javascript:alert(1)", "must begin with http:// or https://"),
        ("http:", "names no host"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://:80/", "names no host"),
        ("http://host:0/", "a port that there is not"),
        ("http://host:99999/", "a port that there is not"),
        ("http://host:x/", "a port that there is not"),
        ("http://host:-1/", "a port that there is not"),
        ("http://[::1/", "cannot be read"),
        ("http://me@host/", "has a user name or a password in it"),
        ("http://me:secret@host/", "has a user name or a password in it"),
        ("http://:secret@host/", "has a user name or a password in it"),
        ("http://@host/", "has a user name or a password in it"),
    ],
)
def test_an_address_that_cannot_be_asked_is_refused(url: str, why: str) -> None:
    with pytest.raises(InvalidUrl, match=why) as caught:
        urls.checked(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("sign", ["\n", "\t", "\0", "\x1b", "\udcff"])
@pytest.mark.parametrize("url", ["http://ho{}st/", "http://host/a{}b"])
def test_an_address_with_a_sign_that_cannot_be_shown_is_refused(url: str, sign: str) -> None:
    url = url.format(sign)
    with pytest.raises(InvalidUrl):
        urls.checked(url)


@pytest.mark.parametrize("url", ["http://ho st/", "http://host\u00a0/", "http://<host>/", "http://a\\b/"])
def test_a_host_that_no_name_can_be_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        urls.checked(url)
