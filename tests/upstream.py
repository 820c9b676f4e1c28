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

import gzip
import hashlib
import os
import random
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

MANIFEST = "PULP_MANIFEST"
EVERY_FILE = "*"
BLOCK = 65536
EPOCH = 1_767_225_600  # 2026-01-01, when the upstream's clock starts


# ---- what can be sent ------------------------------------------------------------------------------------


class Body:
    """Bytes of a known size that can be read from anywhere, block by block."""

    def __init__(self, size: int) -> None:
        self.size = size

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        raise NotImplementedError

    def read(self) -> bytes:
        return b"".join(self.blocks(0, self.size))

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks(0, self.size):
            digest.update(block)
        return digest.hexdigest()


class Held(Body):
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(len(data))
        self.data = data

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, BLOCK):
            yield self.data[at : min(at + BLOCK, stop)]


class Pattern(Body):
    """Bytes made up from a seed as they are sent: any size, no memory. Each block carries its number."""

    def __init__(self, size: int, seed: int) -> None:
        super().__init__(size)
        self._tail = random.Random(seed).randbytes(BLOCK - 8)

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        while start < stop:
            number, offset = divmod(start, BLOCK)
            block = (number.to_bytes(8, "big") + self._tail)[offset : offset + stop - start]
            yield block
            start += len(block)


class Spoiled(Body):
    """Another body with the byte at one place inverted."""

    def __init__(self, body: Body, at: int) -> None:
        super().__init__(body.size)
        self._body, self._at = body, at

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        for block in self._body.blocks(start, stop):
            if start <= self._at < start + len(block):
                here = self._at - start
                block = block[:here] + bytes([block[here] ^ 0xFF]) + block[here + 1 :]
            yield block
            start += len(block)


class Resized(Body):
    """Another body cut off, or filled up with zeros, at a size."""

    def __init__(self, body: Body, size: int) -> None:
        super().__init__(max(size, 0))
        self._body = body

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        edge = min(stop, self._body.size)
        yield from self._body.blocks(start, edge)
        for at in range(max(start, edge), stop, BLOCK):
            yield bytes(min(BLOCK, stop - at))


@dataclass(frozen=True)
class Answer:
    """A status line, headers and the bytes `start` to `stop` of a body."""

    status: int
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)
    start: int = 0
    stop: int = 0

    @classmethod
    def whole(cls, status: int, body: Body, headers: Mapping[str, str]) -> "Answer":
        return cls(status, body, headers, 0, body.size)

    @property
    def bodiless(self) -> bool:
        return self.status in (204, 304)


# ---- the server ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One request as it came. `path` is decoded and relative, `target` is raw; headers ignore case."""

    method: str
    path: str
    headers: Message
    target: str


class Exchange(BaseHTTPRequestHandler):
    """One connection. Faults use its verbs: send, send_head, send_body, send_part, pause, reset."""

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
        super().__init__(("127.0.0.1", port), Exchange)

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, daemon=True)
        self._connections.append((request, thread))
        self.upstream.connections += 1
        thread.start()

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


# ---- faults ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer: the first `times` times for a path, or always. This one: nothing."""

    times: int | None = field(default=None, kw_only=True)

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(answer)


@dataclass(frozen=True)
class Status(Fault):
    """Another status: Status(500, times=1), Status(401), Status(429, {"Retry-After": "1"})."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(Answer.whole(self.code, Held(self.body), self.headers))


@dataclass(frozen=True)
class Busy(Fault):
    """429 (or 503) with Retry-After in seconds, or, `dated`, as the HTTP date that is so far away."""

    seconds: int
    code: int = 429
    dated: bool = False

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        after = formatdate(time.time() + self.seconds, usegmt=True) if self.dated else str(self.seconds)
        exchange.send(Answer.whole(self.code, Held(b"busy\n"), {"Retry-After": after}))


@dataclass(frozen=True)
class Redirect(Fault):
    """Location is sent as it is given: absolute or relative, quoted by the caller."""

    location: str
    code: int = 302

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(Answer.whole(self.code, Held(b""), {"Location": self.location}))


@dataclass(frozen=True)
class NotModified(Fault):
    """304, asked for or not."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(Answer.whole(304, Held(b""), answer.headers))


@dataclass(frozen=True)
class Reset(Fault):
    """Promises the whole body, sends `after` bytes of it, then resets the connection (RST)."""

    after: int = 0

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_part(answer, self.after)
        exchange.reset()


@dataclass(frozen=True)
class Short(Fault):
    """Promises the whole body, sends `after` bytes of it, then closes the connection in good order."""

    after: int = 0

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_part(answer, self.after)
        exchange.close_connection = True


@dataclass(frozen=True)
class Corrupt(Fault):
    """The right length with the byte `at` (of the whole file) wrong."""

    at: int = 0

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(replace(answer, body=Spoiled(answer.body, self.at)))


@dataclass(frozen=True)
class Longer(Fault):
    """The whole body and `by` zero bytes more, all in a Content-Length that agrees."""

    by: int = 1

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(Answer.whole(200, Resized(answer.body, answer.body.size + self.by), answer.headers))


@dataclass(frozen=True)
class Shorter(Fault):
    """The body without its last `by` bytes, with a Content-Length that agrees."""

    by: int = 1

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send(Answer.whole(200, Resized(answer.body, answer.body.size - self.by), answer.headers))


@dataclass(frozen=True)
class Stall(Fault):
    """Sends the headers and `after` bytes, then nothing until the upstream stops."""

    after: int = 0

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_part(answer, self.after)
        exchange.pause(None)


@dataclass(frozen=True)
class StallHeaders(Fault):
    """Takes the request and answers nothing until the upstream stops."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.pause(None)


@dataclass(frozen=True)
class Drip(Fault):
    """Sends `amount` bytes every `interval` seconds: no single read is ever late."""

    amount: int = 1
    interval: float = 0.05

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_head(answer)
        for at in range(answer.start, answer.stop, self.amount):
            exchange.send_body(replace(answer, start=at, stop=min(at + self.amount, answer.stop)))
            if exchange.pause(self.interval):
                return


@dataclass(frozen=True)
class Gzip(Fault):
    """Content-Encoding: gzip, whatever the client accepts."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        exchange.send(Answer.whole(200, Held(gzip.compress(answer.body.read())), headers))


@dataclass(frozen=True)
class Chunked(Fault):
    """Transfer-Encoding: chunked, so no length is promised. Not wrong, only unexpected."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        exchange.send_head(replace(answer, headers={**answer.headers, "Transfer-Encoding": "chunked"}))
        if exchange.command != "HEAD" and not answer.bodiless:
            for block in answer.body.blocks(answer.start, answer.stop):
                exchange.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            exchange.wfile.write(b"0\r\n\r\n")


@dataclass(frozen=True)
class Delay(Fault):
    """Waits before the answer, or before another fault: Delay(0.2, Status(503))."""

    seconds: float
    then: Fault = field(default_factory=Fault)

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        if not exchange.pause(self.seconds):
            self.then.serve(exchange, answer)


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


# ---- the upstream ----------------------------------------------------------------------------------------


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
