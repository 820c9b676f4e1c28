"""Signs of life as they are seen from here: for how long each has stood still, by this process's own clock.

A time that somebody wrote into a row says nothing certain about now: clocks are set, and those of two machines differ.
A sign that has not changed while we looked on does.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

# Seconds that one look counts for at most: who was held up for longer than that has not been looking on.
MOST = 5.0


class Pulses:
    """Remembers, from look to look, what the signs were and since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._seen: dict[object, tuple[object, float]] = {}

    def still(self, signs: Mapping[Any, object]) -> dict[Any, float]:
        """For how many seconds each of these signs has been seen unchanged. What is not named is forgotten."""
        now = self._clock()
        passed, self._looked = min(now - self._looked, MOST), now
        self._seen = {key: (sign, self._seconds(key, sign, passed)) for key, sign in signs.items()}
        return {key: seconds for key, (_, seconds) in self._seen.items()}

    def _seconds(self, key: object, sign: object, passed: float) -> float:
        before, seconds = self._seen.get(key, (None, 0.0))
        return seconds + passed if before == sign else 0.0
