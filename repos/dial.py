"""Connecting to a host: looked up once, in bounded time, and connected to at an address that may be asked.

Between the look at an address and the connection to it nothing is looked up again: a name server that answers otherwise
the second time gains nothing.
"""

import socket
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from time import monotonic
from typing import Any

from . import addresses
from .addresses import Refusal

# As socket.getaddrinfo gives them.
Found = tuple[Any, ...]
Options = Iterable[tuple[int, int, int | bytes]]

# Look-ups cannot be broken off: those that nobody waits for any more end by themselves, and can only be so many.
MOST = 64
_slots = threading.BoundedSemaphore(MOST)


class NotAsked(OSError):
    """A host that leads to no address that may be asked, and why not."""

    def __init__(self, host: str, refusal: Refusal) -> None:
        super().__init__(f"{host} is {refusal.why}")
        self.refusal = refusal


class SlowLookup(TimeoutError):
    """DNS did not answer in time."""


def connect(host: str, port: int, seconds: float, *, private: bool, options: Options = ()) -> socket.socket:
    """A connection to the first address of `host` that may be asked and answers; each has `seconds`, as DNS has.

    `private`: whether private ones may be asked. Those that may not are passed over, for a name may lead to several
    (that of a machine nearby to a link-local one besides). Raises NotAsked, SlowLookup, and what socket raises.
    """
    failed: OSError | None = None
    for family, kind, protocol, _, where in _allowed(host, port, seconds, private=private):
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(seconds)
            sock.connect(where)
        except OSError as error:
            failed = error
            if sock is not None:
                sock.close()
        else:
            return sock
    raise failed or OSError("there is no address to connect to")


def check(host: str, seconds: float, *, private: bool) -> None:
    """Raises NotAsked if one of the addresses of `host` may not be asked. If none is found here, nothing can be said.

    This is for what a proxy is to be told: it looks the name up itself, and takes whichever address it likes.
    """
    try:
        found = _look_up(host, 0, seconds)
    except (OSError, ValueError):
        return
    for one in found:
        if why := addresses.refusal(str(one[4][0]), private=private):
            raise NotAsked(host, why)


def _allowed(host: str, port: int, seconds: float, *, private: bool) -> list[Found]:
    """The addresses of `host` that may be asked: one at least, if there are any."""
    found = _look_up(host, port, seconds)
    judged = [(one, addresses.refusal(str(one[4][0]), private=private)) for one in found]
    allowed = [one for one, why in judged if why is None]
    if judged and not allowed:
        raise NotAsked(host, judged[0][1] or addresses.NEVER)
    return allowed


def _look_up(host: str, port: int, seconds: float) -> list[Found]:
    host = host.strip("[]")
    try:
        host.encode("idna")
    except UnicodeError:
        from urllib3.exceptions import LocationParseError

        raise LocationParseError(f"'{host}', label empty or too long") from None
    if address := addresses.literal(host):
        return _ask(address, port, socket.AF_INET6 if ":" in address else socket.AF_INET)
    return _in_time(host, port, seconds)


def _ask(host: str, port: int, family: socket.AddressFamily) -> list[Found]:
    return list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))


def _family() -> socket.AddressFamily:
    """Which addresses this machine can have connections to."""
    # Here, since it takes long to import, and most who import this module do not come here.
    from urllib3.util.connection import allowed_gai_family

    return allowed_gai_family()


def _in_time(host: str, port: int, seconds: float) -> list[Found]:
    """Asks in a thread of its own: the system's look-up knows no time-out of ours."""
    due, slots = monotonic() + seconds, _slots
    if not slots.acquire(timeout=seconds):
        raise SlowLookup(host)
    answer: Future[list[Found]] = Future()

    def ask() -> None:
        try:
            answer.set_result(_ask(host, port, _family()))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        finally:
            slots.release()

    try:
        threading.Thread(target=ask, name="look-up", daemon=True).start()
    except RuntimeError:
        slots.release()
        raise
    try:
        return answer.result(max(due - monotonic(), 0))
    except TimeoutError:
        raise SlowLookup(host) from None
