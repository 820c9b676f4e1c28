"""A real HTTP/1.1 upstream on loopback, with faults to order. Standard library only.

    with Upstream() as upstream:
        upstream.write("a/b c.txt", b"...")
        upstream.fail("a/b c.txt", Status(500, times=2))    # twice, then healthy
        upstream.fail("*", Short(10))                       # every file but the manifest, always
        gate = upstream.hold(MANIFEST)                      # the request waits; gate.reached, gate.release()
        requests.get(upstream.manifest_url)
        assert upstream.count(MANIFEST) == 1

Paths are relative and decoded ("a/b c.txt"). Every write moves the upstream's clock on by a second, so that
Last-Modified tells two writes apart without a test that sleeps.
"""

import os
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.answers import Answer, Body, Held, Pattern
from tests.misbehaviour import Fault

MANIFEST = "PULP_MANIFEST"
EVERY_FILE = "*"
EPOCH = 1_767_225_600  # 2026-01-01, when the upstream's clock starts


# ---- the server ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One request as it came. `path` is decoded and relative, `target` is raw; headers ignore case."""

    method: str
    path: str
    headers: Message
    target: str


class Exchange(BaseHTTPRequestHandler):
    """One connection. Faults use its verbs: send, send_head, raw_head, send_body, send_part, pause,
    reset."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).removeprefix("/")
        upstream = self.server.upstream
        fault = upstream.meet(Request(self.command, path, self.headers, self.path))
        fault.serve(self, upstream.answer(path, self.headers))

    do_HEAD = do_GET

    def send(self, answer: Answer) -> None:
        self.send_head(answer)
        self.send_body(answer)

    def send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if not answer.bodiless and "Transfer-Encoding" not in answer.headers:
            self.send_header("Content-Length", str(answer.stop - answer.start))
        self.end_headers()

    def raw_head(self, status_line: str, headers: Mapping[str, str]) -> None:
        """A head as it is given, to a body that the end of the connection ends."""
        lines = [status_line, *(f"{name}: {value}" for name, value in headers.items()), "Connection: close"]
        self.wfile.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))
        self.close_connection = True

    def send_body(self, answer: Answer) -> None:
        if self.command == "HEAD" or answer.bodiless:
            return
        for block in answer.body.blocks(answer.start, answer.stop):
            self.wfile.write(block)

    def send_part(self, answer: Answer, size: int) -> None:
        """The head of the whole answer, but only `size` bytes of its body."""
        self.send_head(answer)
        self.send_body(replace(answer, stop=min(answer.start + size, answer.stop)))

    def pause(self, seconds: float | None) -> bool:
        """Wait, without end when None; true (and the connection ends) when the upstream stopped meanwhile."""
        self.close_connection = self.server.stopping.wait(seconds) or self.close_connection
        return self.server.stopping.is_set()

    def reset(self) -> None:
        """End the connection by an RST: close without lingering, past the files that hold the socket."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:
        """The log is upstream.requests; nothing is printed."""


