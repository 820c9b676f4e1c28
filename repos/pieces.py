"""Which bytes of a file are still to come, and who fetches which of them. Pure; for many threads at once."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(slots=True, eq=False)
class Piece:
    """The bytes from `at` to before `stop` of a file, which somebody is fetching; `at` moves on as they come."""

    at: int
    stop: int

    def left(self) -> int:
        return self.stop - self.at


class Pieces:
    """A file of `size` bytes of which `missing` (spans in order, by default all) are still to come."""

    def __init__(self, size: int, missing: Iterable[Span] | None = None) -> None:
        self.size = size
        self._missing: list[Span] = sorted([(0, size)] if missing is None else missing)
        self._active: list[Piece] = []
        self._changed = threading.Condition()

    def take(self, most: int) -> Piece | None:
        """The first missing bytes, at most `most`, for the caller alone; None if all are there or taken."""
        with self._changed:
            if not self._missing:
                return None
            start, stop = self._missing.pop(0)
            piece = Piece(start, min(start + most, stop))
            self._put_back(piece.stop, stop)
            self._active.append(piece)
            return piece

    def received(self, piece: Piece, size: int) -> None:
        with self._changed:
            piece.at += size

    def cut(self, piece: Piece, most: int) -> None:
        """Leaves its holder at most `most` further bytes; what is behind them can be taken by others."""
        with self._changed:
            stop = min(piece.at + most, piece.stop)
            self._put_back(stop, piece.stop)
            piece.stop = stop
            self._changed.notify_all()

    def give_back(self, piece: Piece) -> None:
        """Ends the holding of a piece: what has not come of it is missing again."""
        with self._changed:
            self._active.remove(piece)
            self._put_back(piece.at, piece.stop)
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Until something can be taken, or nobody fetches any more; `seconds` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._missing or not self._active, seconds)

    @property
    def has_free(self) -> bool:
        """Whether something can be taken."""
        return bool(self._missing)

    def _put_back(self, start: int, stop: int) -> None:
        if start < stop:
            self._missing.append((start, stop))
            self._missing.sort()

    @property
    def prefix(self) -> int:
        """How many bytes are there from the file's beginning on without a gap."""
        with self._changed:
            return min([self.size, *(start for start, _ in self._missing), *self._unfinished()])

    def _unfinished(self) -> list[int]:
        return [piece.at for piece in self._active if piece.at < piece.stop]

    @property
    def there(self) -> int:
        """How many bytes are there, wherever."""
        return self.size - sum(stop - start for start, stop in self.missing)

    @property
    def missing(self) -> list[Span]:
        """What is still to come, whether somebody fetches it or not: spans in order, none beside the next."""
        with self._changed:
            spans = sorted([*self._missing, *((one.at, one.stop) for one in self._active if one.at < one.stop)])
        return _joined(spans)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, stop in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined
