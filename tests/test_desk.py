"""Requests that wait at the desk: answered in order, while all others go on, whatever becomes of client or database."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from dashboard import quick
from repos import inquiry
from repos.models import Repository
from tests import factories
from tests.content_server import Client, Server
from tests.running import until
from tests.settings import POSTGRESQL

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not POSTGRESQL, reason="it is for PostgreSQL alone"),
]

SMALL, OTHER, NONE = "/content/files/small", "/content/files/a/other", "/content/files/none"


@pytest.fixture(autouse=True)
def patient_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may say of any file, however lately it was written, that it would have to be waited for."""
    monkeypatch.setattr(os, "RWF_NOWAIT", 0)


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    factories.serve(made, {"small": b"small", "a/other": b"something else", "large": bytes(100_000)})
    return made


@pytest.fixture
def server(files: Repository) -> Iterator[Server]:
    with Server() as served:
        client = Client(served)
        # The first goes the usual way, and has the connection opened.
        assert client(SMALL).body == b"small"
        until(lambda: served.asks, "there is a connection")
        client.close()
        yield served


@pytest.fixture
def get(server: Server) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.close()


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        yield client


def plain(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def bodies(client: socket.socket, *wanted: bytes) -> None:
    got = b""
    while got.count(b"HTTP/1.1 ") < len(wanted) or not got.endswith(wanted[-1]):
        more = client.recv(1 << 20)
        assert more
        got += more
    assert [part.partition(b"\r\n\r\n")[2] for part in got.split(b"HTTP/1.1 ")[1:]] == list(wanted)


@contextmanager
def locked() -> Iterator[None]:
    """Nothing can be looked up meanwhile."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE repos_content IN ACCESS EXCLUSIVE MODE")
        yield


def test_it_works(get: Client, server: Server) -> None:
    """Without any thread's help."""
    server.refuse_others()
    answer = get(SMALL)
    assert (answer.status, answer.body) == (200, b"small")
    assert get(OTHER).body == b"something else"
    assert get(SMALL, "HEAD").body == b""
    assert get(SMALL, Range="bytes=1-2").body == b"ma"


def test_what_is_not_for_the_desk_goes_the_usual_way(get: Client) -> None:
    for _ in range(2):
        assert get(NONE).status == 404
        assert get("/content/files/large").body == bytes(100_000)
        assert get("/content/files/", Accept="application/json").status == 200
        assert get(SMALL, "POST").status == 405
        assert get(SMALL).body == b"small"


def test_requests_on_one_connection_are_answered_in_order(server: Server) -> None:
    one, other = plain(SMALL), plain(OTHER)
    with connected(server) as client:
        for pieces in (
            [one, other],
            [one + other],
            [one[:9], one[9:] + other[:5], other[5:]],
            [other, one, other + one],
        ):
            for piece in pieces:
                client.sendall(piece)
            asked = b"".join(pieces).split(b"\r\n")
            wanted = [b"small" if b"small" in line else b"something else" for line in asked if b"GET" in line]
            bodies(client, *wanted)


def test_what_comes_while_a_request_waits_is_answered_after_it(server: Server) -> None:
    other = plain(OTHER)
    with connected(server) as client:
        with locked():
            client.sendall(plain(SMALL))
            until(lambda: any(channel.waits for channel in server.channels.values()), "it waits")
            client.sendall(other + other[:10])
        client.sendall(other[10:])
        bodies(client, b"small", b"something else", b"something else")


def test_others_are_answered_while_a_request_waits(
    server: Server, get: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "OVERDUE", 1000.0)
    with connected(server) as client:
        with locked():
            client.sendall(plain(SMALL))
            until(lambda: any(channel.waits for channel in server.channels.values()), "it waits")
            assert get(SMALL, "OPTIONS").status == 204
            assert get("/content/%00").status == 404
        bodies(client, b"small")


def test_a_request_that_waits_too_long_goes_the_usual_way(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiry, "OVERDUE", 0.1)
    with connected(server) as client:
        with locked():
            client.sendall(plain(SMALL))
            until(lambda: not server.asks, "the desk has given up")
        bodies(client, b"small")


def test_who_leaves_while_waiting_harms_nobody(server: Server, get: Client) -> None:
    with connected(server) as other, locked():
        with connected(server) as client:
            client.sendall(plain(SMALL))
            other.sendall(plain(OTHER))
            until(lambda: sum(channel.waits for channel in server.channels.values()) == 2, "both wait")
        server.cut_off()
    assert get(SMALL).body == b"small"


def test_what_fails_for_one_fails_for_that_one(
    server: Server, get: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = quick.answer

    def fail(request: quick.Request, found: object) -> bytes | None:
        if request.path == OTHER:
            raise ValueError("a mistake")
        return answer(request, found)  # type: ignore[arg-type]

    monkeypatch.setattr(quick, "answer", fail)
    with connected(server) as client:
        client.sendall(plain(OTHER))
        assert client.recv(100) == b""
    assert get(SMALL).body == b"small"
    assert "a mistake" in caplog.text


def test_a_switch_is_seen_by_the_next_request(get: Client, files: Repository) -> None:
    for number in range(5):
        factories.serve(files, {"small": b"%d" % number})
        assert get(SMALL).body == b"%d" % number
    files.distributions.update(protected=True)
    assert get(SMALL).status == 401


def test_a_database_that_cuts_us_off_is_not_missed(get: Client, server: Server) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()"
        )
    for _ in range(3):
        assert get(SMALL).body == b"small"
    until(lambda: not server.asks, "the connection is let go")
