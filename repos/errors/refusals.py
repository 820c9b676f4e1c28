"""Deeds that must not be: what they need is in use, in the way, gone, or changed by somebody else."""

from collections.abc import Sequence
from typing import Any

from .. import units
from ..words import later, say, say_by
from . import MillraceError


class Stale(MillraceError):
    """A change to something that somebody else changed meanwhile."""

    code = "stale"

    def __init__(self, what: str) -> None:
        changed = later("{what} was changed by somebody else meanwhile. Look at what is there now, then try again.")
        super().__init__(say(changed, what=what))


class InUse(MillraceError):
    """Something that cannot be deleted, for others need it; the sentence names them, `in_the_way` are their rows."""

    code = "in_use"

    def __init__(self, sentence: str, in_the_way: Sequence[Any] = ()) -> None:
        super().__init__(sentence)
        self.in_the_way = tuple(in_the_way)


class Refused(MillraceError):
    """A run that must not be: no job is made."""

    code = "refused"


class Gone(Refused):
    """Something that was deleted since it was chosen; `advice` says what to do, where that is not plain."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{say('{what} was deleted meanwhile.', what=what)} {advice}".rstrip())


class NothingToDo(Refused):
    """A change by hand that would change nothing."""

    code = "unchanged"


class PathInTheWay(MillraceError):
    """A path that would be a file and, because of `inside`, a folder too."""

    code = "path"
    field = "path"

    def __init__(self, file: str, inside: str) -> None:
        super().__init__(
            say(
                "“{file}” cannot be both a file and the folder of “{inside}”. One of the two has to go first: "
                "remove it by hand, or make the repository a mirror.",
                file=file,
                inside=inside,
            )
        )
        self.file = file
        self.inside = inside


class PathTaken(MillraceError):
    """`count` files that are there already, with other bytes, and that nobody has said may be replaced.

    `some` are the paths of the first of them, one or more.
    """

    code = "taken"

    def __init__(self, count: int, some: list[str]) -> None:
        super().__init__(
            say_by(
                count,
                "“{first}” is there already, with other bytes. Nothing was changed; ask for it to be replaced.",
                "“{first}” and {more} more are there already, with other bytes. "
                "Nothing was changed; ask for them to be replaced.",
                first=some[0],
                more=units.number(count - 1),
            )
        )
        self.count = count
        self.some = some
