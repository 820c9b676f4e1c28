"""How far something was at some moments, from its start to now: what a line chart of its speed is drawn from.

At most MOST moments, at about even distances: when there are more, every other one is let go, and the distance doubles.
So they are few for a job of seconds and for one of days.
"""

import json
from collections import deque
from typing import NamedTuple

MOST = 120
# Seconds between two moments, at first.
STEP = 0.5
# A speed is the mean over so many seconds: a small file's bytes count when all of it came, so less would be all peaks.
MEAN = 10.0


class Sample(NamedTuple):
    """`seconds` after the start so many files, and bytes, were done."""

    seconds: float
    done: int
    size: int


class Samples:
    """Collects them. The last one is always of now: it takes the place of the one before, while that is too near."""

    def __init__(self, done: int, size: int) -> None:
        self._kept = [Sample(0.0, done, size)]
        self._step = STEP

    def add(self, seconds: float, done: int, size: int) -> None:
        if len(self._kept) > 1 and self._kept[-1].seconds - self._kept[-2].seconds < self._step * 0.8:
            self._kept.pop()
        self._kept.append(Sample(round(seconds, 1), done, size))
        if len(self._kept) > MOST:
            self._kept = [*self._kept[:-1:2], self._kept[-1]]
            self._step *= 2

    def text(self) -> str:
        """All of them, as `read` takes them back."""
        return json.dumps(self._kept, separators=(",", ":"))


class Speed:
    """Bytes a second, as the mean of the last `MEAN` seconds, or of as many as there were."""

    def __init__(self, size: int) -> None:
        self._kept = deque([(0.0, size)])

    def add(self, seconds: float, size: int) -> int:
        """The speed `seconds` after the start, when so many bytes were done."""
        while len(self._kept) > 1 and self._kept[0][0] < seconds - MEAN:
            self._kept.popleft()
        since, before = self._kept[0]
        self._kept.append((seconds, size))
        return int(max(0, size - before) / max(seconds - since, 0.001))


def read(text: str) -> list[Sample]:
    """The samples in a report's text; none where it is empty."""
    return [Sample(*one) for one in json.loads(text)] if text else []
