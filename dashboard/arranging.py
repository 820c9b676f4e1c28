"""How a folder of /content/ may be looked at: in which order, and whether with digests. As its address says."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from repos.published import Entry

# How many entries are held at once, to be sorted otherwise than they are read: some 20 MB.
MOST = 60_000


class Look(NamedTuple):
    """By name the entries come as they are read; a column is sorted `down` where what is greatest comes first."""

    by: str = "name"
    down: bool = False
    digests: bool = False


BY_NAME = Look()
# What a first click on a column's head asks for: the greatest and the newest first, but names from A.
_FIRST = {"name": "name", "size": "-size", "modified": "-modified"}


def look(query: str) -> Look:
    """What the query of an address asks for: `sort=size`, `sort=-size`, …; `digests=1`. All else is ignored."""
    asked = set(query.split("&"))
    for by in _FIRST:
        for sign in ("", "-"):
            if f"sort={sign}{by}" in asked:
                return Look(by, bool(sign), "digests=1" in asked)
    return BY_NAME._replace(digests="digests=1" in asked)


def named(look: Look) -> str:
    """As the address has it."""
    return f"{'-' if look.down else ''}{look.by}"


def turned(look: Look, by: str) -> str:
    """What a click on the head of the column `by` asks for."""
    if by != look.by:
        return _FIRST[by]
    return named(look._replace(down=not look.down))


def arranged(entries: Iterator[Entry], look: Look) -> tuple[Iterator[Entry], Look]:
    """The entries, and how they are arranged in truth: more than MOST of them stay in the order of their names."""
    if (look.by, look.down) == ("name", False):
        return entries, look
    some = list(islice(entries, MOST + 1))
    if len(some) > MOST:
        return chain(some, entries), BY_NAME._replace(digests=look.digests)
    return _sorted(some, look), look


def _sorted(entries: list[Entry], look: Look) -> Iterator[Entry]:
    """By size or date folders come first, as they have neither; what is alike comes by its name."""
    if look.by == "name":
        return reversed(entries)
    files = [(entry.file, entry) for entry in entries if entry.file]
    files.sort(key=lambda one: one[0].size if look.by == "size" else one[0].modified, reverse=look.down)
    return chain((entry for entry in entries if not entry.file), (entry for _, entry in files))
