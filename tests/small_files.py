"""Many small files on an upstream of the tests, and what becomes of them (see repos/courier.py)."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from repos.downloads import Downloads, Outcome
from repos.fetch import Fetcher
from repos.manifest import Entry
from repos.transport import Transport
from tests.upstream import Upstream


def quietly() -> None:
    """The tick of a job that goes on."""


def write_small(upstream: Upstream, number: int) -> list[Entry]:
    """Files of a few bytes, no two alike."""
    for index in range(number):
        upstream.write(f"{index:04}", f"file {index}\n".encode() * (1 + index % 20))
    return entries_of(upstream)


def entries_of(upstream: Upstream) -> list[Entry]:
    return [(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in upstream.files.items()]


def url_of(upstream: Upstream) -> Callable[[str], str]:
    return lambda path: upstream.url + path


@dataclass
class Delivered:
    """What became of files: the causes and sentences of those that failed, with how often they were tried."""

    failed: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    came: list[str] = field(default_factory=list)
    # The files that threads fetched or tried to.
    by_threads: list[str] = field(default_factory=list)

    @property
    def causes(self) -> dict[str, str]:
        return {path: cause for path, (cause, _, _) in self.failed.items()}


class Watched(Fetcher):
    """Notes what threads are asked for."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.asked: list[str] = []

    def fetch(self, url, into, **options):  # type: ignore[no-untyped-def]
        self.asked.append(url.rpartition("/")[2])
        return super().fetch(url, into, **options)


@contextmanager
def delivering(
    transport: Transport, folder: Path, tick: Callable[[], None] = quietly, threads: int = 0
) -> Iterator[Downloads]:
    with (
        Watched(transport) as fetcher,
        Downloads(fetcher, folder, threads or transport.concurrency, tick) as downloads,
    ):
        yield downloads


def delivered(
    upstream: Upstream, wanted: Iterable[Entry], folder: Path, transport: Transport | None = None
) -> Delivered:
    """Has these fetched, and looks what became of each."""
    found = Delivered()
    fetcher = Watched(transport or Transport.for_url(upstream.url))
    with fetcher:
        with Downloads(fetcher, folder, fetcher.transport.concurrency, quietly) as downloads:
            for outcome in downloads.into_pool(wanted, url_of(upstream)):
                note(found, outcome)
        found.by_threads = fetcher.asked
    return found


def note(found: Delivered, outcome: Outcome) -> None:
    path = outcome.entry[0]
    assert path not in found.failed, "told twice"
    if outcome.error:
        found.failed[path] = (outcome.error.cause, outcome.error.why, outcome.error.tries)
    else:
        found.came.append(path)


def pooled(data: Path) -> dict[str, bytes]:
    """All files of the pool by their names."""
    return {file.name: file.read_bytes() for file in (data / "pool").glob("*/*")}


def by_digest(upstream: Upstream) -> dict[str, bytes]:
    """What the pool has to have of an upstream: its files, by their names there."""
    return {hashlib.sha256(content).hexdigest(): content for content in upstream.files.values()}


def children() -> list[int]:
    """The processes that fetch small files for this one."""
    return [pid for pid in _pids() if _parent(pid) == os.getpid() and b"repos.pipelining" in _command(pid)]


def _pids() -> list[int]:
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
