"""The connections to one upstream: so many at once and no more, and how many of them make a file come faster."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

# The most connections for one file.
MOST = 8
# Seconds: of a change in their number until it is felt, and over which the speed is measured then.
SETTLE, WINDOW = 0.5, 1.0
# Twice as many connections have to be at least so many times as fast, or they are not worth it.
GAIN = 1.25
# What will be there in so many seconds anyhow is left alone.
SOON = 3.0
# Seconds between two looks while a place is waited for.
_LOOK = 0.2


class Places:
    """`most` connections. Files come first: what only hurries one along has to go as soon as another file waits."""

    def __init__(self, most: int) -> None:
        self._most = self._free = most
        self._waiting = 0
        self._changed = threading.Condition()
        # All bytes that came by them: the measure of how full the line is.
        self.arrived = 0

    def take(self, given_up: Callable[[], bool]) -> bool:
        """Waits for a place for a file; False if `given_up` meanwhile."""
        with self._changed:
            self._waiting += 1
            try:
                while self._free <= 0:
                    if given_up():
                        return False
                    self._changed.wait(_LOOK)
                self._free -= 1
            finally:
                self._waiting -= 1
            return True

    def take_if_free(self) -> bool:
        """Takes a place to hurry a file along, if no file needs it."""
        with self._changed:
            if self._free <= self._waiting:
                return False
            self._free -= 1
            return True

    def leave(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()

    @property
    def wanted(self) -> bool:
        """Whether a file waits for a place."""
        return self._waiting > 0

    @property
    def used(self) -> int:
        return self._most - self._free

    def count(self, size: int) -> None:
        with self._changed:
            self.arrived += size


@dataclass
class Growth:
    """Decides how many connections a file shall have: doubles them for as long as that makes everything faster.

    Pure: it is told the time (seconds) and how much has arrived by all connections (bytes).
    """

    wanted: int = 1
    settled: bool = False
    # The speed with half as many, in bytes a second; 0: nothing is being tried out.
    _before: float = 0.0
    _since: float | None = None
    _arrived: int | None = None

    def look(self, now: float, arrived: int, left: int, used: int) -> int:
        """How many there shall be, given that `left` bytes of the file are to come and `used` connections at work."""
        if self.settled or (speed := self._measured(now, arrived)) is None:
            return self.wanted
        if used < self.wanted:
            # So many were not to be had: what can be said is about those that are.
            self.wanted, self._before = used, 0.0
        if self._before and speed < self._before * GAIN:
            self.stay()
        elif self.wanted * 2 > MOST or left <= speed * SOON:
            self.settled = True
        else:
            self.wanted, self._before = self.wanted * 2, speed
        return self.wanted

    def stay(self) -> None:
        """Goes back to half as many, and stays there."""
        self.wanted, self.settled = max(self.wanted // 2, 1), True

    def _measured(self, now: float, arrived: int) -> float | None:
        """The speed since shortly after the last decision, once that is long enough ago."""
        if self._since is None:
            self._since, self._arrived = now + SETTLE, None
        if self._arrived is None and now >= self._since:
            self._since, self._arrived = now, arrived
        if self._arrived is None or now < self._since + WINDOW:
            return None
        speed = (arrived - self._arrived) / (now - self._since)
        self._since = None
        return speed
