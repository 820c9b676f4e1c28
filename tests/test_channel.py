"""What our channels do otherwise than waitress' own."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from waitress import create_server, wasyncore
from waitress.buffers import BytesIOBasedBuffer
from waitress.server import BaseWSGIServer

from dashboard import channel, content
from repos import pool
from repos.models import Repository
from tests import factories
from tests.content_server import Client, Dispatcher, Server, serving
from tests.running import until

pytestmark = pytest.mark.django_db(transaction=True)

DATA = os.urandom(5_000_000)
LARGE = "/content/files/large"


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    factories.serve(made, {"large": DATA, "small": b"small"})
    return made


@pytest.fixture
def get(files: Repository) -> Iterator[Client]:
    with serving() as client:
        yield client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes the kernel was asked to send from a file, each time."""
    lengths: list[int] = []
    sendfile = os.sendfile

    def counted(out: int, given: int, offset: int, count: int) -> int:
        lengths.append(count)
        return sendfile(out, given, offset, count)

    monkeypatch.setattr(os, "sendfile", counted)
    return lengths


def test_large_files_are_sent_by_the_kernel(get: Client, sent: list[int]) -> None:
    assert get(LARGE).body == DATA
    assert get(LARGE, Range="bytes=1000000-3999999").body == DATA[1_000_000:4_000_000]
    assert sent
    assert max(sent) <= channel.MOST


def test_small_files_take_no_call_of_their_own(get: Client, sent: list[int]) -> None:
    assert get("/content/files/small").body == b"small"
    assert sent == []


def test_file_that_ends_early_breaks_the_connection_off(
    get: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file, sendfile = pool.path(hashlib.sha256(DATA).hexdigest()), os.sendfile

    def cut(out: int, given: int, offset: int, count: int) -> int:
        os.truncate(file, 3_000_000)
        return sendfile(out, given, offset, count)

    monkeypatch.setattr(os, "sendfile", cut)
    with socket.create_connection(("127.0.0.1", get.port), timeout=20) as client:
        client.sendall(f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        taken = sum(len(block) for block in iter(lambda: client.recv(1 << 20), b""))
    assert taken < len(DATA)
    assert "ended while it was sent" in caplog.text


def test_answer_without_a_body_leaves_the_connection_open(get: Client) -> None:
    """Waitress itself would close it, and each 304 of a mirror run would cost a new one."""
    for _ in range(2):
        for path, headers in ((LARGE, {"If_None_Match": "*"}), ("/content/files/small", {"If_None_Match": "*"})):
            answer = get(path, **headers)
            assert (answer.status, answer["Connection"]) == (304, None)
    assert get(LARGE, "OPTIONS")["Connection"] is None
    assert get(LARGE, Connection="close", If_None_Match="*")["Connection"] == "close"


def test_all_who_wait_are_let_in_at_once(files: Repository) -> None:
    """One at a time, the last would wait for as many turns of all the others."""
    server = Server()
    channels: dict[int, Any] = server.channels
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(40)]
    try:
        server.accept()
        assert len(channels) == len(clients)
    finally:
        for client in clients:
            client.close()
        with server:
            until(lambda: not channels, "all have left")


def test_no_more_are_let_in_than_are_allowed(files: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    server.limit(20)
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(40)]
    try:
        server.accept()
        assert len(server.channels) < 20
    finally:
        for client in clients:
            client.close()
        with server:
            until(lambda: not server.channels, "all have left")


def test_a_long_answer_is_not_kept_while_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waitress' own buffers hold on to what they have sent, up to 16 MiB of it for each answer."""
    kept = [0]
    write_soon = channel.Channel.write_soon

    def watched(self: channel.Channel, data: Any) -> int:
        taken = write_soon(self, data)
        with self.outbuf_lock:
            held = [one.buf.file for one in self.outbufs if isinstance(getattr(one, "buf", None), BytesIOBasedBuffer)]
            kept[0] = max([kept[0], *(file.getbuffer().nbytes for file in held)])
        return taken

    monkeypatch.setattr(channel.Channel, "write_soon", watched)
    taken = threading.Semaphore(1)

    def long_answer(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        for _ in range(60):
            taken.acquire(timeout=20)
            yield bytes(200_000)

    with Server(long_answer) as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        # The next piece is made when this one has come.
        for _ in range(60):
            left = 200_000
            while left > 0:
                left -= len(client.recv(left))
            taken.release()
    assert 0 < kept[0] <= channel.KEPT + 1_000_000


def test_every_socket_of_a_name_has_them() -> None:
    """`localhost` has two, as most names of machines have."""
    sockets: dict[int, Any] = {}
    dispatcher = Dispatcher()
    made = create_server(
        content.application, map=sockets, _dispatcher=dispatcher, listen="127.0.0.1:0 127.0.0.1:0", ident=None
    )
    channel.prepare(made)
    listening = [one for one in sockets.values() if isinstance(one, BaseWSGIServer)]
    assert [one.channel_class for one in listening] == [channel.Channel, channel.Channel]
    assert len({id(one.quick) for one in listening}) == 1
    wasyncore.close_all(sockets)
