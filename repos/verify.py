"""Whether bytes of the pool are what their rows say, looked at while somebody waits (the job is in verifying.py)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .errors.storage import OutOfTime
from .faults import Fault, fault_of
from .models import Artifact, Content, RepositoryVersion

# What is looked at while somebody waits for the answer.
LIMIT_BYTES = 4_000_000_000
LIMIT_SECONDS = 20.0
# More than these need not be listed to know that something is very wrong.
MOST_FAULTS = 1000


@dataclass(slots=True)
class Findings:
    """What came of looking at the files of a version: how many, how many bytes, and the faults, by path.

    `left` counts the files that were not looked at, because the limit was reached.
    """

    files: int = 0
    size: int = 0
    left: int = 0
    faults: list[tuple[str, Fault]] = field(default_factory=list)


def verify(artifact: Artifact, *, seconds: float | None = None) -> Fault | None:
    """Reads all bytes of `artifact` in the pool; None if they are whole. Raises OutOfTime after so many seconds."""
    return fault_of(artifact.sha256, artifact.size, tick=_until(_deadline(seconds)))


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
            fault = fault_of(sha256, size, tick=_until(deadline))
        except OutOfTime:
            break
        found.files += 1
        found.size += size
        if fault:
            found.faults.append((path, fault))
    found.left = version.files - found.files
    return found


def _until(deadline: float | None) -> Callable[[int], None]:
    def tick(size: int) -> None:
        if _is_past(deadline):
            raise OutOfTime()

    return tick


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline
