"""What comes, goes and changes between two sets of files, both in path order. Pure: iterators in, an iterator out."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from .manifest import Entry


class Kind(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Change(NamedTuple):
    """A path's change: `sha256` and `size` (bytes) are those after it, `old_size` that before."""

    kind: Kind
    path: str
    sha256: str = ""
    size: int = 0
    old_size: int = 0


def compare(old: Iterable[Entry], new: Iterable[Entry]) -> Iterator[Change]:
    """Yields the changes from `old` to `new` in path order (by UTF-8 bytes, which is that of code points)."""
    olds, news = iter(old), iter(new)
    before, after = next(olds, None), next(news, None)
    while before or after:
        if before == after:
            before, after = next(olds, None), next(news, None)
        elif before is None or (after and after[0] < before[0]):
            assert after is not None
            yield Change(Kind.ADDED, *after)
            after = next(news, None)
        elif after is None or before[0] < after[0]:
            yield Change(Kind.REMOVED, before[0], old_size=before[2])
            before = next(olds, None)
        else:
            yield Change(Kind.CHANGED, *after, old_size=before[2])
            before, after = next(olds, None), next(news, None)
