"""The upstream of the tests is tested itself: each fault does what it says, and no more."""

import gzip
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import pytest
import requests

from tests.misbehaviour import (
    Busy,
    Chunked,
    Corrupt,
    CutHeaders,
    Delay,
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
from tests.parts import OtherPart, Paced, PartsIgnored, PartsOnly, Said
from tests.running import PATIENCE, SOON
from tests.upstream import EVERY_FILE, MANIFEST, Upstream

DATA = bytes(range(256)) * 4


@pytest.fixture(name="upstream")
def running_upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        upstream.write("file", DATA)
        yield upstream


@pytest.fixture(name="client")
def keep_alive_client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def raw_answer(upstream: Upstream, path: str = "file", method: str = "GET") -> bytes:
    """All bytes that come back until the connection ends."""
    request = f"{method} /{path} HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", upstream.port), PATIENCE) as connection:
        connection.sendall(request.encode())
        while block := connection.recv(65536):
            received += block
    return received


def test_it_works(upstream: Upstream, client: requests.Session) -> None:
    upstream.write("a/b c.txt", b"hello")
    line = f"a/b c.txt,{hashlib.sha256(b'hello').hexdigest()},5\n"
    assert client.get(upstream.manifest_url).text.startswith(line)
    answer = client.get(upstream.url + "a/b%20c.txt")
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["Content-Length"] == "5"
    assert [(request.method, request.path) for request in upstream.requests] == [
        ("GET", MANIFEST),
        ("GET", "a/b c.txt"),
    ]
    assert upstream.requests[1].headers["accept-encoding"] == "gzip, deflate"


def test_names_are_decoded(upstream: Upstream, client: requests.Session) -> None:
    upstream.write("ü/100%?#,;.txt", b"x")
    assert client.get(upstream.url + "%C3%BC/100%25%3F%23,;.txt").content == b"x"
    assert upstream.requests[0].path == "ü/100%?#,;.txt"
    assert upstream.requests[0].target == "/%C3%BC/100%25%3F%23,;.txt"


def test_manifest_follows_the_files(upstream: Upstream, client: requests.Session) -> None:
    upstream.write("b", b"2")
    upstream.remove("file")
    assert client.get(upstream.manifest_url).content == f"b,{upstream.digests['b']},1\n".encode()
    assert upstream.files == {"b": b"2"}


def test_manifest_can_be_explicit(upstream: Upstream, client: requests.Session) -> None:
    upstream.manifest = b"\xff not a manifest"
    assert client.get(upstream.manifest_url).content == b"\xff not a manifest"
    upstream.manifest = None
    assert client.get(upstream.manifest_url).text.startswith("file,")


def test_connections_are_kept_alive(upstream: Upstream, client: requests.Session) -> None:
    for _ in range(5):
        client.get(upstream.url + "file")
    assert (upstream.connections, upstream.count("file")) == (1, 5)
    upstream.reset_log()
    assert upstream.requests == []


