"""Bytes and secrets of our own that cannot be stored, opened, read or trusted."""

from .. import units
from ..words import later, say, say_by
from . import MillraceError


class NotStored(MillraceError):
    """Bytes that our own disk did not take, and what it said."""

    code = "disk"

    def __init__(self, why: str) -> None:
        super().__init__(
            say(
                "The bytes could not be stored here: {why}. Nothing was changed. "
                "Look at this server's disk and at the rights of its data folder, then try again.",
                why=why,
            )
        )


class NoRoom(NotStored):
    """Bytes for which there is no room: `needed` of them, where that is known, while `reserve` are to stay free."""

    def __init__(self, *, free: int, reserve: int, needed: int | None = None) -> None:
        wanted = (
            say("{size} are to be stored here", size=units.size(needed))
            if needed
            else say("There is no room to store more here")
        )
        left = say("{size} of the disk are free", size=units.size(free))
        if reserve:
            left = say("{left}, and {size} are kept in reserve", left=left, size=units.size(reserve))
        why = say("{wanted}: {left}. Make room on the disk, then try again.", wanted=wanted, left=left)
        MillraceError.__init__(self, why)
        self.needed = needed
        self.free = free
        self.reserve = reserve


class SecretLost(MillraceError):
    """A stored secret that cannot be opened, and why: the key file is missing, or does not fit."""

    code = "secret"

    def __init__(self, why: str) -> None:
        super().__init__(
            say(
                "A secret of the remote cannot be opened: {why}. "
                "Bring the right key file back, or enter the secret again.",
                why=why,
            )
        )


class OutOfTime(MillraceError):
    """Bytes that took longer to read than somebody could wait: nothing is known about them."""

    code = "time"

    def __init__(self) -> None:
        super().__init__(say("Reading its bytes takes too long to wait for, so they were not looked at to their end."))


class StillDamaged(MillraceError):
    """A verify that leaves `count` files damaged; the job's failed files list them. `tried`: a repair was in vain."""

    code = "damaged"

    def __init__(self, count: int, *, tried: bool) -> None:
        state = say_by(
            count,
            "{count} file is damaged here and not served until it is whole again.",
            "{count} files are damaged here and not served until they are whole again.",
            count=units.number(count),
        )
        way = (
            later("Sync or upload the same bytes again, or bring them back from a backup and verify again.")
            if tried
            else later("Verify again with repair, which fetches from the upstreams what they still have.")
        )
        super().__init__(f"{state} {say(way)}")
        self.count = count
