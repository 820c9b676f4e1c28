"""What can go wrong, each with one sentence that a user can act on.

`code` names the class for programs; the message is for people and stands on pages, in the terminal and in the log.
"""


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
    """A path from outside that cannot be used: `path` as given, and why."""

    code = "path"
    field = "path"

    def __init__(self, path: str, why: str) -> None:
        shown = path if len(path) <= 100 else path[:97] + "…"
        super().__init__(f"the path {shown!r} {why}.")
        self.path = path


class InvalidName(MillraceError):
    code = "name"
    field = "name"


class InvalidUrl(MillraceError):
    code = "url"
    field = "url"


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


class BadList(MillraceError):
    """An upstream's list that cannot be read; `line` counts from 1, 0 where it is about the whole."""

    code = "list"

    def __init__(self, url: str, why: str, line: int = 0) -> None:
        where = f"Line {line} of {url}" if line else f"The list at {url}"
        super().__init__(f"{where} {why}.")
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
    """Files that are there already, with other bytes, and that nobody has said may be replaced."""

    code = "taken"

    def __init__(self, count: int, first: str) -> None:
        files = f"“{first}” is" if count == 1 else f"“{first}” and {count - 1:,} more are"
        super().__init__(f"{files} there already, with other bytes. Nothing was changed; ask for it to be replaced.")
        self.count = count


class FetchFailed(MillraceError):
    """A file that could not be fetched. Sizes are in bytes; `tries` counts the requests made for it.

    `retry` says whether another try may help, `retry_after` (seconds) when the upstream wants it.
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
    ) -> None:
        super().__init__(f"{url}: {why}")
        self.url = url
        self.cause = cause
        self.why = why
        self.tries = tries
        self.sha256 = sha256
        self.size = size
        self.retry = retry
        self.retry_after = retry_after


class FilesFailed(MillraceError):
    """A sync in which `count` files could not be fetched; the job's failed files list them."""

    code = "files"

    def __init__(self, count: int, first: str) -> None:
        files = "1 file" if count == 1 else f"{count:,} files"
        super().__init__(
            f"{files} could not be fetched, so no version was made. The first: {first} "
            "What was fetched is kept: run again to fetch only the rest."
        )
        self.count = count


class BrakePulled(MillraceError):
    """A mirror's sync that would remove `removing` files, more than the repository lets go without asking."""

    code = "brake"

    def __init__(self, removing: int, present: int, limit: int, *, empty: bool) -> None:
        found = "The upstream's list is empty: it" if empty else "It"
        super().__init__(
            f"{found} would remove {removing:,} of the {present:,} files that are there. "
            f"The repository lets a sync remove {limit} % without asking, so nothing was changed. "
            "If that is what you want, confirm it."
        )
        self.removing = removing


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