def test_many_clients_at_once(upstream: Upstream) -> None:
    gate = upstream.hold("file")
    threads = [threading.Thread(target=requests.get, args=(upstream.url + "file",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 5
    while upstream.count("file") < 20 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert upstream.count("file") == 20
    gate.release()
    for thread in threads:
        thread.join()


def test_an_unknown_file_is_404(upstream: Upstream, client: requests.Session) -> None:
    assert client.get(upstream.url + "other").status_code == 404


def test_head_has_the_headers_and_no_body(upstream: Upstream) -> None:
    head, body = raw_answer(upstream, method="HEAD").split(b"\r\n\r\n")
    assert b"Content-Length: 1024" in head
    assert body == b""


def test_validators_give_304(upstream: Upstream, client: requests.Session) -> None:
    first = client.get(upstream.url + "file").headers
    assert first["ETag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    for asked in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
        assert client.get(upstream.url + "file", headers=asked).status_code == 304
    other = {"If-None-Match": '"other"', "If-Modified-Since": first["Last-Modified"]}
    assert client.get(upstream.url + "file", headers=other).content == DATA


def test_every_write_moves_last_modified(upstream: Upstream, client: requests.Session) -> None:
    for path in ("file", MANIFEST):
        before = client.get(upstream.url + path).headers["Last-Modified"]
        upstream.write("file", DATA[::-1])
        answer = client.get(upstream.url + path, headers={"If-Modified-Since": before})
        assert answer.status_code == 200
        assert answer.headers["Last-Modified"] != before


def test_validators_can_be_switched_off(upstream: Upstream, client: requests.Session) -> None:
    tag = client.get(upstream.url + "file").headers["ETag"]
    upstream.validators = False
    answer = client.get(upstream.url + "file", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert not {"ETag", "Last-Modified"} & set(answer.headers)


@pytest.mark.parametrize(
    ("asked", "status", "expected", "shown"),
    [
        ("bytes=0-0", 206, DATA[:1], "bytes 0-0/1024"),
        ("bytes=1000-", 206, DATA[1000:], "bytes 1000-1023/1024"),
        ("bytes=-4", 206, DATA[-4:], "bytes 1020-1023/1024"),
        ("bytes=1000-9999", 206, DATA[1000:], "bytes 1000-1023/1024"),
        ("bytes=1024-", 416, b"", "bytes */1024"),
        ("bytes=0-1,4-5", 200, DATA, None),
        ("lines=1-2", 200, DATA, None),
    ],
)
def test_ranges(
    upstream: Upstream, client: requests.Session, asked: str, status: int, expected: bytes, shown: str | None
) -> None:
    answer = client.get(upstream.url + "file", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, expected)
    assert answer.headers.get("Content-Range") == shown


def test_if_range(upstream: Upstream, client: requests.Session) -> None:
    tag = client.get(upstream.url + "file").headers["ETag"]
    for condition, status in ((tag, 206), ('"other"', 200)):
        asked = {"Range": "bytes=1-2", "If-Range": condition}
        assert client.get(upstream.url + "file", headers=asked).status_code == status


def test_a_pattern_needs_no_memory_and_has_one_digest(upstream: Upstream, client: requests.Session) -> None:
    upstream.write_pattern("big", 5_000_001, seed=7)
    content = client.get(upstream.url + "big").content
    assert len(content) == 5_000_001
    assert hashlib.sha256(content).hexdigest() == upstream.digests["big"]
    answer = client.get(upstream.url + "big", headers={"Range": "bytes=65530-200000"})
    assert answer.content == content[65530:200001]
    assert "big" not in upstream.files
    upstream.write_pattern("other", 5_000_001, seed=8)
    assert upstream.digests["other"] != upstream.digests["big"]


def test_status_then_healthy(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Status(500, times=2), Status(404, {"X-Why": "gone"}, b"no", times=1))
    answers = [client.get(upstream.url + "file") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 500, 404, 200]
    assert (answers[2].headers["X-Why"], answers[2].content) == ("gone", b"no")


@pytest.mark.parametrize("code", [401, 403, 404, 410, 500, 502, 503])
def test_status_without_times_stays_until_healed(
    upstream: Upstream, client: requests.Session, code: HTTPStatus
) -> None:
    upstream.fail(MANIFEST, Status(code))
    assert [client.get(upstream.manifest_url).status_code for _ in range(3)] == [code] * 3
    assert client.get(upstream.url + "file").status_code == 200
    upstream.heal()
    assert client.get(upstream.manifest_url).status_code == 200


def test_every_file_counts_its_own_times(upstream: Upstream, client: requests.Session) -> None:
    upstream.write("other", b"")
    upstream.fail(EVERY_FILE, Status(503, times=1))
    paths = ["file", "other", MANIFEST, "file", "other"]
    codes = [client.get(upstream.url + path).status_code for path in paths]
    assert codes == [503, 503, 200, 200, 200]


def test_busy_says_when_to_come_back(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Busy(3, times=1), Busy(60, code=503, dated=True, times=1))
    first, second = client.get(upstream.url + "file"), client.get(upstream.url + "file")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert second.status_code == 503
    wait = parsedate_to_datetime(second.headers["Retry-After"]).timestamp() - time.time()
    assert 57 < wait <= 60


def test_redirect(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("old", Redirect("/file"))
    assert client.get(upstream.url + "old").content == DATA
    upstream.fail("older", Redirect(upstream.url + "old", 308))
    assert client.get(upstream.url + "older", allow_redirects=False).status_code == 308


def test_not_modified_without_cause(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", NotModified())
    answer = client.get(upstream.url + "file")
    assert (answer.status_code, answer.content) == (304, b"")
    assert "Content-Length" not in answer.headers


def test_reset_comes_after_the_bytes(upstream: Upstream) -> None:
    upstream.fail("file", Reset(100))
    received = b""
    with socket.create_connection(("127.0.0.1", upstream.port)) as connection:
        connection.sendall(b"GET /file HTTP/1.1\r\nHost: loopback\r\n\r\n")
        while not received.endswith(DATA[:100]):
            received += connection.recv(65536)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert received.split(b"\r\n\r\n", 1)[1] == DATA[:100]


def test_short_closes_in_good_order(upstream: Upstream) -> None:
    upstream.fail("file", Short(10))
    head, body = raw_answer(upstream).split(b"\r\n\r\n", 1)
    assert b"Content-Length: 1024" in head
    assert body == DATA[:10]


@pytest.mark.parametrize("fault", [Reset(10), Short(10)])
def test_a_broken_body_is_an_error_to_requests(upstream: Upstream, client: requests.Session, fault: Fault) -> None:
    upstream.fail("file", fault)
    with pytest.raises(requests.RequestException):
        client.get(upstream.url + "file")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Corrupt(), b"\xff" + DATA[1:]),
        (Corrupt(at=1023), DATA[:-1] + b"\x00"),
        (Longer(2), DATA + b"\x00\x00"),
        (Shorter(3), DATA[:-3]),
        (Shorter(5000), b""),
    ],
)
def test_wrong_bytes_with_a_length_that_agrees(
    upstream: Upstream, client: requests.Session, fault: Fault, expected: bytes
) -> None:
    upstream.fail("file", fault)
    answer = client.get(upstream.url + "file")
    assert (answer.status_code, answer.content) == (200, expected)
    assert answer.headers["Content-Length"] == str(len(expected))


def test_wrong_bytes_of_a_pattern(upstream: Upstream, client: requests.Session) -> None:
    upstream.write_pattern("big", 200_000)
    right = client.get(upstream.url + "big").content
    upstream.fail("big", Corrupt(150_000, times=1), Longer(100_000, times=1))
    wrong = client.get(upstream.url + "big").content
    assert [at for at in range(200_000) if right[at] != wrong[at]] == [150_000]
    assert client.get(upstream.url + "big").content == right + bytes(100_000)


def test_stall_sends_some_bytes_and_then_nothing(upstream: Upstream) -> None:
    upstream.fail("file", Stall(10))
    with socket.create_connection(("127.0.0.1", upstream.port), 0.1) as connection:
        connection.sendall(b"GET /file HTTP/1.1\r\nHost: loopback\r\n\r\n")
        received = b""
        while not received.endswith(DATA[:10]):
            received += connection.recv(65536)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_stall_before_the_headers(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", StallHeaders(times=1))
    with pytest.raises(requests.ReadTimeout):
        client.get(upstream.url + "file", timeout=0.1)
    assert client.get(upstream.url + "file").content == DATA


@pytest.mark.parametrize(
    ("fault", "begins"),
    [
        (DripHeaders(0.001), b"HTTP/1.1 200 OK\r\nX-Long: xx"),
        (DripFrame(0.001), b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1;x=xx"),
    ],
)
def test_headers_and_frames_drip_until_the_client_goes(upstream: Upstream, fault: Fault, begins: bytes) -> None:
    upstream.fail("file", fault)
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as connection:
        connection.sendall(b"GET /file HTTP/1.1\r\nHost: loopback\r\n\r\n")
        came = b""
        while len(came) < len(begins) + 10:
            came += connection.recv(1)
    assert came == begins + b"x" * 10


def test_headers_are_cut(upstream: Upstream) -> None:
    upstream.fail("file", CutHeaders())
    assert raw_answer(upstream) == b"HTTP/1.1 200 OK\r\nServer: none\r\n"


def test_drip_passes_a_read_timeout(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Drip(amount=256, interval=0.2))
    begun = time.monotonic()
    assert client.get(upstream.url + "file", timeout=0.5).content == DATA
    assert time.monotonic() - begun > 0.55


def test_delay_comes_before_the_answer(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Delay(0.05, times=1), Delay(0.05, Status(503), times=1))
    for code in (200, 503):
        begun = time.monotonic()
        assert client.get(upstream.url + "file").status_code == code
        assert time.monotonic() - begun >= 0.05


def test_gzip_is_not_asked_for(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Gzip())
    asked = {"Accept-Encoding": "identity"}
    with client.get(upstream.url + "file", headers=asked, stream=True) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.raw.read(decode_content=False)) == DATA


def test_chunked_promises_no_length(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Chunked())
    answer = client.get(upstream.url + "file")
    assert answer.content == DATA
    assert "Content-Length" not in answer.headers
    assert client.get(upstream.url + "file").content == DATA


def test_chunks_may_end_in_trailers(upstream: Upstream) -> None:
    upstream.fail("file", Chunked({"X-Digest": "1"}))
    assert raw_answer(upstream).endswith(b"\r\n0\r\nX-Digest: 1\r\n\r\n")


def test_chunks_may_break_off(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Chunked(after=10))
    assert raw_answer(upstream).endswith(b"\r\n\r\na\r\n" + DATA[:10] + b"\r\n")
    with pytest.raises(requests.RequestException):
        client.get(upstream.url + "file")


@pytest.mark.parametrize("after", [None, 10])
def test_unframed_ends_with_the_connection(upstream: Upstream, after: int | None) -> None:
    upstream.fail("file", Unframed(after))
    head, body = raw_answer(upstream).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"Content-Length" not in head
    assert body == DATA[:after]


def test_overrun_sends_more_than_it_promises(upstream: Upstream) -> None:
    upstream.fail("file", Overrun(24))
    head, body = raw_answer(upstream).split(b"\r\n\r\n", 1)
    assert b"Content-Length: 1000" in head
    assert body == DATA


def test_endless_goes_on_until_the_client_is_gone(upstream: Upstream) -> None:
    upstream.fail("file", Endless(DATA))
    with socket.create_connection(("127.0.0.1", upstream.port), 5) as connection:
        connection.sendall(b"GET /file HTTP/1.1\r\nHost: loopback\r\n\r\n")
        received = 0
        while received < 10_000_000:
            received += len(connection.recv(1 << 20))


def test_partial_was_not_asked_for(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Partial(3))
    answer = client.get(upstream.url + "file")
    assert (answer.status_code, answer.content) == (206, DATA[:3])
    assert answer.headers["Content-Range"] == "bytes 0-2/1024"


PART = {"Range": "bytes=10-19"}


@pytest.mark.parametrize("shared", [False, True])
def test_paced_takes_its_time(upstream: Upstream, client: requests.Session, shared: bool) -> None:
    upstream.write("file", DATA * 50)
    upstream.fail("file", Paced(100_000, shared=shared))
    begun = time.monotonic()
    assert client.get(upstream.url + "file").content == DATA * 50
    assert time.monotonic() - begun > len(DATA) * 50 / 100_000 * 0.9


def test_parts_can_be_ignored(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", PartsIgnored())
    answer = client.get(upstream.url + "file", headers=PART)
    assert (answer.status_code, answer.content, "Content-Range" in answer.headers) == (200, DATA, False)


@pytest.mark.parametrize(("lying", "said"), [(False, "bytes 13-22/1024"), (True, "bytes 10-19/1024")])
def test_another_part_may_come(upstream: Upstream, client: requests.Session, lying: bool, said: str) -> None:
    upstream.fail("file", OtherPart(3, lying=lying))
    answer = client.get(upstream.url + "file", headers=PART)
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (206, DATA[13:23], said)
    assert client.get(upstream.url + "file").content == DATA


def test_headers_can_be_others(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Said({"ETag": '"x"', "Last-Modified": None}, Status(500), times=1), Said({"ETag": None}))
    assert client.get(upstream.url + "file").status_code == 500
    answer = client.get(upstream.url + "file")
    assert (answer.content, "ETag" in answer.headers, "Last-Modified" in answer.headers) == (DATA, False, True)


def test_only_who_asks_for_a_part_may_meet_a_fault(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", PartsOnly(Status(500)))
    assert client.get(upstream.url + "file").content == DATA
    assert client.get(upstream.url + "file", headers=PART).status_code == 500


def test_it_knows_how_many_connections_there_were_at_once(upstream: Upstream) -> None:
    for _ in range(3):
        with requests.Session() as one, requests.Session() as other:
            one.get(upstream.url + "file")
            other.get(upstream.url + "file")
    assert (upstream.connections, upstream.at_once) == (6, 2)


def test_garbage_is_no_answer(upstream: Upstream, client: requests.Session) -> None:
    upstream.fail("file", Garbage(b"nonsense\r\n"))
    assert raw_answer(upstream) == b"nonsense\r\n"
    with pytest.raises(requests.ConnectionError):
        client.get(upstream.url + "file")


def test_a_gate_holds_a_request(upstream: Upstream, client: requests.Session) -> None:
    answers: list[requests.Response] = []
    with upstream.hold("file") as gate:
        thread = threading.Thread(target=lambda: answers.append(client.get(upstream.url + "file")))
        assert not gate.reached.is_set()
        thread.start()
        assert gate.reached.wait(5)
        upstream.write("file", b"changed while held")
        assert answers == []
    thread.join(5)
    assert answers[0].content == b"changed while held"


def test_stop_frees_whatever_waits(upstream: Upstream) -> None:
    upstream.write_pattern("unread", 32 << 20)
    faults = {"a": Stall(1), "b": StallHeaders(), "c": Drip(1, 60), "d": Delay(60)}
    for path, fault in faults.items():
        upstream.write(path, DATA)
        upstream.fail(path, fault)
    upstream.hold("held")
    waiting = []
    for path in [*faults, "held", "unread"]:
        waiting.append(socket.create_connection(("127.0.0.1", upstream.port)))
        waiting[-1].sendall(f"GET /{path} HTTP/1.1\r\nHost: loopback\r\n\r\n".encode())
    while len(upstream.requests) < len(waiting):
        time.sleep(0.001)
    threads, begun = threading.active_count(), time.monotonic()
    upstream.stop()
    assert time.monotonic() - begun < SOON
    assert threading.active_count() == threads - len(waiting) - 1
    for connection in waiting:
        connection.close()


def test_it_can_go_away_and_come_back(upstream: Upstream) -> None:
    url = upstream.url
    upstream.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url + "file", timeout=5)
    upstream.start()
    assert upstream.url == url
    assert requests.get(url + "file", timeout=5).content == DATA
