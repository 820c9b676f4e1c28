"""What can go wrong, each with one sentence that a user can act on.

`code` names the class for programs; the message is for people and stands on pages, in the terminal and in the log.
"""

from . import units


class MillraceError(Exception):
    """The root. Its text is shown to users as it is, so it must not hold a secret."""

    code = "error"
    # The name of the value that it is about, where there is one.
    field = ""


class InvalidValue(MillraceError):
    """A value that cannot be used; `field` is its name."""

    code = "value"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class InvalidPath(MillraceError):
    """A `path` from outside that cannot be used, why not, and (`advice`, a sentence) what to do.

    `reason` is the same without capital and full stop, for a sentence about more than the path.
    """

    code = "path"
    field = "path"

    def __init__(self, path: str, why: str, advice: str = "", *, noun: str = "path") -> None:
        shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in path[:100])
        self.reason = f"the {noun} “{shown}{'…' if path[100:] else ''}” {why}" if path else f"the {noun} {why}"
        super().__init__(f"T{self.reason[1:]}. {advice}".rstrip())
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
        super().__init__(f"This host is {is_what}.", advice)
        self.is_what = is_what
        self.advice = advice


class BasePathTaken(MillraceError):
    """A base path that equals, lies in or lies above that of another distribution, `other`."""

    code = "base_path"
    field = "base_path"

    def __init__(self, base_path: str, other: str) -> None:
        how = "is already used by" if base_path == other else "overlaps with"
        super().__init__(f"The base path “{base_path}” {how} the distribution at “{other}”. Choose another.")
        self.base_path = base_path
        self.other = other


class NameTaken(MillraceError):
    """The name of another `noun`, such as “repository”."""

    code = "name"
    field = "name"

    def __init__(self, name: str, noun: str = "repository") -> None:
        super().__init__(f"There is already a {noun} called “{name}”. Choose another name.")
        self.name = name


class Stale(MillraceError):
    """A change to something that somebody else changed meanwhile."""

    code = "stale"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was changed by somebody else meanwhile. Look at what is there now, then try again.")


class InUse(MillraceError):
    """Something that cannot be deleted, for others need it; the sentence names them."""

    code = "in_use"


class Refused(MillraceError):
    """A run that must not be: no job is made."""

    code = "refused"


