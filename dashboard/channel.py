"""Waitress as we run it: plain requests for small files are answered at once, and large files sent by the kernel."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask
from waitress.wasyncore import _DISCONNECTED

from .bodies import Parser
from .part import Damaged, Part
from .quick import Answers

if TYPE_CHECKING:
    from .desk import Desk

# In bytes, at a time: so much of a file is sent to one client before another one's turn comes.
MOST = 1 << 20
# In bytes, of a long answer that is made on the way. More than waitress keeps in memory (`outbuf_overflow`) for those
# who take it slowly: what they have not taken is then put on the disk.
KEPT = 2 << 20


class Stretch(NamedTuple):
    """Bytes of a file that are to be sent."""

    file: Part
    start: int
    length: int


class Sender(ReadOnlyFileBasedBuffer):  # type: ignore[misc]
    """A part of a file, which the kernel sends from its own memory: nothing of it comes into ours.

    It stands where waitress has a buffer, and gives stretches where others give bytes.
    """

    file: Part
    remain: int

    def prepare(self, size: int | None = None) -> int:
        self._at = self.file.tell()
        remain: int = super().prepare(size)
        return remain

    def get(self, numbytes: int = -1, skip: bool = False) -> Stretch:
        self.file.refuse_if_taken()
        return Stretch(self.file, self._at, min(self.remain, MOST))

    def skip(self, numbytes: int, allow_prune: int = 0) -> None:
        self._at += numbytes
        self.remain -= numbytes


def wrap(file: Any, block_size: int = 32768) -> ReadOnlyFileBasedBuffer:
    """Our `wsgi.file_wrapper` (PEP 3333)."""
    return Sender(file, block_size) if isinstance(file, Part) else ReadOnlyFileBasedBuffer(file, block_size)


class Task(WSGITask):  # type: ignore[misc]
    """Waitress' own, but that it keeps a connection open after an answer that never has a body (RFC 9112, 6.3)."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["wsgi.file_wrapper"] = wrap
        return environ

    def set_close_on_finish(self) -> None:
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or self.version != "1.1" or asked:
            super().set_close_on_finish()


class Channel(HTTPChannel):  # type: ignore[misc]
    """One client's connection."""

    parser_class = Parser
    task_class = Task
    current_outbuf_count: int
    # For the answer of the desk. Until then nothing more is read.
    waits = False

    def readable(self) -> bool:
        return not self.waits and bool(super().readable())

    def received(self, data: bytes) -> bool:
        """Takes what the client sent: at once if it is the whole of a plain request and nothing else is under way."""
        if self.request is None and not self.requests and not self.total_outbufs_len and self._answered(data):
            return True
        taken: bool = super().received(data)
        return taken

    def _answered(self, data: bytes) -> bool:
        """Whether the request `data` is answered by this thread, now or soon."""
        if self.server.desk:
            self.waits = self.server.desk.ask(data, self)
            return self.waits
        answer = self.server.quick(data)
        if answer is not None:
            self._send_now(answer)
        return answer is not None

    def told(self, data: bytes, answer: bytes | None) -> None:
        """Takes what the desk answers to the request `data`: nothing where that has to go the usual way."""
        self.waits = False
        if answer is None:
            super().received(data)
        elif self.connected:
            self._send_now(answer)

    def _send_now(self, answer: bytes) -> None:
        with self.requests_lock:
            if self.will_close or self.close_when_flushed:
                return
        sent = self.send(answer)
        if sent < len(answer) and self.connected:
            self.write_soon(answer[sent:])

    def write_soon(self, data: Any) -> int:
        """Has `data` sent. What a buffer has sent it keeps until another takes its place: so that is done in time."""
        if self.current_outbuf_count >= KEPT:
            self.current_outbuf_count = self.adj.outbuf_high_watermark
        taken: int = super().write_soon(data)
        return taken

    def send(self, data: bytes | Stretch, do_close: bool = True) -> int:
        """Sends as much as the socket takes now; returns how many bytes that were."""
        if not isinstance(data, Stretch):
            taken: int = super().send(data, do_close)
            return taken
        try:
            sent = os.sendfile(self.socket.fileno(), data.file.fileno(), data.start, data.length)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in _DISCONNECTED:
                raise
            if do_close:
                self.handle_close()
            return 0
        if not sent:
            raise Damaged(f"{data.file.name} ended while it was sent")
        return sent


def prepare(server: Any) -> None:
    """Has `server`, as waitress makes it, use these channels."""
    quick, listening = Answers(), list(_listening(server))
    desk = _desk(listening[0]) if connection.vendor == "postgresql" else None
    for one in listening:
        one.channel_class = Channel
        one.quick, one.desk = quick, desk
        one.handle_accept = partial(_accept_all, one, one.handle_accept)


def _desk(server: Any) -> "Desk":
    # Late: who has no PostgreSQL need not pay for its client.
    from .desk import Desk

    return Desk(server._map, server.trigger.pull_trigger)


def _accept_all(server: Any, accept: Callable[[], None]) -> None:
    """Takes all who wait to be let in: one at a time, each would wait until all who are in already had a turn."""
    count = -1
    while count < len(server.active_channels) and len(server._map) < server.adj.connection_limit:
        count = len(server.active_channels)
        accept()


def _listening(server: Any) -> Iterator[Any]:
    """Its sockets: of a name such as `localhost` there are several."""
    sockets = server._map if isinstance(server, BaseWSGIServer) else server.map
    return (one for one in sockets.values() if isinstance(one, BaseWSGIServer))
