"""A process that fetches many small files from one upstream into the pool: `python -m repos.pipelining FD`.

It is one loop over a few connections, each with several requests ahead (see pipeline.py): far less work for each file
than a thread has that sends one request and waits. It takes on only what is plain. Whatever is not, be it a redirect,
an error, an answer without a length or bytes that are wrong, it hands back, to be fetched in the ordinary way
(fetch.py), which tries again and knows what to say. A process of its own, so that rows are written meanwhile.

It imports nothing of Django, and ends with the process that started it. Orders and reports are tuples, pickled, on one
connection of multiprocessing (see courier.py).
"""

import contextlib
import hashlib
import os
import queue
import selectors
import signal
import socket
import ssl
import sys
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import monotonic

from . import dial
from .ahead import Line
from .errand import Errand, Handed
from .pipeline import Answer, Wanted
from .window import Window

# Seconds between two looks at which connections are late.
LOOK = 0.25
# How often a file may be asked for on a connection that then breaks, before it is handed back.
CHANCES = 2
# So many connections in a row that brought at most one answer each: this upstream keeps none alive.
_USELESS = 8
# So many files in a row that were not what they should be: answers may come in another order than requests went.
_WRONG = 16
# The statuses with which an upstream asks for less.
_ENOUGH = (429, 503)