class Gone(Refused):
    """Something that was deleted since it was chosen; `advice` says what to do, where that is not plain."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} was deleted meanwhile. {advice}".rstrip())


class NothingToDo(Refused):
    """A change by hand that would change nothing."""

    code = "unchanged"


class NotStored(MillraceError):
    """Bytes that our own disk did not take, and what it said."""

    code = "disk"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The bytes could not be stored here: {why}. Nothing was changed. "
            "Look at this server's disk and at the rights of its data folder, then try again."
        )


class NoRoom(NotStored):
    """Bytes for which there is no room: `needed` of them, where that is known, while `reserve` are to stay free."""

    def __init__(self, *, free: int, reserve: int, needed: int | None = None) -> None:
        wanted = f"{units.size(needed)} are to be stored here" if needed else "There is no room to store more here"
        kept = f", and {units.size(reserve)} are kept in reserve" if reserve else ""
        MillraceError.__init__(
            self,
            f"{wanted}: {units.size(free)} of the disk are free{kept}. Make room on the disk, then try again.",
        )
        self.needed = needed
        self.free = free
        self.reserve = reserve


class SecretLost(MillraceError):
    """A stored secret that cannot be opened, and why: the key file is missing, or does not fit."""

    code = "secret"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"A secret of the remote cannot be opened: {why}. Bring the right key file back, or enter the secret again."
        )


class BadList(MillraceError):
    """An upstream's list that cannot be read; `line` counts from 1, 0 where it is about the whole.

    `advice` says what to do, where it is not the upstream that has to mend its list.
    """

    code = "list"

    def __init__(self, url: str, why: str, line: int = 0, *, advice: str = "") -> None:
        where = f"Line {line} of {url}" if line else f"The list at {url}"
        advice = advice or "It has to be mended upstream."
        super().__init__(f"{where} {why}. {advice} Nothing was changed here.")
        self.url = url
        self.line = line


class PathInTheWay(MillraceError):
    """A path that would be a file and, because of `inside`, a folder too."""

    code = "path"
    field = "path"

    def __init__(self, file: str, inside: str) -> None:
        super().__init__(
            f"“{file}” cannot be both a file and the folder of “{inside}”. One of the two has to go first: "
            "remove it by hand, or make the repository a mirror."
        )
        self.file = file
        self.inside = inside


class PathTaken(MillraceError):
    """`count` files that are there already, with other bytes, and that nobody has said may be replaced.

    `some` are the paths of the first of them, one or more.
    """

    code = "taken"

    def __init__(self, count: int, some: list[str]) -> None:
        files = f"“{some[0]}” is" if count == 1 else f"“{some[0]}” and {count - 1:,} more are"
        it = "it" if count == 1 else "them"
        super().__init__(f"{files} there already, with other bytes. Nothing was changed; ask for {it} to be replaced.")
        self.count = count
        self.some = some


class FetchFailed(MillraceError):
    """A file that could not be fetched. Sizes are in bytes; `tries` counts the requests made for it.

    `retry` says whether another try may help, `retry_after` (seconds) when the upstream wants it. What to do about it
    is told by `causes.advice`; `advice` is for what that could not know.
    """

    code = "fetch"

    def __init__(
        self,
        url: str,
        cause: str,
        why: str,
        *,
        tries: int = 1,
        sha256: str = "",
        size: int | None = None,
        retry: bool = True,
        retry_after: float | None = None,
        advice: str = "",
    ) -> None:
        super().__init__()
        self.url = url
        self.cause = cause
        self.why = why
        self.tries = tries
        self.sha256 = sha256
        self.size = size
        self.retry = retry
        self.retry_after = retry_after
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.url}: {self.why}"

    def led_to(self, where: str) -> None:
        """Says that it was at `where`, and not at `url` itself, that it failed."""
        self.why = f"{self.why}, at the address to which it redirects: {where}"


class FilesFailed(MillraceError):
    """A sync in which `count` files could not be fetched; the job's failed files list them."""

    code = "files"

    def __init__(self, count: int, first: str) -> None:
        super().__init__(
            f"{units.counted(count, 'file')} could not be fetched, so no version was made. The first: {first} "
            "What was fetched is kept: run again to fetch only the rest."
        )
        self.count = count


class BrakePulled(MillraceError):
    """A mirror's sync that would remove `removing` files, more than `limit` percent of those that are `present`.

    `url` is that of the list.

    `first` are the paths of some of them; `empty` says that the upstream's list has no file at all.
    """

    code = "brake"

    def __init__(self, removing: int, present: int, limit: int, *, url: str, first: list[str], empty: bool) -> None:
        found = f"The list at {url} is empty: the sync" if empty else f"The sync with the list at {url}"
        names = ", ".join([*(f"“{path}”" for path in first), *(["…"] if removing > len(first) else [])])
        super().__init__(
            f"{found} would remove {removing:,} of {present:,} files ({names}). "
            f"This mirror lets go of {limit} % without asking, so nothing was changed. Confirm it if that is right."
        )
        self.removing = removing


class OutOfTime(MillraceError):
    """Bytes that took longer to read than somebody could wait: nothing is known about them."""

    code = "time"

    def __init__(self) -> None:
        super().__init__("Reading its bytes takes too long to wait for, so they were not looked at to their end.")


class StillDamaged(MillraceError):
    """A verify that leaves `count` files damaged; the job's failed files list them. `tried`: a repair was in vain."""

    code = "damaged"

    def __init__(self, count: int, *, tried: bool) -> None:
        files, are = units.counted(count, "file"), "is" if count == 1 else "are"
        state = f"{files} {are} damaged here and not served until {'it is' if count == 1 else 'they are'} whole again."
        way = (
            "Sync or upload the same bytes again, or bring them back from a backup and verify again."
            if tried
            else "Verify again with repair, which fetches from the upstreams what they still have."
        )
        super().__init__(f"{state} {way}")
        self.count = count


class Stopped(MillraceError):
    """Not a failure: the job has to let go at once (see the three reasons below)."""


class Canceled(Stopped):
    code = "canceled"


class GivenBack(Stopped):
    """The worker is being shut down; another takes the job up."""

    code = "given_back"


class Lost(Stopped):
    """The job was given to another worker while this one was silent; nothing may be written any more."""

    code = "lost"
