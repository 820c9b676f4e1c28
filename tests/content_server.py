"""What is served, through a real waitress on a port of its own, and a client that shows what was on the wire."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from typing import Any

from django.core.cache import cache
from django.db import connections
from waitress import create_server, wasyncore
from waitress.task import ThreadedTaskDispatcher

from dashboard import channel, content


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Waitress' threads; each closes its database connection when it ends, before the test's database is emptied."""

    def handler_thread(self, number: int) -> None:
        try:
            super().handler_thread(number)
        finally:
            connections.close_all()


class Server:
    """The port is open from the start; `with` serves."""

    def __init__(self, application: Any = content.application, threads: int = 4) -> None:
        self._sockets: dict[int, Any] = {}
        self._dispatcher = Dispatcher()
        self._dispatcher.set_thread_count(threads)
        self._server = create_server(
            application, map=self._sockets, _dispatcher=self._dispatcher, host="127.0.0.1", port=0, ident=None
        )
        channel.prepare(self._server)
        self._desk = self._server.desk
        # Or all of a file would be on its way before a slow client has read its start. Connections inherit it.
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        self._thread = threading.Thread(target=self._run)
        self._stopping = threading.Event()
        self.port = int(self._server.effective_port)
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        # Only now, when nobody is in the loop or will pull the trigger any more.
        self._hang_up()
        self._dispatcher.shutdown()
        if self._desk:
            self._desk.close()
        wasyncore.close_all(self._sockets)

    def set_quick(self, answers: Callable[[bytes], bytes | None]) -> None:
        """Has `answers` say what is answered at once, in place of the product's."""
        self._server.quick, self._server.desk = answers, None

    @property
    def asks(self) -> bool:
        """Whether requests wait at the desk for what PostgreSQL says."""
        return self._desk is not None and self._desk in self._sockets.values()

    def refuse_others(self) -> None:
        """From now on nothing is answered by the threads."""
        self._dispatcher.set_thread_count(0)

    @property
    def channels(self) -> dict[int, Any]:
        """The connections that are open."""
        found: dict[int, Any] = self._server.active_channels
        return found

    def accept(self) -> None:
        """Lets in who waits, as the server's loop does when it sees that somebody does."""
        self._server.handle_accept()

    def limit(self, connections: int) -> None:
        self._server.adj.connection_limit = connections

    def cut_off(self) -> None:
        """Closes all connections, whatever they are at."""
        done = threading.Event()
        self._server.trigger.pull_trigger(self._hang_up)
        self._server.trigger.pull_trigger(done.set)
        done.wait()

    def _hang_up(self) -> None:
        for one in list(self._server.active_channels.values()):
            one.handle_close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, count=1, map=self._sockets, use_poll=True)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    def __getitem__(self, header: str) -> str | None:
        return self.headers[header]


class Client:
    """One connection, kept open. Paths are sent as they are: the caller quotes them."""

    def __init__(self, server: Server) -> None:
        self.port = server.port
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=20)

    def __call__(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Header names are written with underscores: `If_Range="..."`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, headers=named)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        self._connection.close()


@contextmanager
def serving() -> Iterator[Client]:
    """A server that remembers nothing of earlier tests, and a client of it."""
    cache.clear()
    with Server() as server:
        client = Client(server)
        try:
            yield client
        finally:
            client.close()