# Requests leave when they are written.
_AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class Fetching:
    """The loop. `orders` brings lists of Wanted, and takes what is reported."""

    def __init__(self, errand: Errand, orders: Connection) -> None:
        self._errand = errand
        self._orders = orders
        self._todo: deque[Wanted] = deque()
        self._chances: dict[int, int] = {}
        self._done: list[int] = []
        self._back: list[Handed] = []
        self._lines: dict[int, Line] = {}
        self._window = Window(errand.connections, monotonic())
        self._connecting = 0
        self._connected: queue.SimpleQueue[socket.socket | None] = queue.SimpleQueue()
        self._useless = self._wrong = 0
        self._enough = False
        self._looked = monotonic()
        self._selector = selectors.DefaultSelector()
        self._selector.register(orders, selectors.EVENT_READ, self._take_orders)
        self._bell, bell = socket.socketpair()
        self._ring = bell
        self._selector.register(self._bell, selectors.EVENT_READ, self._take_connections)
        self._context = _context(errand)

    def run(self) -> None:
        """Until the orders end (EOFError, or OSError), or nothing can be done with this upstream."""
        while self._useless < _USELESS and self._wrong < _WRONG:
            for key, events in self._selector.select(LOOK):
                key.data(events)
            self._look()
            if self._enough:
                self._let_go()
            self._set_going()
            self._report()
        self._let_go()
        self._report()

    def _let_go(self) -> None:
        """Hands all back. What an upstream that asks for less was asked for already, it need not answer any more."""
        for line in list(self._lines.values()):
            line.closing = True
            self._lose(line)
        self._back.extend((one.number, None) for one in self._todo)
        self._todo.clear()
        self._enough = False

    def _take_orders(self, _events: int) -> None:
        self._todo.extend(self._orders.recv())

    # ---- connections ----

    def _set_going(self) -> None:
        """Gives every connection that may be in use its requests; opens what is missing."""
        most = self._window.connections
        # What is left is shared out: the last files do not wait behind each other.
        depth = min(self._window.depth, -(-len(self._todo) // most))
        for line in list(self._lines.values())[:most]:
            asked = len(line.pipeline.asked)
            # Several at once, and not one with each answer.
            if self._todo and asked <= depth // 2:
                self._ask(line, [self._todo.popleft() for _ in range(min(depth - asked, len(self._todo)))])
        missing = min(most, len(self._todo)) - len(self._lines) - self._connecting
        for _ in range(missing):
            self._connecting += 1
            threading.Thread(target=self._connect, daemon=True).start()

    def _ask(self, line: Line, wanted: list[Wanted]) -> None:
        if not line.pipeline.asked:
            line.since = line.came = monotonic()
        requests = line.pipeline.ask(wanted)
        try:
            line.send(requests)
        except OSError:
            self._lose(line)
        else:
            self._listen(line)

    def _listen(self, line: Line) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.unsent else 0)
        if self._selector.get_key(line.sock).events != events:
            self._selector.modify(line.sock, events, self._selector.get_key(line.sock).data)

    def _connect(self) -> None:
        """In a thread of its own: neither DNS nor a handshake may hold the others up."""
        errand, made = self._errand, None
        with contextlib.suppress(OSError, ValueError):
            sock = dial.connect(
                errand.host, errand.port, errand.connect_timeout, private=errand.private, options=_AT_ONCE
            )
            if self._context:
                sock = self._context.wrap_socket(sock, server_hostname=errand.host.rstrip("."))
            sock.setblocking(False)
            made = sock
        self._connected.put(made)
        self._ring.send(b"!")

    def _take_connections(self, _events: int) -> None:
        for _ in self._bell.recv(1024):
            made = self._connected.get()
            self._connecting -= 1
            if made is None:
                # Why, and whether to try again, is for others to say: here it only counts.
                self._useless = self._useless + 1 if self._lines else _USELESS
                self._window.trouble(monotonic())
                continue
            line = Line(made, self._errand.rest, monotonic())
            self._lines[made.fileno()] = line
            self._selector.register(made, selectors.EVENT_READ, self._serve_with(line))

    def _serve_with(self, line: Line) -> Callable[[int], None]:
        return lambda events: self._serve(line, events)

    def _serve(self, line: Line, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                line.send(b"")
                self._listen(line)
            data = line.receive() if events & selectors.EVENT_READ else None
        except OSError:
            data = b""
        if data:
            self._take(line, data)
        elif data is not None:
            self._lose(line)

    def _take(self, line: Line, data: bytes) -> None:
        answers = line.pipeline.read(data)
        line.came = monotonic()
        for answer in answers:
            self._judge(answer)
        if answers:
            line.since = line.came
            line.answered += len(answers)
            if line.answered > 1:
                self._useless = 0
            line.closing = answers[-1].last
            self._window.came(len(answers), line.came)
        if line.pipeline.ended:
            line.strange = not line.closing
            self._lose(line)

    def _lose(self, line: Line) -> None:
        """Closes a connection. What it still owes is asked for on others; its next file only so often."""
        self._selector.unregister(line.sock)
        del self._lines[line.sock.fileno()]
        line.sock.close()
        owed = list(line.pipeline.asked)
        if line.answered == 1 or (owed and not line.answered):
            self._useless += 1
        # Some upstreams end a connection after so many answers, and do not say so: then it is for no file's sake.
        ended = line.closing or (line.answered > 1 and line.pipeline.between_answers and not line.strange)
        if owed and not ended:
            self._blame(line, owed)
        self._todo.extendleft(reversed(owed))

    def _blame(self, line: Line, owed: list[Wanted]) -> None:
        """It broke, maybe because of the file that was next: that one has only so many chances here."""
        self._window.trouble(monotonic())
        first = owed[0]
        self._chances[first.number] = self._chances.get(first.number, 0) + 1
        if line.strange or self._chances[first.number] >= CHANCES:
            self._hand_back(owed.pop(0))

    def _look(self) -> None:
        """Lets go of connections that do not bring what they should in time."""
        now = monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        for line in list(self._lines.values()):
            if line.pipeline.asked and line.is_late(now, self._errand):
                line.strange = True
                self._lose(line)

    # ---- files ----

    def _judge(self, answer: Answer) -> None:
        wanted = answer.wanted
        self._chances.pop(wanted.number, None)
        if answer.status != 200:
            if answer.status in _ENOUGH:
                self._window.trouble(monotonic())
                self._enough = True
            self._hand_back(wanted, (answer.status, answer.reason, answer.headers))
        elif len(answer.body) != wanted.size or hashlib.sha256(answer.body).hexdigest() != wanted.sha256:
            self._wrong += 1
            self._hand_back(wanted)
        else:
            self._wrong = 0
            self._store(answer.body, wanted.sha256)
            self._done.append(wanted.number)

    def _hand_back(self, wanted: Wanted, answer: tuple[int, str, dict[str, str]] | None = None) -> None:
        self._chances.pop(wanted.number, None)
        self._back.append((wanted.number, answer))

    def _store(self, body: bytes, sha256: str) -> None:
        """Written beside, renamed into place, as all of the pool is. Raises NotStored."""
        beside, folder = f"{self._errand.folder}/arriving", f"{self._errand.pool}/{sha256[:2]}"
        try:
            _write(beside, body)
            try:
                os.rename(beside, f"{folder}/{sha256}")  # noqa: PTH104 - a path object for each file is not for here
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
                os.rename(beside, f"{folder}/{sha256}")  # noqa: PTH104
        except OSError as error:
            raise NotStored(error.strerror or "the disk failed") from error

    def _report(self) -> None:
        if self._done or self._back:
            self._orders.send((self._done, self._back))
            self._done, self._back = [], []


class NotStored(Exception):
    """Our own disk did not take a file."""


def _write(path: str, body: bytes) -> None:
    handle = os.open(path, _FRESH, 0o666)
    try:
        left = memoryview(body)
        while left:
            left = left[os.write(handle, left) :]
    finally:
        os.close(handle)


def _context(errand: Errand) -> ssl.SSLContext | None:
    if errand.trust is None:
        return None
    from . import tls

    return tls.context(errand.trust, client=errand.trusted)


def main() -> None:
    # What a terminal interrupts is the process that started this one: that one says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders = Connection(int(sys.argv[1]))
    # The other end of it is closed when the process that started this one ends, however it ends.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            Fetching(orders.recv(), orders).run()
        except NotStored as error:
            orders.send(str(error))


if __name__ == "__main__":
    main()
