"""What was acknowledged: each edit that a page has taken has to be there at last, or to have been superseded by a later
one that began from it.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# A value of something: ("stale_days", 3) is that of the repository 3.
Key = tuple[str, int]


@dataclass
class Ledger:
    """Written by many threads. All values that are entered are new ones, so an edit is known by them."""

    edits: defaultdict[Key, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    uploads: list[tuple[int, dict[str, str | None]]] = field(default_factory=list)
    pins: list[str] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def edited(self, key: Key, before: str, after: str) -> None:
        with self._lock:
            self.edits[key].append((before, after))

    def changed(self, job: int, files: dict[str, str | None]) -> None:
        """`job` was asked to put bytes with these digests at these paths, or (None) to take them away."""
        with self._lock:
            self.uploads.append((job, files))

    def pinned(self, note: str) -> None:
        with self._lock:
            self.pins.append(note)

    @property
    def count(self) -> int:
        edits = sum(len(some) for some in self.edits.values())
        return edits + len(self.uploads) + len(self.pins) + len(self.made) + len(self.deleted)

    def lost(self, first: Mapping[str, str], last: Mapping[Key, str]) -> Iterator[str]:
        """What is wrong with the edits of what is there still: it began with `first`, by its kind, and is `last`."""
        for key, edits in self.edits.items():
            if key in last:
                yield from _lost(key, edits, first[key[0]], last[key])


def _lost(key: Key, edits: list[tuple[str, str]], first: str, last: str) -> Iterator[str]:
    """Begun from the first value, each edit has to lead to the next, and the last to what is there."""
    followed = dict(edits)
    if len(followed) != len(edits):
        yield f"{key}: two edits were taken that both began from the same value"
    value, seen = first, 0
    while value in followed and seen < len(edits):
        value, seen = followed[value], seen + 1
    if (value, seen) != (last, len(edits)):
        yield f"{key}: it is {last!r}; of {len(edits)} edits that were taken {seen} are in line, up to {value!r}"
