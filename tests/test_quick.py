"""What is answered at once is answered as it would be the usual way, and nothing else is answered at once."""

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from dashboard import quick, resumes
from repos import damage, glance, pool, tokens
from repos.faults import Fault
from repos.models import Artifact, Repository
from tests import factories
from tests.content_server import Server
from tests.fuzzing import rules
from tests.running import until
from tests.settings import POSTGRESQL

pytestmark = pytest.mark.django_db(transaction=True)
sqlite_only = pytest.mark.skipif(POSTGRESQL, reason="what is behind a network is asked at the desk")

# What a request is answered with, by SQLite at once, and by PostgreSQL at the desk.
AtOnce = Callable[[bytes], bytes | None]

DATA = bytes(range(256)) * 4
PATH = "/content/files/data.bin"


NOWAIT = os.RWF_NOWAIT


@pytest.fixture(autouse=True)
def patient_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may say of any file, however lately it was written, that it would have to be waited for."""
    monkeypatch.setattr(os, "RWF_NOWAIT", 0)


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    small = {"data.bin": DATA, "a/b c.tar.gz": b"hello", "empty": b"", "é.html": b"<b>"}
    factories.serve(made, {**small, "large": bytes(resumes.WORTH_REMEMBERING + 1)})
    return made


@pytest.fixture
def at_once(files: Repository) -> Iterator[AtOnce]:
    if not POSTGRESQL:
        yield quick.Answers()
        return
    from tests.at_desk import AtDesk

    with closing(AtDesk()) as desk:
        desk.open(plain())
        yield desk


def plain(path: str = PATH, *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def head(answer: bytes | None) -> list[str]:
    assert answer
    return answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")


def test_it_works(at_once: AtOnce) -> None:
    answer = at_once(plain())
    assert head(answer)[0] == "HTTP/1.1 200 OK"
    assert "Content-Length: 1024" in head(answer)
    assert answer
    assert answer.endswith(b"\r\n\r\n" + DATA)


# ---- the same answers --------------------------------------------------------------------------------------

PLAIN = [
    (),
    ("Accept: text/html", "User-Agent: curl/8", "Cookie: a=b", "X-Forwarded-For: 10.1.2.3", "Connection: Keep-Alive"),
    ("Range: bytes=0-9",),
    ("range:bytes=-10",),
    ("Range: bytes=0-1,3-4",),
    ("Range: bytes=5-2",),
    ('If-None-Match: "other"',),
    ("If-None-Match: *",),
    ("If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT",),
    ("If-Modified-Since: nonsense",),
    ("If-None-Match: *", "Range: bytes=0-1"),
    ("Want-Digest: sha-256",),
    ("Range: bytes=0-1", "Range: bytes=5-6"),
    ("If_None_Match: *",),
    ("Authorization: Basic dTpw",),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", PLAIN)
@pytest.mark.parametrize("sent", ["", "x-accel-redirect"])
def test_answer_is_the_usual_one_to_the_byte(
    at_once: AtOnce, settings: Settings, method: str, headers: tuple[str, ...], sent: str
) -> None:
    settings.MILLRACE_SENDFILE = sent
    for path in (PATH, "/content/files/a/b%20c.tar.gz", "/content/files/%C3%A9.html", "/content/files/empty"):
        data = plain(path, *headers, method=method)
        assert without_date(surely(at_once, data)) == without_date(usually(data))


def surely(at_once: AtOnce, data: bytes) -> bytes:
    """While another connection opens the database, or is the last to close it, that would have to be waited for."""
    found: list[bytes | None] = []

    def answered() -> bool:
        found.append(at_once(data))
        return found[-1] is not None

    until(answered, "it is answered at once")
    return found[-1] or b""


def usually(data: bytes) -> bytes:
    """What waitress and the application answer, without any short cut."""
    with Server() as server:
        server.set_quick(lambda _: None)
        return exchanged(server, data)


def exchanged(server: Server, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(data)
        answer = client.recv(1 << 20)
        while not whole(answer, is_head=data.startswith(b"HEAD")):
            answer += client.recv(1 << 20)
        return answer


def whole(answer: bytes, *, is_head: bool) -> bool:
    top, end, body = answer.partition(b"\r\n\r\n")
    lengths = [int(line[16:]) for line in top.split(b"\r\n") if line.startswith(b"Content-Length: ")]
    return bool(end) and (is_head or len(body) == sum(lengths))


def without_date(answer: bytes) -> bytes:
    top, end, body = answer.partition(b"\r\n\r\n")
    return b"\r\n".join(line for line in top.split(b"\r\n") if not line.startswith(b"Date:")) + end + body


def test_pipelined_and_broken_up_requests_are_answered_in_order(files: Repository) -> None:
    one, other = plain(), plain("/content/files/a/b%20c.tar.gz")
    with Server() as server:
        for pieces in ([one + other], [one, other], [one[:9], one[9:] + other[:5], other[5:]], [other + one + other]):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
                for piece in pieces:
                    client.sendall(piece)
                asked = b"".join(pieces)
                got = b""
                while got.count(b"HTTP/1.1 200 OK") < asked.count(b"GET") or not got.endswith((DATA, b"hello")):
                    got += client.recv(1 << 20)
                wanted = [b"hello" if b"%20" in line else DATA for line in asked.split(b"\r\n") if b"GET" in line]
                assert [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 200 OK")[1:]] == wanted


# ---- what goes the usual way -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        plain(method="POST"),
        plain("/content/files/"),
        plain("/content/files"),
        plain("/content/files/none"),
        plain("/content/files/large"),
        plain("/content/files/data.bin?x=1"),
        plain("/content/files/../files/data.bin"),
        plain("/content//files/data.bin"),
        plain("/content/files/%ff"),
        plain("/content/files/a%00b"),
        plain("/login/"),
        plain("http://x/content/files/data.bin"),
        plain(PATH, "Connection: close"),
        plain(PATH, "Connection: keep-alive, close"),
        plain(PATH, "Content-Length: 5"),
        plain(PATH, "Transfer-Encoding: chunked"),
        plain(PATH, "Expect: 100-continue"),
        plain(PATH, "Upgrade: h2c"),
        plain(PATH, 'If-Match: "x"'),
        plain(PATH, 'If-Range: "x"', "Range: bytes=0-1"),
        plain(PATH, "If-Unmodified-Since: Thu, 01 Jan 2099 00:00:00 GMT"),
        plain(PATH, "Range: bytes=2000-"),
        plain(PATH, "Folded: a", " b"),
        plain(PATH, "Space : a"),
        plain(PATH, "No colon"),
        plain(PATH, "Nul: \0"),
        plain(PATH, "Long: " + "x" * 5000),
        plain().replace(b"HTTP/1.1", b"HTTP/1.0"),
        plain().replace(b"\r\n", b"\n"),
        plain()[:-2],
        plain() + b"x",
        plain() * 2,
        b"",
    ],
)
def test_what_is_not_plain_goes_the_usual_way(at_once: AtOnce, data: bytes) -> None:
    assert at_once(data) is None


HEADERS = st.lists(
    st.sampled_from([*(line for lines in PLAIN for line in lines), "X: \xff", "connection: close", "Te: x", ":", "a"])
)


@rules(40)
@hypothesis.given(headers=HEADERS, path=st.sampled_from([PATH, "/content/files/a", "/content/%2e%2e/x", "/content/"]))
def test_whatever_is_answered_at_once_is_the_usual_answer(at_once: AtOnce, headers: list[str], path: str) -> None:
    data = plain(path, *headers).decode().encode("latin-1")
    if answer := at_once(data):
        assert without_date(answer) == without_date(usually(data))


def test_damaged_files_go_the_usual_way(at_once: AtOnce) -> None:
    row = Artifact.objects.get(content__path="data.bin")
    file = pool.path(row.sha256)
    file.write_bytes(DATA[:-1])
    assert at_once(plain()) is None
    file.unlink()
    assert at_once(plain()) is None
    file.write_bytes(DATA)
    damage.note(row.pk, Fault("digest", "is wrong"))
    assert at_once(plain()) is None


def test_a_switch_and_a_lock_are_seen_at_once(at_once: AtOnce, files: Repository) -> None:
    for number in range(5):
        factories.serve(files, {"data.bin": b"%d" % number})
        assert head(at_once(plain()))[0] == "HTTP/1.1 200 OK"
        assert (at_once(plain()) or b"").endswith(b"\r\n\r\n%d" % number)
    files.distributions.update(protected=True)
    assert at_once(plain()) is None


def test_a_token_is_looked_at_each_time(at_once: AtOnce, files: Repository) -> None:
    files.distributions.update(protected=True)
    made = tokens.make("one", distributions=list(files.distributions.all()))
    asked = plain(PATH, f"Authorization: Bearer {made.secret}")
    # The first use in a minute is noted, the usual way.
    assert at_once(asked) is None
    tokens.used(made.token)
    assert "Cache-Control: private, no-cache" in head(at_once(asked))
    assert "Vary: Authorization, Cookie" in head(at_once(asked))
    tokens.revoke(made.token)
    assert at_once(asked) is None
    other = tokens.make("other", distributions=[factories.repository("two", "two").distributions.get()])
    tokens.used(other.token)
    assert at_once(plain(PATH, f"Authorization: Bearer {other.secret}")) is None


# ---- nothing is waited for ---------------------------------------------------------------------------------


@sqlite_only
def test_nobody_is_waited_for_who_has_locked_the_database(at_once: AtOnce, monkeypatch: pytest.MonkeyPatch) -> None:
    """In WAL mode readers go on; what would have them wait all the same is left to those who may."""
    connection.close()
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert head(at_once(plain()))[0] == "HTTP/1.1 200 OK"
        other.execute("ROLLBACK")
    with closing(glance._connected(connection.settings_dict["NAME"])) as made:
        assert made.execute("PRAGMA busy_timeout").fetchone() == (0,)


@sqlite_only
def test_what_the_database_refuses_goes_the_usual_way(at_once: AtOnce, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: str) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(glance, "_connected", fail)
        assert at_once(plain()) is None
    assert at_once(plain())


def test_a_disk_is_not_waited_for(at_once: AtOnce, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> int:
        assert arguments[3] == NOWAIT
        raise BlockingIOError

    monkeypatch.setattr(os, "RWF_NOWAIT", NOWAIT)
    monkeypatch.setattr(os, "preadv", fail)
    assert at_once(plain()) is None


@sqlite_only
def test_the_usual_connection_is_left_alone(at_once: AtOnce) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert at_once(plain())
    assert len(queries) == 0


def test_what_is_behind_a_network_is_not_asked_at_once(files: Repository) -> None:
    assert (quick.Answers()(plain()) is None) == POSTGRESQL


@sqlite_only
def test_a_file_is_opened_once_and_its_handle_closed(at_once: AtOnce) -> None:
    at_once(plain())
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        at_once(plain())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
