"""A desk (dashboard/desk.py) in a loop that turns while the test waits: requests in, whole answers out."""

from queue import SimpleQueue
from typing import Any

from waitress import wasyncore

from dashboard.desk import Desk
from tests.running import PATIENCE, until


class AtDesk:
    """Asks one request at a time. `open` is to come first."""

    def __init__(self) -> None:
        self._sockets: dict[int, Any] = {}
        self._calls: SimpleQueue[Any] = SimpleQueue()
        self._told: list[bytes | None] = []
        self.desk = Desk(self._sockets, self._calls.put)

    def open(self, data: bytes) -> None:
        """The first plain request goes the usual way, and has the connection opened."""
        assert not self.desk.ask(data, self)
        self._calls.get(timeout=PATIENCE)()
        assert self._sockets

    def __call__(self, data: bytes) -> bytes | None:
        """The whole answer; None where the request has to go the usual way."""
        if not self.desk.ask(data, self):
            return None
        self._told.clear()
        until(self._turned, "somebody is told")
        return self._told[0]

    def _turned(self) -> bool:
        wasyncore.loop(timeout=0.1, count=1, map=self._sockets, use_poll=True)
        return bool(self._told)

    def told(self, data: bytes, answer: bytes | None) -> None:
        self._told.append(answer)

    def handle_error(self) -> None:
        raise AssertionError("it failed to tell")

    def close(self) -> None:
        self.desk.close()
