"""How fast a report goes on, and when it will be done: from the samples that it keeps. All of it pure.

The speed of one moment says little: small files come before big ones, and upstreams stutter. So the time that is left
is told by the speed of the last third of the time that has gone, and by bytes or by files, whichever takes longer.
"""

import json
from bisect import bisect_left
from collections.abc import Sequence

from repos import samples
from repos.models import ProgressReport
from repos.progress import InHand
from repos.samples import MEAN, Sample

# Seconds: sooner than the first, nothing is told; the speed is that of as long as the second, or at most the third.
FIRST = 4.0
SHORTEST, LONGEST = 10.0, 120.0


def speeds(kept: Sequence[Sample]) -> list[tuple[float, float]]:
    """Seconds after the start, and bytes a second then."""
    found = []
    for place, one in enumerate(kept[1:], 1):
        before = _before(kept[:place], one.seconds - MEAN)
        if one.seconds > before.seconds:
            found.append((one.seconds, max(0, one.size - before.size) / (one.seconds - before.seconds)))
    return found


def seconds_left(kept: Sequence[Sample], total: int | None, bytes_total: int | None) -> float | None:
    """Until all is done, if it goes on like this; None while that cannot be told."""
    if len(kept) < 2 or kept[-1].seconds < FIRST:
        return None
    now = kept[-1]
    before = _before(kept[:-1], now.seconds - min(max(now.seconds / 3, SHORTEST), LONGEST))
    time = now.seconds - before.seconds
    waits = [
        _wait(now.size, before.size, time, bytes_total),
        _wait(now.done, before.done, time, total),
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _before(kept: Sequence[Sample], since: float) -> Sample:
    """The first of them that is not before `since`, or the last."""
    place = bisect_left(kept, since, key=lambda one: one.seconds)
    return kept[min(place, len(kept) - 1)]


def _wait(now: int, before: int, seconds: float, total: int | None) -> float | None:
    if total is None or now <= before or seconds <= 0:
        return None
    return max(total - now, 0) * seconds / (now - before)


def speeds_of(report: ProgressReport) -> list[tuple[float, float]]:
    return speeds(samples.read(report.samples))


def left_of(report: ProgressReport) -> float | None:
    """Seconds until a running report is done."""
    return seconds_left(samples.read(report.samples), report.total, report.bytes_total)


def in_hand(report: ProgressReport) -> list[InHand]:
    """The files that it is busy with."""
    return [InHand(*one) for one in json.loads(report.current)] if report.current else []


def files_a_second(report: ProgressReport) -> float:
    """How many files came in each of the last seconds."""
    kept = samples.read(report.samples)
    if len(kept) < 2:
        return 0.0
    before = _before(kept[:-1], kept[-1].seconds - MEAN)
    time = kept[-1].seconds - before.seconds
    return (kept[-1].done - before.done) / time if time > 0 else 0.0
