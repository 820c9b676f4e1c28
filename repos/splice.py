"""A list made from an earlier one that is in path order: what lies between two changes is copied as it is.

Pure: a stream in, pieces out. Far cheaper than to make every line anew, where few have changed.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

_BLOCK = 1 << 20

# The path, in UTF-8, that a line is about.
PathOf = Callable[[bytes], bytes]


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yields the lines of a list, about a mebibyte at once."""
    while block := stream.read(_BLOCK):
        yield block if block.endswith(b"\n") else block + stream.readline()


def spliced(old: Iterable[bytes], changes: Iterable[tuple[bytes, bytes]], path_of: PathOf) -> Iterator[bytes]:
    """Yields the list with these lines in the place of those with the same paths; an empty one takes one away.

    `old` are its `blocks`; `changes` are (path, line) in the order of the paths, as the lines are. Raises ValueError
    where what should be a line is none.
    """
    waiting = iter(changes)
    change = next(waiting, None)
    for block in old:
        at, last = 0, path_of(block[block.rfind(b"\n", 0, -1) + 1 :])
        while change and change[0] <= last:
            path, line = change
            begin, end = _place(block, at, path, path_of)
            yield block[at:begin]
            yield line
            at, change = end, next(waiting, None)
        yield block[at:]
    while change:
        yield change[1]
        change = next(waiting, None)


def _place(block: bytes, at: int, path: bytes, path_of: PathOf) -> tuple[int, int]:
    """Where the line with this path begins and ends, at or behind `at`; where there is none, where it would begin."""
    low, high = at, len(block)
    while low < high:
        begin = block.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = block.index(b"\n", begin) + 1
        there = path_of(block[begin:end])
        if there == path:
            return begin, end
        low, high = (end, high) if there < path else (low, begin)
    return low, low
