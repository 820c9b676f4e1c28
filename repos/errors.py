"""What can go wrong, each with one sentence that a user can act on.

`code` names the class for programs; the message is for people and stands on pages, in the terminal and in the log.
"""


class MillraceError(Exception):
    """The root. Its text is shown to users as it is, so it must not hold a secret."""

    code = "error"


class InvalidPath(MillraceError):
    """A path from outside that cannot be used: `path` as given, and why."""

    code = "path"

    def __init__(self, path: str, why: str) -> None:
        shown = path if len(path) <= 100 else path[:97] + "…"
        super().__init__(f"the path {shown!r} {why}.")
        self.path = path


class InvalidName(MillraceError):
    code = "name"


class InvalidUrl(MillraceError):
    code = "url"


class BasePathTaken(MillraceError):
    """A base path that equals, lies in or lies above that of another distribution, `other`."""

    code = "base_path"

    def __init__(self, base_path: str, other: str) -> None:
        how = "is already used by" if base_path == other else "overlaps with"
        super().__init__(f"The base path “{base_path}” {how} the distribution at “{other}”. Choose another.")
        self.base_path = base_path
        self.other = other


class NameTaken(MillraceError):
    code = "name"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a repository called “{name}”. Choose another name.")
        self.name = name


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
