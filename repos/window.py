"""How many connections a pipelined upstream gets, and how many requests ahead on each: as many as make it faster.

Pure. Like the windows of TCP: it grows as long as more brings more, goes back when it does not, and shrinks when the
upstream is in trouble. What a connection is asked ahead costs an upstream nothing before its turn comes: a slow one has
no more to do at once than there are connections.
"""

# The first step, and the most requests ahead on a connection.
_FIRST = (4, 4)
DEPTH = 64
# More is better if it brings so many times as many files a second.
_BETTER = 1.1
# Turns without anything better after which it goes back to what was best, and for how many seconds it then rests: the
# first time, and at most, for it rests twice as long with each time that more was no better.
_TURNS, REST, LONGEST_REST = 2, 2.0, 60.0
# The least seconds of a turn: over less than that, a speed means nothing. After the most, so few files are enough.
_LEAST, _MOST, _FEW = 0.01, 2.0, 16


class Window:
    """`connections` and `depth` are how many may be in use now; at most `most` connections. For one thread."""

    def __init__(self, most: int, now: float) -> None:
        self._most = most
        self.connections, self.depth = min(_FIRST[0], most), _FIRST[1]
        self._best, self._best_rate = (self.connections, self.depth), 0.0
        self._resting_until, self._rest = now, REST
        self._worse = 0
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._since, self._files = now, 0

    def came(self, files: int, now: float) -> None:
        """So many files came. Call it often."""
        self._files += files
        seconds = now - self._since
        enough = 2 * self.connections * self.depth if seconds < _MOST else _FEW
        if self._files < enough or seconds < _LEAST:
            return
        if now >= self._resting_until:
            self._judge(self._files / seconds, now)
        self._begin(now)

    def _judge(self, rate: float, now: float) -> None:
        if (self.connections, self.depth) == self._best:
            # What is best changes with the files, and with who else is there: more is tried again and again.
            self._best_rate, self._worse = rate, 0
            self._grow()
        elif rate > self._best_rate * _BETTER:
            self._best, self._best_rate, self._worse = (self.connections, self.depth), rate, 0
            self._rest = REST
            self._grow()
        else:
            self._worse += 1
            if self._worse >= _TURNS:
                self.connections, self.depth = self._best
                self._resting_until, self._rest = now + self._rest, min(2 * self._rest, LONGEST_REST)

    def _grow(self) -> None:
        self.connections, self.depth = min(2 * self.connections, self._most), min(2 * self.depth, DEPTH)

    def trouble(self, now: float) -> None:
        """The upstream asked for less, or broke a connection off."""
        self.connections, self.depth = max(1, self.connections // 2), max(1, self.depth // 2)
        self._best = (self.connections, self.depth)
        self._resting_until, self._rest = now + REST, REST
        self._begin(now)