class Server(ThreadingHTTPServer):
    """A thread per connection; knows its connections, so that a stop can end them all at once."""

    request_queue_size = 128

    def __init__(self, upstream: "Upstream", port: int) -> None:
        self.upstream = upstream
        self.stopping = threading.Event()
        self._connections: list[tuple[socket.socket, threading.Thread]] = []
        self._lock = threading.Lock()
        self._paid = 0.0
        super().__init__(("127.0.0.1", port), Exchange)

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, daemon=True)
        self._connections.append((request, thread))
        self.upstream.connections += 1
        self.upstream.at_once = max(self.upstream.at_once, self._open())
        thread.start()

    def _open(self) -> int:
        """How many connections there are that nobody has ended."""
        open_ones = 0
        for connection, _ in self._connections:
            # Its file number is -1 once it is closed. Bytes that wait to be read are a request, none are its end.
            # Of TLS there is no peeking: that is not counted.
            with suppress(OSError, ValueError):
                try:
                    open_ones += connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
                except BlockingIOError:
                    open_ones += 1
        return open_ones

    def due(self, size: int, rate: int) -> float:
        """Seconds until `size` further bytes are paid for, when all connections together have `rate` a second."""
        with self._lock:
            now = time.monotonic()
            self._paid = max(self._paid, now) + size / rate
            return self._paid - now

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here; anything else is a bug of this file and must be seen."""
        with suppress(ConnectionError):
            raise

    def server_close(self) -> None:
        super().server_close()
        for connection, _ in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in self._connections:
            thread.join()


# ---- the upstream ----------------------------------------------------------------------------------------


@dataclass
class Ordered:
    """A fault that a test ordered, with how often each path has met it."""

    fault: Fault
    met: Counter[str] = field(default_factory=Counter)

    def take(self, path: str) -> bool:
        """Count one meeting; false when the fault is used up for this path."""
        if self.fault.times is not None and self.met[path] >= self.fault.times:
            return False
        self.met[path] += 1
        return True


class Gate:
    """Requests for a path wait here until the test lets them go. Leaving its `with` block releases it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def pass_through(self) -> None:
        self.reached.set()
        self._released.wait()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Upstream:
    """The server and the files on it. All methods may be called from any thread, while it serves."""

    def __init__(self) -> None:
        self.validators = True  # False: no ETag, no Last-Modified, never a 304
        self._lock = threading.RLock()
        self._clock = EPOCH
        self._bodies: dict[str, tuple[Body, int]] = {}
        self._manifest: bytes | None = None
        self._requests: list[Request] = []
        self._faults: defaultdict[str, list[Ordered]] = defaultdict(list)
        self._gates: dict[str, Gate] = {}
        self.port = 0
        self.connections = 0  # accepted since the start: tells whether a client keeps them alive
        self.at_once = 0  # the most of them that were open at the same time

    # -- life --

    def start(self) -> None:
        """Listen; after a stop, at the same port again."""
        self._server = Server(self, self.port)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse new connections and end the open ones, whatever they are waiting for."""
        self._server.stopping.set()
        for gate in self._gates.values():
            gate.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> "Upstream":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def manifest_url(self) -> str:
        return self.url + MANIFEST

    # -- files --

    def write(self, path: str, data: bytes) -> None:
        """Add a file, or give it new bytes."""
        self._put(path, Held(data))

    def write_pattern(self, path: str, size: int, seed: int = 0) -> None:
        """Add a file of any size that is made up as it is sent; same size and seed, same bytes."""
        self._put(path, Pattern(size, seed))

    def remove(self, path: str) -> None:
        with self._lock:
            del self._bodies[path]
            self._clock += 1

    @property
    def files(self) -> dict[str, bytes]:
        """The bytes of every file that is held in memory; files of a pattern are in `digests` only."""
        return {path: body.data for path, body in self._listed() if isinstance(body, Held)}

    @property
    def digests(self) -> dict[str, str]:
        """The sha256 of every file, by path in order."""
        return {path: body.sha256 for path, body in self._listed()}

    @property
    def manifest(self) -> bytes:
        """PULP_MANIFEST as it is served: made from the files, unless explicit bytes were set (None: undo)."""
        if self._manifest is not None:
            return self._manifest
        return "".join(f"{path},{body.sha256},{body.size}\n" for path, body in self._listed()).encode()

    @manifest.setter
    def manifest(self, data: bytes | None) -> None:
        with self._lock:
            self._manifest = data
            self._clock += 1

    def _put(self, path: str, body: Body) -> None:
        with self._lock:
            self._clock += 1
            self._bodies[path] = (body, self._clock)

    def _listed(self) -> list[tuple[str, Body]]:
        with self._lock:
            return [(path, body) for path, (body, _) in sorted(self._bodies.items(), key=lambda item: item[0])]

    def _find(self, path: str) -> tuple[Body, int] | None:
        with self._lock:
            return (Held(self.manifest), self._clock) if path == MANIFEST else self._bodies.get(path)

    # -- what the test orders and what it sees --

    def fail(self, path: str, *faults: Fault) -> None:
        """Order faults, met one after the other, for a path or EVERY_FILE (each file counts for itself)."""
        with self._lock:
            self._faults[path].extend(Ordered(fault) for fault in faults)

    def heal(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._faults.clear()

    def hold(self, path: str) -> Gate:
        """Keep requests for a path (or EVERY_FILE) waiting, from now on, until the gate is released."""
        with self._lock:
            gate = self._gates[path] = Gate()
        return gate

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def reset_log(self) -> None:
        with self._lock:
            self._requests.clear()

    # -- answers --

    def meet(self, request: Request) -> Fault:
        """Log the request, wait at its gate, and say what goes wrong with it."""
        keys = [request.path] if request.path == MANIFEST else [request.path, EVERY_FILE]
        with self._lock:
            self._requests.append(request)
            gates = [self._gates[key] for key in keys if key in self._gates]
        for gate in gates:
            gate.pass_through()
        with self._lock:
            ordered = [order for key in keys for order in self._faults[key]]
            return next((order.fault for order in ordered if order.take(request.path)), Fault())

    def answer(self, path: str, asked: Message) -> Answer:
        """The right answer to a request."""
        found = self._find(path)
        if found is None:
            return Answer.whole(404, Held(b"no such file\n"), {"Content-Type": "text/plain"})
        body, written = found
        validators = {"ETag": f'"{body.sha256}"', "Last-Modified": formatdate(written, usegmt=True)}
        headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        headers |= validators if self.validators else {}
        if self.validators and is_known(asked, body.sha256, written):
            return Answer(304, body, headers)
        return part(Answer.whole(200, body, headers), asked)


def is_known(asked: Message, digest: str, written: int) -> bool:
    """Whether the client has this already. If-None-Match rules out If-Modified-Since (RFC 9110, 13.2.2)."""
    if (tags := asked["If-None-Match"]) is not None:
        return tags.strip() == "*" or f'"{digest}"' in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
    since = asked["If-Modified-Since"]
    return since is not None and written <= parsedate_to_datetime(since).timestamp()


def part(answer: Answer, asked: Message) -> Answer:
    """What a single Range asks for, 416 past the end, or the whole (no Range, several, other If-Range)."""
    matched = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.get("Range", ""))
    condition = asked.get("If-Range")
    if not matched or matched[0] == "bytes=-" or condition not in (None, *answer.headers.values()):
        return answer
    size = answer.body.size
    first, last = matched.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size:
        return Answer.whole(416, Held(b""), {"Content-Range": f"bytes */{size}"})
    headers = {**answer.headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return replace(answer, status=206, headers=headers, start=start, stop=stop)
