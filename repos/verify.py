"""Whether the pool's bytes are still what their rows say: there, as long, and with the same sha256."""

import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import BinaryIO

from . import pool
from .errors import MillraceError
from .models import Artifact, Content, RepositoryVersion

BLOCK = 1024 * 1024
# What is looked at while somebody waits for the answer.
LIMIT_BYTES = 4 * 1024**3
LIMIT_SECONDS = 20.0
# More than these need not be listed to know that something is very wrong.
MOST_FAULTS = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the bytes of an artifact: `cause` is missing, size, digest or unreadable."""

    cause: str
    why: str


@dataclass(slots=True)
class Findings:
    """What came of looking at the files of a version: how many, how many bytes, and the faults, by path.

    `left` counts the files that were not looked at, because the limit was reached.
    """

    files: int = 0
    size: int = 0
    left: int = 0
    faults: list[tuple[str, Fault]] = field(default_factory=list)


class OutOfTime(MillraceError):
    """Bytes that took longer to read than somebody could wait: nothing is known about them."""

    code = "time"

    def __init__(self) -> None:
        super().__init__("Reading its bytes takes too long to wait for, so they were not looked at to their end.")


def verify(artifact: Artifact, *, seconds: float | None = None) -> Fault | None:
    """Reads all bytes of `artifact` in the pool; None if they are whole. Raises OutOfTime after so many seconds."""
    return _fault(artifact.sha256, artifact.size, _deadline(seconds))


def verify_version(
    version: RepositoryVersion, *, limit_bytes: int | None = LIMIT_BYTES, limit_seconds: float | None = LIMIT_SECONDS
) -> Findings:
    """Verifies the files of `version` in the order of their paths, as far as the limits allow (None: there is none).

    A file that is longer than what is left of the bytes is passed over; the time is an end to everything.
    """
    deadline = _deadline(limit_seconds)
    found = Findings()
    for path, sha256, size in Content.objects.of(version).in_path_order():
        if _is_past(deadline) or len(found.faults) >= MOST_FAULTS:
            break
        if limit_bytes is not None and found.size + size > limit_bytes:
            continue
        try:
            fault = _fault(sha256, size, deadline)
        except OutOfTime:
            break
        found.files += 1
        found.size += size
        if fault:
            found.faults.append((path, fault))
    found.left = version.files - found.files
    return found


def _fault(sha256: str, size: int, deadline: float | None) -> Fault | None:
    try:
        with pool.path(sha256).open("rb", buffering=0) as file:
            return _fault_of_size(file, size) or _fault_of_digest(file, sha256, deadline)
    except FileNotFoundError:
        return Fault("missing", "it is not in the pool")
    except OSError as error:
        return Fault("unreadable", f"it cannot be read: {error.strerror}")


def _fault_of_size(file: BinaryIO, size: int) -> Fault | None:
    found = file.seek(0, os.SEEK_END)
    file.seek(0)
    return None if found == size else Fault("size", f"it is {found:,} bytes long and should be {size:,}")


def _fault_of_digest(file: BinaryIO, sha256: str, deadline: float | None) -> Fault | None:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        if _is_past(deadline):
            raise OutOfTime()
        digest.update(block)
    found = digest.hexdigest()
    return None if found == sha256 else Fault("digest", f"its sha256 is {found}")


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline
