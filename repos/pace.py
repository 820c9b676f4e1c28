"""How fast bytes may come, how slowly they may come, and for how long."""

import threading
from time import monotonic

BLOCK = 1024 * 1024
# What is read at once of a stream that is held back, in bytes: at least this.
_SMALL = 4 * 1024
# Waits that are shorter than this, in seconds, are put together to longer ones.
_SHORT = 0.01
# The seconds over which a speed is measured.
WINDOW = 30.0


class Throttle:
    """Lets `rate` bytes a second through, for all threads together; 0 lets all through."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        # Until when what was taken so far is paid for.
        self._paid = 0.0
        # How much to take at once: so little that nobody has to wait long for it.
        self.block = min(BLOCK, max(_SMALL, rate // 8)) if rate else BLOCK

    def wait(self, size: int, stop: threading.Event) -> float:
        """Waits for as long as the `size` bytes that were taken have to last, or until `stop`; returns the seconds."""
        if not self._rate:
            return 0.0
        with self._lock:
            now = monotonic()
            self._paid = max(self._paid, now) + size / self._rate
            wait = self._paid - now
        if wait <= _SHORT:
            return 0.0
        stop.wait(wait)
        return wait


class Watch:
    """Looks at one stream: is it faster than `least` bytes a second (0: never mind), and not later than `due`?"""

    def __init__(self, least: int, due: float) -> None:
        self._least = least
        self._due = due
        self._since = monotonic()
        self._size = 0

    def arrived(self, size: int, waited: float) -> str:
        """Counts a block, and the seconds that were then waited on purpose; returns the cause to end it, or nothing."""
        self._size += size
        self._since += waited
        now = monotonic()
        if now > self._due:
            return "deadline"
        if self._least and (passed := now - self._since) >= WINDOW:
            if self._size < self._least * passed:
                return "slow"
            self._since, self._size = now, 0
        return ""
