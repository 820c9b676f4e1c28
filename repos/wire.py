"""Answers as they come off the wire, so that nobody can hold us up by sending one in drips.

The time-out of a socket is for each of its reads alone, and http.client makes as many of them as it takes to come to
the end of a line. Here all reads of one step have that time together: those of the whole head of an answer, be it an
upstream's or that of a proxy which is to connect us, and those of each block of its body, with what frames it.
"""

import io
import math
import socket
import ssl
import sys
import threading
from http.client import HTTPResponse, RemoteDisconnected
from time import monotonic
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from . import conf, dial


class Late(TimeoutError):
    """A step that began in time, but did not come to its end."""


class _Patience(threading.local):
    """When there is no more time for what this thread fetches, and for its present step, by the monotonic clock."""

    due = step = math.inf


patience = _Patience()


class _Steps(io.RawIOBase):
    """A socket's own stream, but that all reads since `begin` have the socket's time-out together."""

    def __init__(self, sock: socket.socket, stream: io.RawIOBase) -> None:
        self._sock = sock
        self._stream = stream
        self._seconds = sock.gettimeout()
        self.ended = False
        self.begin()

    def begin(self) -> None:
        assert self._seconds
        patience.step = min(monotonic() + self._seconds, patience.due)
        self._came = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        try:
            self._sock.settimeout(_left())
            size = self._stream.readinto(buffer)
        except TimeoutError as error:
            if self._came:
                raise Late from error
            raise
        self._came, self.ended = True, size == 0
        return size

    def close(self) -> None:
        super().close()
        self._stream.close()


def _left() -> float:
    """The seconds that the step still has."""
    left = patience.step - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class Tunnel(ssl.SSLSocket):
    """TLS to a proxy, and in it that to an upstream: of this one urllib3 makes each read of as many as it takes."""

    def recv(self, *arguments: Any) -> bytes:
        self.settimeout(_left())
        return super().recv(*arguments)


class Response(HTTPResponse):
    """http.client's, read in steps; and one whose head is cut off is none."""

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self._steps = _Steps(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._steps)

    def begin(self) -> None:
        super().begin()
        # http.client takes the end of a connection for that of the head: what had no length yet would be an empty file.
        if self._steps.ended:
            raise RemoteDisconnected("in the middle of the head")

    def read1(self, n: int = -1) -> bytes:
        self._steps.begin()
        return super().read1(n)


class _Http(HTTPConnection):
    response_class = Response

    def _new_conn(self) -> socket.socket:
        """To an address that may be asked. A proxy may be a private one: it was named for that, and by nobody else."""
        private = self.proxy is not None or conf.allow_private()
        assert isinstance(self.timeout, int | float)
        try:
            made = dial.connect(
                self._dns_host, self.port, self.timeout, private=private, options=self.socket_options or ()
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except dial.SlowLookup as error:
            raise NewConnectionError(self, "DNS is slow") from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no answer") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        sys.audit("http.client.connect", self, self.host, self.port)
        return made


class _Https(_Http, HTTPSConnection):
    """TLS is spoken in what was connected, by the name that was asked for."""


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


# As urllib3's managers take them.
POOLS = {"http": _HttpPool, "https": _HttpsPool}
