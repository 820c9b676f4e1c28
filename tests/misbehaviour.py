"""What goes wrong with an upstream's answers, to order: see tests/upstream.py. Each is tested in test_upstream.py."""

import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from tests.answers import Answer, Held, Resized, Spoiled

if TYPE_CHECKING:
    from tests.upstream import Exchange


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer: the first `times` times for a path, or always. This one: nothing."""

    times: int | None = field(default=None, kw_only=True)

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(answer)


@dataclass(frozen=True)
class Status(Fault):
    """Another status: Status(500, times=1), Status(401), Status(429, {"Retry-After": "1"})."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(Answer.whole(self.code, Held(self.body), self.headers))


@dataclass(frozen=True)
class Busy(Fault):
    """429 (or 503) with Retry-After in seconds, or, `dated`, as the HTTP date that is so far away."""

    seconds: int
    code: int = 429
    dated: bool = False

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        after = formatdate(time.time() + self.seconds, usegmt=True) if self.dated else str(self.seconds)
        exchange.send(Answer.whole(self.code, Held(b"busy\n"), {"Retry-After": after}))


@dataclass(frozen=True)
class Redirect(Fault):
    """Location is sent as it is given: absolute or relative, quoted by the caller."""

    location: str
    code: int = 302

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(Answer.whole(self.code, Held(b""), {"Location": self.location}))


@dataclass(frozen=True)
class NotModified(Fault):
    """304, asked for or not."""

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(Answer.whole(304, Held(b""), answer.headers))


@dataclass(frozen=True)
class Reset(Fault):
    """Promises the whole body, sends `after` bytes of it, then resets the connection (RST)."""

    after: int = 0

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send_part(answer, self.after)
        exchange.reset()


@dataclass(frozen=True)
class Short(Fault):
    """Promises the whole body, sends `after` bytes of it, then closes the connection in good order."""

    after: int = 0

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send_part(answer, self.after)
        exchange.close_connection = True


@dataclass(frozen=True)
class Corrupt(Fault):
    """The right length with the byte `at` (of the whole file) wrong."""

    at: int = 0

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(replace(answer, body=Spoiled(answer.body, self.at)))


@dataclass(frozen=True)
class Longer(Fault):
    """The whole body and `by` zero bytes more, all in a Content-Length that agrees."""

    by: int = 1

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(Answer.whole(200, Resized(answer.body, answer.body.size + self.by), answer.headers))


@dataclass(frozen=True)
class Shorter(Fault):
    """The body without its last `by` bytes, with a Content-Length that agrees."""

    by: int = 1

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send(Answer.whole(200, Resized(answer.body, answer.body.size - self.by), answer.headers))


@dataclass(frozen=True)
class Stall(Fault):
    """Sends the headers and `after` bytes, then nothing until the upstream stops."""

    after: int = 0

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send_part(answer, self.after)
        exchange.pause(None)


@dataclass(frozen=True)
class StallHeaders(Fault):
    """Takes the request and answers nothing until the upstream stops."""

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.pause(None)


@dataclass(frozen=True)
class DripHeaders(Fault):
    """Sends the headers one byte every `interval` seconds, and never comes to their end."""

    interval: float = 0.05

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not exchange.pause(self.interval):
            exchange.wfile.write(b"x")


@dataclass(frozen=True)
class DripFrame(Fault):
    """Sends what frames a chunk one byte every `interval` seconds, and never comes to the chunk."""

    interval: float = 0.05

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.raw_head("HTTP/1.1 200 OK", {"Transfer-Encoding": "chunked"})
        exchange.wfile.write(b"1;x=")
        while not exchange.pause(self.interval):
            exchange.wfile.write(b"x")


@dataclass(frozen=True)
class CutHeaders(Fault):
    """Ends the connection in good order within the headers."""

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nServer: none\r\n")
        exchange.close_connection = True


@dataclass(frozen=True)
class Drip(Fault):
    """Sends `amount` bytes every `interval` seconds: no single read is ever late."""

    amount: int = 1
    interval: float = 0.05

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send_head(answer)
        for at in range(answer.start, answer.stop, self.amount):
            exchange.send_body(replace(answer, start=at, stop=min(at + self.amount, answer.stop)))
            if exchange.pause(self.interval):
                return


@dataclass(frozen=True)
class Gzip(Fault):
    """Content-Encoding: gzip, whatever the client accepts."""

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        exchange.send(Answer.whole(200, Held(gzip.compress(answer.body.read())), headers))


@dataclass(frozen=True)
class Chunked(Fault):
    """Transfer-Encoding: chunked, so no length is promised. Not wrong, only unexpected; so are `trailers`.

    With `after` it is wrong: it ends in good order after so many bytes, without the last chunk.
    """

    trailers: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.send_head(replace(answer, headers={**answer.headers, "Transfer-Encoding": "chunked"}))
        if exchange.command == "HEAD" or answer.bodiless:
            return
        stop = answer.stop if self.after is None else min(answer.start + self.after, answer.stop)
        for block in answer.body.blocks(answer.start, stop):
            exchange.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        if self.after is None:
            trailers = "".join(f"{name}: {value}\r\n" for name, value in self.trailers.items())
            exchange.wfile.write(f"0\r\n{trailers}\r\n".encode())
        exchange.close_connection = exchange.close_connection or self.after is not None


@dataclass(frozen=True)
class Unframed(Fault):
    """As HTTP/1.0 does: no length, the end of the connection is the end of the body; maybe too early, after `after`."""

    after: int | None = None

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        stop = answer.stop if self.after is None else min(answer.start + self.after, answer.stop)
        exchange.raw_head(f"HTTP/1.0 {answer.status} OK", answer.headers)
        exchange.send_body(replace(answer, stop=stop))


@dataclass(frozen=True)
class Overrun(Fault):
    """Promises `by` bytes fewer than it sends."""

    by: int = 1

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        length = {"Content-Length": str(answer.stop - answer.start - self.by)}
        exchange.raw_head(f"HTTP/1.1 {answer.status} OK", {**answer.headers, **length})
        exchange.send_body(answer)


@dataclass(frozen=True)
class Endless(Fault):
    """Sends `block` over and over, without a length, until the client goes away or the upstream stops."""

    block: bytes

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.raw_head("HTTP/1.1 200 OK", {})
        while not exchange.pause(0):
            exchange.wfile.write(self.block)


@dataclass(frozen=True)
class Partial(Fault):
    """206 with the first `size` bytes only, asked for or not."""

    size: int = 1

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        span = {"Content-Range": f"bytes 0-{self.size - 1}/{answer.body.size}"}
        exchange.send(Answer(206, answer.body, {**answer.headers, **span}, 0, self.size))


@dataclass(frozen=True)
class Garbage(Fault):
    """Bytes that are no answer of HTTP at all, and the end."""

    data: bytes = b"220 ftp.example ready\r\n"

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        exchange.close_connection = True
        exchange.wfile.write(self.data)


@dataclass(frozen=True)
class Delay(Fault):
    """Waits before the answer, or before another fault: Delay(0.2, Status(503))."""

    seconds: float
    then: Fault = field(default_factory=Fault)

    def serve(self, exchange: "Exchange", answer: Answer) -> None:
        if not exchange.pause(self.seconds):
            self.then.serve(exchange, answer)
