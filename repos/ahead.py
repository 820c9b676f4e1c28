"""A connection on which several requests go ahead of their answers (see pipeline.py)."""

import socket
import ssl

from .errand import Errand
from .pipeline import SMALL, Pipeline

# Seconds that files may wait for one of which nothing comes.
STALL = 2.0
# The least speed of one that others wait for, in bytes a second, where there is no other.
_SLOW = 100


class Line:
    """One connection while it is in use."""

    def __init__(self, sock: socket.socket, rest: bytes, now: float) -> None:
        self.sock = sock
        self.pipeline = Pipeline(rest)
        self.answered = 0
        # Whether the upstream has said that it will answer no more, or has said what cannot be understood.
        self.closing = self.strange = False
        self.unsent = b""
        # When the file that is next to come began to be waited for, and when anything last came.
        self.since = self.came = now

    def receive(self) -> bytes | None:
        """What has come; empty at the end, None where nothing has. Raises OSError."""
        try:
            data = self.sock.recv(SMALL)
            while isinstance(self.sock, ssl.SSLSocket) and data and self.sock.pending():
                data += self.sock.recv(SMALL)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return None
        return data

    def send(self, data: bytes) -> None:
        """Sends as much as there is room for now; `unsent` is the rest. Raises OSError."""
        self.unsent += data
        while self.unsent:
            try:
                sent = self.sock.send(self.unsent)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            self.unsent = self.unsent[sent:]

    def is_late(self, now: float, errand: Errand) -> bool:
        """Whether the file that is next, which there has to be, does not come as it should."""
        asked = self.pipeline.asked
        # Where others wait for it, it is fetched by itself, with more patience.
        alone = len(asked) == 1
        patience = errand.read_timeout if alone else min(errand.read_timeout, STALL)
        waited = now - self.since
        if now - self.came > patience or (waited > patience and not self.pipeline.is_in_body):
            return True
        least = errand.least_speed or (0 if alone else _SLOW)
        return bool(least) and waited > patience + asked[0].size / least
