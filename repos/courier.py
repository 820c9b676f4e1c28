"""A process that fetches small files (see pipelining.py), as the one that started it sees it."""

import pickle
import queue
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path

from . import conf
from .errand import Errand, Handed
from .errors.storage import NotStored
from .pipeline import Wanted
from .route import Route
from .tls import Trust
from .transport import Origin, Transport, origin_of

# Where modules are found: the folder above this package.
_ROOT = Path(__file__).resolve().parent.parent
# An address that needs no quoting: a host, and a path (RFC 3986, 3.3).
_PLAIN = re.compile(r"https?://[][A-Za-z0-9.:_-]+/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Reported:
    """The numbers of files that are in the pool now, and those handed back: to be fetched in the ordinary way.

    `ended`: it takes no more, and brings none of what it still has.
    """

    done: list[int]
    back: list[Handed]
    ended: bool = False


def can_go(transport: Transport, url: str) -> bool:
    """Whether files at `url` can be fetched so: not through proxies, and not where speed or time is limited.

    And not where `url` is not quoted as requests for it have to be, or its host is none of plain ASCII.
    """
    limited = transport.rate_limit or transport.deadline
    return not limited and _PLAIN.fullmatch(url) is not None and transport.proxy(url) is None


class Courier:
    """Goes to the origin of `url`, and brings bytes to the pool by way of `folder`.

    `told` is what it reports: each a Reported, or NotStored. It ends with one that says so.
    """

    def __init__(self, transport: Transport, url: str, folder: Path) -> None:
        self.told: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._pipe, theirs = Pipe()
        command = [sys.executable, "-m", "repos.pipelining", str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        self._orders: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="courier", daemon=True)
        self._speaker = threading.Thread(target=self._speak, name="courier-orders", daemon=True)
        self._listener.start()
        self._speaker.start()
        self._orders.put(_errand(transport, origin_of(url), folder))

    def close(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()
        self._orders.put(None)
        self._speaker.join()
        self._listener.join()
        self._pipe.close()

    def send(self, wanted: list[Wanted]) -> None:
        """Has it fetch these, too. Returns at once, whatever holds it up."""
        self._orders.put(wanted)

    def _speak(self) -> None:
        while order := self._orders.get():
            try:
                self._pipe.send(order)
            except OSError:
                # It has ended, maybe before this was asked. What it had told is to be heard first.
                self._listener.join()
                self.told.put(Reported([], [], ended=True))

    def _listen(self) -> None:
        """Until it ends: by itself, or because it was killed."""
        try:
            while True:
                told = self._pipe.recv()
                self.told.put(NotStored(told) if isinstance(told, str) else Reported(*told))
        except (EOFError, OSError, pickle.UnpicklingError):
            self.told.put(Reported([], [], ended=True))


def _errand(transport: Transport, origin: Origin, folder: Path) -> Errand:
    scheme, host, port = origin
    trust = None
    if scheme == "https":
        trust = Trust(
            transport.tls_verify, transport.ca_certificate, transport.client_certificate, transport.client_key
        )
    return Errand(
        host=host,
        port=port,
        rest=_rest(transport, origin),
        connections=transport.concurrency,
        connect_timeout=transport.connect_timeout,
        read_timeout=transport.read_timeout,
        least_speed=transport.least_speed,
        private=conf.allow_private(),
        pool=str(conf.data().absolute() / "pool"),
        folder=str(folder.absolute()),
        trust=trust,
        trusted=transport.origin == origin,
    )


def _rest(transport: Transport, origin: Origin) -> bytes:
    """What requests to `origin` have behind their first line."""
    scheme, host, port = origin
    name = f"[{host}]" if ":" in host else host.rstrip(".")
    usual = port == (443 if scheme == "https" else 80)
    headers = {"Host": name if usual else f"{name}:{port}"}
    headers |= Route(transport, trusted=transport.origin == origin).headers()
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1") + b"\r\n"
