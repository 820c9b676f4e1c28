"""Several connections for one big file, where its upstream has parts of it and one stream does not fill the line."""

import threading
from contextlib import suppress
from time import monotonic

import requests

from . import causes
from .big_file import Anew, BigFile
from .errors.upstreams import FetchFailed
from .line import ERRORS, Line, Target, stopped
from .pieces import Piece
from .places import Growth
from .wire import patience

# From so many bytes on, a file may be fetched by several connections.
SHARED = 64_000_000
# The least and the most bytes that are asked for at once: small enough that all connections end at about the same time,
# and that what is there without a gap grows steadily.
LEAST, MOST = 1024 * 1024, 32 * 1024 * 1024
# Seconds between two looks whether the others go on.
TICK = 0.2


class Sharing:
    """The connections beside that of the fetch itself, for one try at `file`. A context manager that ends them."""

    def __init__(self, line: Line, file: BigFile, target: Target, *, parts: bool) -> None:
        self._line = line
        self._file = file
        self._target = target
        self._growth = Growth(settled=not (parts and file.has_parts and file.size >= SHARED))
        self._ended = threading.Event()
        self._helpers: dict[int, threading.Thread] = {}
        self._answers: dict[int, requests.Response] = {}
        self._failed: Exception | None = None

    def __enter__(self) -> "Sharing":
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        for response in list(self._answers.values()):
            # It may be waiting for bytes that nobody needs any more.
            with suppress(OSError, ValueError, RuntimeError):
                response.raw.shutdown()
        for thread in list(self._helpers.values()):
            thread.join()

    def look(self, piece: Piece) -> None:
        """Now and then: has more or fewer of them at work, given the piece that the fetch itself is at.

        Raises what one of them met that nobody could go on with.
        """
        if self._failed:
            raise self._failed
        if self._growth.settled and self._growth.wanted == 1:
            return
        wanted = self._growth.look(monotonic(), self._line.places.arrived, self._left, 1 + len(self._helpers))
        for number in range(2, wanted + 1):
            if number not in self._helpers and self._has_work(piece) and self._line.places.take_if_free():
                self._begin(number, piece)

    def _has_work(self, piece: Piece) -> bool:
        """Whether there is something for one more, or can be, of the piece that the fetch itself is at."""
        return self._file.pieces.has_free or piece.left() > self._share

    def _begin(self, number: int, piece: Piece) -> None:
        self._file.share()
        self._file.pieces.cut(piece, self._share)
        thread = threading.Thread(target=self._work, args=(number,), name=f"part-{number}", daemon=True)
        self._helpers[number] = thread
        try:
            thread.start()
        except RuntimeError:
            # There are too many already.
            del self._helpers[number]
            self._line.places.leave()
            self._growth.stay()

    @property
    def _share(self) -> int:
        """How many bytes one connection should ask for next."""
        if self._growth.wanted == 1:
            return self._file.size
        return max(LEAST, min(MOST, self._left // (2 * self._growth.wanted)))

    @property
    def _left(self) -> int:
        return self._file.size - self._file.pieces.there

    def _work(self, number: int) -> None:
        patience.due = self._target.due
        try:
            while self._goes_on(number) and (piece := self._file.pieces.take(self._share)):
                with self._file.held(piece):
                    self._bring(number, piece)
                self._file.note()
        except (FetchFailed, Anew, *ERRORS):
            # The fetch itself asks for the same, and tells what is wrong with it.
            self._growth.stay()
        except Exception as error:  # noqa: BLE001 - whatever it is, the fetch raises it
            self._failed = error
        finally:
            del self._helpers[number]
            self._line.places.leave()

    def _goes_on(self, number: int) -> bool:
        return number <= self._growth.wanted and not self._line.places.wanted and not self._ended.is_set()

    def _bring(self, number: int, piece: Piece) -> None:
        target = Target(self._target.url, self._target.due)
        with ask(self._line, self._file, target, piece) as response:
            self._answers[number] = response
            try:
                blocks = self._line.blocks(response.raw, target, piece.left)
                for _ in self._file.fill(piece, blocks):
                    if not self._goes_on(number):
                        return
            finally:
                del self._answers[number]

    def next(self) -> Piece | None:
        """What the fetch itself should bring next; waits while all that is missing is brought by others.

        None: everything is there. Raises FetchFailed, and what one of the others met.
        """
        while not self._file.is_whole:
            if piece := self._file.pieces.take(self._share):
                return piece
            self._file.pieces.wait(TICK)
            self._check()
        return None

    def _check(self) -> None:
        if self._failed:
            raise self._failed
        if self._line.stop.is_set():
            raise stopped(self._target.url)
        if monotonic() > self._target.due:
            raise causes.of_pace(self._target.url, "deadline", self._line.transport)


def ask(line: Line, file: BigFile, target: Target, piece: Piece) -> requests.Response:
    """The answer with the bytes of a piece. Raises FetchFailed, Anew if it has others, and ERRORS."""
    span = (piece.at, piece.stop)
    response = line.open(target, file.part(span))
    if response.status_code == 206 and file.has(response.headers, span):
        return response
    with response:
        if response.status_code in (200, 206, 416):
            raise Anew
        raise line.refused(target, response)
