"""Deleting: what it takes along, frees and breaks is said before; what others need, or is served, is not deleted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Consequences:
    """What deleting something comes to, in sentences; a `refusal` says why it cannot be deleted at all.

    `frees` is in bytes: those of the files that nothing else would need any more.
    """

    refusal: str = ""
    takes: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    frees: int = 0
