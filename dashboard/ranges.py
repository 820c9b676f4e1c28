"""Byte ranges: RFC 9110, section 14. Pure."""

import re
from dataclasses import dataclass

# One range of bytes; the numbers are so short that none is beyond Python's limit for digits.
_ONE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Range:
    """From byte `first` to byte `last`, both included and counted from 0; `last` is None to the end.

    Without `first` the last `last` bytes.
    """

    first: int | None
    last: int | None

    def within(self, size: int) -> range | None:
        """The bytes of a file of `size` bytes that are asked for; None if there are none (416)."""
        if self.first is None:
            return range(max(size - (self.last or 0), 0), size) if self.last else None
        if self.first >= size:
            # An empty file is all there, whoever asks for it from its start.
            return range(0) if self.first == size == 0 else None
        return range(self.first, size if self.last is None else min(self.last + 1, size))


def parse(header: str) -> Range | None:
    """The one range that `header` asks for. None for what may be ignored: several, other units, what is malformed."""
    matched = _ONE.fullmatch(header)
    if not matched or not any(matched.groups()):
        return None
    first, last = (int(digits) if digits else None for digits in matched.groups())
    if first is not None and last is not None and last < first:
        return None
    return Range(first, last)
