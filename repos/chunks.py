"""Long streams in pieces that a database statement can hold."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

# Few enough rows that other writers get their turn in between, and fewer than SQLite allows parameters.
ROWS = 500
# The same for rows that are only added, in bulk: that takes about a hundredth of a second.
ADDED = 2000


def chunks(items: Iterable[T], length: int = ROWS) -> Iterator[list[T]]:
    """Yields lists of at most `length` items, never an empty one."""
    iterator = iter(items)
    while chunk := list(islice(iterator, length)):
        yield chunk
