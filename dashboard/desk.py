"""Where plain requests wait for what PostgreSQL says of their files (see repos/inquiry.py), in the server's loop."""

import logging
from collections.abc import Callable
from typing import Protocol

from repos.glance import Found
from repos.inquiry import Inquiries

from . import quick

logger = logging.getLogger(__name__)


class Asking(Protocol):
    """Whoever brings a request, and takes the answer: None where the request has to go the usual way."""

    def told(self, data: bytes, answer: bytes | None) -> None: ...

    def handle_error(self) -> None: ...


class Desk:
    """It stands among the sockets of the loop, as waitress has them there, for as long as it has a connection.

    `call` has the loop call something.
    """

    accepting = False

    def __init__(self, sockets: dict[int, object], call: Callable[[Callable[[], None]], object]) -> None:
        self._sockets = sockets
        self._place: int | None = None
        self._inquiries = Inquiries(call, self._move)

    def ask(self, data: bytes, asking: Asking) -> bool:
        """Whether `asking` will be told the answer to the request `data`."""
        request = quick.parse(data)
        if request is None:
            return False
        return self._inquiries.ask(request.file, request.secret, lambda found: _tell(asking, data, request, found))

    def close(self) -> None:
        self._inquiries.close()

    def _move(self) -> None:
        if self._place is not None:
            del self._sockets[self._place]
        self._place = self._inquiries.socket
        if self._place is not None:
            self._sockets[self._place] = self

    # ---- what the loop calls -----------------------------------------------------------------------------------

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        """Asked each time before the loop looks at its sockets: by then all have come who came together."""
        return self._inquiries.go_on()

    def handle_read_event(self) -> None:
        self._inquiries.take()

    def handle_write_event(self) -> None:
        """It was written before the loop looked."""

    def handle_expt_event(self) -> None:
        """There are no urgent bytes."""

    def handle_close(self) -> None:
        """Reading tells why, and lets go."""
        self._inquiries.take()

    def handle_error(self) -> None:
        logger.exception("What was found could not be told")


def _tell(asking: Asking, data: bytes, request: quick.Request, found: Found | None) -> None:
    """As the loop has it: what goes wrong for one client ends that one's connection, and nobody else's."""
    try:
        asking.told(data, quick.answer(request, found))
    except Exception:  # noqa: BLE001 - whatever it is, the client's channel logs it and hangs up
        asking.handle_error()
