"""Values that cannot be used, and names that are taken."""

from ..words import capital, later, say
from . import MillraceError


class InvalidValue(MillraceError):
    """A value that cannot be used; `field` is its name."""

    code = "value"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


# By what the path is: the path, in quotes behind a space, and what is wrong with it.
_OF_PATH = {"path": later("the path{path} {why}"), "base path": later("the base path{path} {why}")}


class InvalidPath(MillraceError):
    """A `path` from outside that cannot be used, why not, and (`advice`, a sentence) what to do.

    `reason` is the same without capital and full stop, for a sentence about more than the path.
    """

    code = "path"
    field = "path"

    def __init__(self, path: str, why: str, advice: str = "", *, noun: str = "path") -> None:
        shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in path[:100])
        shown = f" “{shown}{'…' if path[100:] else ''}”" if path else ""
        self.reason = say(_OF_PATH[noun], path=shown, why=why)
        super().__init__(f"{capital(self.reason)}. {advice}".rstrip())
        self.path = path
        self.field = noun.replace(" ", "_")


class InvalidName(MillraceError):
    code = "name"
    field = "name"


class InvalidUrl(MillraceError):
    """An address that cannot be asked: why not, and (`advice`) what to do, each a sentence."""

    code = "url"
    field = "url"

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(f"{reason} {advice}".rstrip())
        self.reason = reason


class AddressRefused(InvalidUrl):
    """An address that is written well, but of a host that must not be asked: what `is_what` says."""

    def __init__(self, is_what: str, advice: str) -> None:
        super().__init__(say("This host is {what}.", what=is_what), advice)
        self.is_what = is_what
        self.advice = advice


class BasePathTaken(MillraceError):
    """A base path that equals, lies in or lies above that of another distribution, `other`."""

    code = "base_path"
    field = "base_path"

    def __init__(self, base_path: str, other: str) -> None:
        same = later("The base path “{path}” is already used by the distribution at “{other}”. Choose another.")
        overlaps = later("The base path “{path}” overlaps with the distribution at “{other}”. Choose another.")
        super().__init__(say(same if base_path == other else overlaps, path=base_path, other=other))
        self.base_path = base_path
        self.other = other


_TAKEN = {
    "repository": later("There is already a repository called “{name}”. Choose another name."),
    "remote": later("There is already a remote called “{name}”. Choose another name."),
}


class NameTaken(MillraceError):
    """The name of another `noun`: a repository or a remote."""

    code = "name"
    field = "name"

    def __init__(self, name: str, noun: str = "repository") -> None:
        super().__init__(say(_TAKEN[noun], name=name))
        self.name = name
