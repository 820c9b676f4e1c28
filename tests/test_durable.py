"""What outlasts a power failure, and in which order: bytes, then rows, then what is told.

Power cannot be cut here. So one half reads in a trace of the real system calls what was on the disk when; the other
half loses what the trace says may be lost, and looks at what comes of it.
"""

import ctypes
import errno
import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from repos import durable
from repos.errors.stops import Canceled
from tests import tracing
from tests.running import SOON, until
from tests.serving import MANAGE, Millrace
from tests.settings import BASE_DIR
from tests.tracing import Trace
from tests.upstream import Upstream

pytestmark = pytest.mark.usefixtures("real_disk")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (root := tmp_path / "pool").mkdir()
    return root


def made(root: Path, count: int) -> list[Path]:
    files = [root / f"{number % 3}" / f"{number}" for number in range(count)]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"bytes")
    return files


@pytest.fixture
def written_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is written out one by one from here on, in that order."""
    names: list[str] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        names.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    return names


def test_few_files_are_written_out_with_their_names_one_by_one(root: Path, written_out: list[str]) -> None:
    durable.settle(made(root, 2), root)
    assert written_out[:2] == ["0", "1"]
    assert sorted(written_out[2:]) == sorted(["0", "1", "pool", root.parent.name])


def test_many_are_written_out_at_once(root: Path, written_out: list[str]) -> None:
    durable.settle(made(root, durable.FEW + 1), root)
    assert written_out == []


def test_where_all_cannot_be_written_at_once_each_is_written(
    root: Path, written_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_SYNCFS", None)
    durable.settle(made(root, 20), root)
    assert len(written_out) == 20 + 3 + 2


def test_a_kernel_without_it_counts_as_one_that_cannot(
    root: Path, written_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "_SYNCFS", _failing_with(errno.ENOSYS))
    durable.settle(made(root, 20), root)
    assert len(written_out) == 20 + 3 + 2


def test_nothing_needs_no_disk(root: Path, written_out: list[str]) -> None:
    durable.settle([], root / "not there")
    assert written_out == []


def test_a_disk_that_failed_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_SYNCFS", _failing_with(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        durable.settle(made(root, 20), root)


def test_a_file_that_is_not_there_is_told(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        durable.settle([root / "0" / "gone"], root)


def test_who_has_to_stop_does_not_wait_for_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = threading.Event(), threading.Event()

    def slow(handle: int) -> int:
        asked.set()
        release.wait()
        return 0

    def check() -> None:
        if asked.is_set():
            raise Canceled

    monkeypatch.setattr(durable, "_SYNCFS", slow)
    files, begun = made(root, 20), time.monotonic()
    with pytest.raises(Canceled):
        durable.settle(files, root, check)
    assert time.monotonic() - begun < SOON
    release.set()
    until(lambda: "settle" not in {thread.name for thread in threading.enumerate()})


def _failing_with(number: int) -> Callable[[int], int]:
    def syncfs(handle: int) -> int:
        ctypes.set_errno(number)
        return -1

    return syncfs


# ---- the order, as the kernel was asked for it ----

# Two batches of the files that are written out at once; the list that is published is written out by itself.
FILES = {f"name-{number:05}": str(number).encode() * 50 for number in range(540)}
LESS = dict(list(FILES.items())[:40])
UNSETTLED = [sys.executable, str(BASE_DIR / "bench" / "durability.py"), "--as", "neither"]

needs_strace = pytest.mark.skipif(not tracing.works(), reason="there is no strace here that may trace")


@pytest.fixture
def trace(millrace: Millrace, upstream: Upstream, tmp_path: Path) -> Callable[..., Trace]:
    """Mirrors such files by a command, which it traces."""

    def mirror(files: dict[str, bytes], command: list[str] = MANAGE) -> Trace:
        for name, data in files.items():
            upstream.write(name, data)
        # Else the list that is published would have the digest of this one, which is written down before.
        upstream.manifest = b"# other bytes\n" + upstream.manifest
        words = ["mirror", upstream.manifest_url, "files", "files"]
        return tracing.traced([*command, *words], millrace.env(), tmp_path / "trace")

    return mirror


def named_too_early(trace: Trace, *, place: str, after: str = "") -> list[str]:
    """The digests of what was written down as known before it was on the disk."""
    found = {digest: trace.written(place, digest, after=after) for digest in trace.kept}
    return [digest for digest, span in found.items() if span is None or trace.durable(digest) >= span.begun]


def in_the_database(millrace: Millrace) -> dict[str, str]:
    """Where, and after which words, it is that a digest becomes a row."""
    if millrace.database_url:
        return {"place": "socket:", "after": "INSERT INTO repos_artifact"}
    return {"place": "/millrace.sqlite3"}


@needs_strace
@pytest.mark.server
def test_bytes_are_on_the_disk_before_a_row_names_them(trace: Callable[..., Trace], millrace: Millrace) -> None:
    mirrored = trace(FILES)
    assert {hashlib.sha256(data).hexdigest() for data in FILES.values()} < mirrored.kept.keys()
    assert named_too_early(mirrored, **in_the_database(millrace)) == []
    if not millrace.database_url:
        assert told_too_early(mirrored, FILES) == []


@needs_strace
@pytest.mark.server
def test_the_trace_tells_when_nobody_waits_for_the_disk(trace: Callable[..., Trace], millrace: Millrace) -> None:
    mirrored = trace(LESS, UNSETTLED)
    assert sorted(named_too_early(mirrored, **in_the_database(millrace))) == sorted(mirrored.kept)
    if not millrace.database_url:
        assert told_too_early(mirrored, LESS) == ["content", "switch", "result"]


def told_too_early(trace: Trace, names: Iterable[str]) -> list[str]:
    """What was written down before the rows that it rests on were on the disk.

    With PostgreSQL that is for the server to see to; with SQLite it is for us to ask for.
    """
    log = "/millrace.sqlite3-wal"
    switch, result = trace.written(log, "published version 1"), trace.written("1<", "now served at")
    assert switch and result
    artifacts = [span for digest in trace.kept if (span := trace.written(log, digest)) and span < switch]
    # Others tell of the names as they come, for people to see what is being fetched.
    rows = next(digest for digest in trace.kept if trace.written(log, digest))
    content = [span for name in names if (span := trace.written(log, name, beside=rows))]
    fetched = [span for span in artifacts if span < min(content)]
    assert len(fetched) == len(artifacts) - 1 == len(content), "all but the list that is published"
    order = [("content", max(fetched), min(content)), ("switch", max(artifacts), switch), ("result", switch, result)]
    return [name for name, one, other in order if not trace.is_synced_between(one, other, log)]
