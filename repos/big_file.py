"""A big file, of which it is known what has to come: what is there of it, across the tries of its fetch and beyond.

Each try asks for what is missing still. What is there in the end is judged as a whole: if it is wrong although it was
put together of parts, all of it is fetched anew.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock

from . import partials, representation, space, writeback
from .errors.storage import NotStored
from .following import Following
from .pieces import Piece, Pieces, Span

# From so many bytes on, what has come of a file is kept when it breaks off.
RESUMABLE = 8_000_000


class Anew(Exception):
    """What is there of a file, or what came for a part of it, does not fit: all of it has to be fetched anew."""


class BigFile:
    """The bytes with this sha256 and size, on their way to `into`. `count` is told what is there, and what no more is.

    A context manager: what is not whole in the end is kept for the next fetch, if that can go on with it. Raises
    NotStored where our own disk fails; then nothing is kept.
    """

    def __init__(self, sha256: str, size: int, into: Path, count: Callable[[int], None], stop: Event) -> None:
        self.sha256 = sha256
        self.size = size
        self._into = into
        self._count = count
        self._stop = stop
        self._counted = 0
        self._counting = Lock()
        self._partial = partials.opened(sha256, size, into, stop)
        self._over = False
        self._asks = True
        # Whether more than one answer has brought it.
        self._is_pieced = self._partial.missing is not None
        self._in_order = True
        self.validator = self._partial.validator
        self.pieces = Pieces(size, self._partial.missing)
        self.following = Following(self._partial.handle, lambda: self.pieces.prefix)
        self.count(self.pieces.there)

    def __enter__(self) -> "BigFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.following.pause()
        if self._over:
            return
        self.count(-self._counted)
        failed = kind is not None and issubclass(kind, NotStored)
        if failed or not self._keep():
            self._partial.drop()

    def _keep(self) -> bool:
        """Leaves what is there to the next fetch, if that is worth it and the disk has room; else returns False."""
        if not self.has_parts or self.pieces.there < RESUMABLE // 8 or space.is_low():
            return False
        with suppress(NotStored):
            self.note()
            self._partial.keep()
            return True
        return False

    # ---- what is asked for ----

    def first_span(self) -> Span | None:
        """The part that the next try begins with; None: it asks for all."""
        missing = self.pieces.missing
        return missing[0] if self.has_parts and missing and missing[0] != (0, self.size) else None

    @property
    def is_whole(self) -> bool:
        return not self.pieces.missing

    def part(self, span: Span) -> dict[str, str]:
        return representation.part(span, self.validator)

    def has(self, headers: Mapping[str, str], span: Span) -> bool:
        """Whether an answer 206 is this part of what is there."""
        return representation.is_part(headers, span, self.size, self.validator)

    @property
    def has_parts(self) -> bool:
        """Whether parts of it can be asked for."""
        return self._asks and bool(self.validator)

    # ---- what comes ----

    def begin(self, validator: str) -> None:
        """All of it is about to come, of the representation that has this validator; empty: it has none."""
        if self.pieces.there:
            self.forget()
        self.validator = validator
        self.note()

    def go_on(self) -> None:
        """A part of it is about to come."""
        self._is_pieced = True
        missing = self.pieces.missing
        if len(missing) == 1 and missing[0][1] == self.size:
            # From here on it only grows: what was written beyond goes, so that its length tells what is there.
            with space.storing():
                os.ftruncate(self._partial.handle, missing[0][0])
            self._in_order = True
        self.note()

    def share(self) -> None:
        """Its parts come in any order from now on, and by many threads: one more looks after the digest."""
        if self._in_order:
            self._is_pieced, self._in_order = True, False
            self.note()
        self.following.start()

    def note(self) -> None:
        """Has it outlast this process, but for what comes after."""
        if self.has_parts:
            self._partial.note(self.validator, self.pieces.missing, in_order=self._in_order)

    def fill(self, piece: Piece, blocks: Iterator[bytes]) -> Iterator[None]:
        """Takes the blocks as the bytes of a piece; yields after each."""
        begun = piece.at
        for block in blocks:
            at = piece.at
            self._partial.write(block, at)
            self.pieces.received(piece, len(block))
            self.count(len(block))
            self.following.arrived(block, at)
            if piece.at - begun >= writeback.STEP:
                writeback.begin(self._partial.handle, begun, piece.at)
                begun = piece.at
            yield

    @contextmanager
    def held(self, piece: Piece) -> Iterator[Piece]:
        """Gives back what has not come of it in the end."""
        try:
            yield piece
        finally:
            self.pieces.give_back(piece)

    # ---- how it ends ----

    def finish(self) -> str:
        """The whole file's sha256; if that is right, it is at `into` now. Raises Anew if another try may mend it."""
        with space.storing():
            found = self.following.finish(self._stop)
        if found == self.sha256:
            self._partial.move(self._into)
            self._over = True
        elif self._is_pieced and not self._stop.is_set():
            raise Anew
        return found

    def give_up_parts(self) -> None:
        """From now on, all of it is asked for at once."""
        self._asks = False
        self.forget()

    def forget(self) -> None:
        """Throws away what is there."""
        self.following.pause()
        self.following.forget()
        self.count(-self._counted)
        self._partial.empty()
        self.pieces = Pieces(self.size)
        self.validator, self._is_pieced, self._in_order = "", False, True

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While something else comes in its place, what is there of it does not count. It goes if that was right."""
        self.following.pause()
        counted = self._counted
        self.count(-counted)
        try:
            yield
        except BaseException:
            self.count(counted)
            raise
        self._partial.drop()
        self._over = True

    def count(self, size: int) -> None:
        with self._counting:
            self._counted += size
        if size:
            self._count(size)
