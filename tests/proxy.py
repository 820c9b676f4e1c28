"""A real proxy on loopback, which forwards http and connects for https, and notes all that it is asked.

with Proxy(username="me", password="secret") as proxy:
    Fetcher(Transport(proxy_url=proxy.url, proxy_username="me", proxy_password="secret"))
    assert proxy.seen[0].method == "CONNECT"
"""

import http.client
import select
import socket
import ssl
import threading
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# What is between two neighbours only (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "proxy-authorization", "proxy-connection", "keep-alive", "transfer-encoding", "te"}


@dataclass(frozen=True)
class Seen:
    """A request as it came: for CONNECT the target is host:port, else the whole address."""

    method: str
    target: str
    headers: Message


class Proxy:
    """Wants a login if it is given one; answers every request with `refuse` if that is given."""

    def __init__(
        self, *, username: str = "", password: str = "", refuse: int = 0, context: ssl.SSLContext | None = None
    ) -> None:
        self.seen: list[Seen] = []
        self.refuse = refuse
        self.login = "Basic " + b64encode(f"{username}:{password}".encode()).decode() if username else ""
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.proxy = self
        self.scheme = "http"
        if context:
            self.scheme = "https"
            server = self._server
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}"

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    proxy: Proxy
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever goes away in the middle is a part of the tests."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_CONNECT(self) -> None:
        if not self._refused():
            host, _, port = self.path.rpartition(":")
            try:
                with socket.create_connection((host, int(port)), 5) as there:
                    self.send_response(200)
                    self.end_headers()
                    self._relay(there)
            except ConnectionRefusedError:
                self._answer(502)
        self.close_connection = True

    def do_GET(self) -> None:
        if self._refused():
            return
        parts = urlsplit(self.path)
        there = http.client.HTTPConnection(parts.netloc, timeout=5)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        there.request("GET", parts._replace(scheme="", netloc="").geturl(), headers=headers)
        answer = there.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        there.close()

    def _refused(self) -> bool:
        proxy = self.server.proxy
        proxy.seen.append(Seen(self.command, self.path, self.headers))
        status = proxy.refuse or (407 if proxy.login not in ("", self.headers["Proxy-Authorization"]) else 0)
        if status:
            self._answer(status)
        return bool(status)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status == 407:
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _relay(self, there: socket.socket) -> None:
        """Both ways, until one of the two goes away."""
        ends: dict[Any, Any] = {self.connection: there, there: self.connection}
        with suppress(OSError):
            while True:
                held = isinstance(self.connection, ssl.SSLSocket) and self.connection.pending()
                for end in [self.connection] if held else select.select(list(ends), [], [], 10)[0]:
                    if not (data := end.recv(65536)):
                        return
                    ends[end].sendall(data)

    def log_message(self, format: str, *args: Any) -> None:
        """What it saw is in `seen`."""
