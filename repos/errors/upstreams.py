"""What upstreams do wrong: lists that cannot be read, files that do not come, too much gone at once."""

from .. import units
from ..words import later, say, say_by
from . import MillraceError


class BadList(MillraceError):
    """An upstream's list that cannot be read; `line` counts from 1, 0 where it is about the whole.

    `advice` says what to do, where it is not the upstream that has to mend its list.
    """

    code = "list"

    def __init__(self, url: str, why: str, line: int = 0, *, advice: str = "") -> None:
        where = later("Line {line} of {url} {why}.") if line else later("The list at {url} {why}.")
        advice = advice or say("It has to be mended upstream.")
        unchanged = say("Nothing was changed here.")
        super().__init__(f"{say(where, line=line, url=url, why=why)} {advice} {unchanged}")
        self.url = url
        self.line = line


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
        self.why = say("{why}, at the address to which it redirects: {where}", why=self.why, where=where)


class FilesFailed(MillraceError):
    """A sync in which `count` files could not be fetched; the job's failed files list them."""

    code = "files"

    def __init__(self, count: int, first: str) -> None:
        super().__init__(
            say_by(
                count,
                "{count} file could not be fetched, so no version was made: {first} "
                "What was fetched is kept: the next run fetches only the rest.",
                "{count} files could not be fetched, so no version was made. The first: {first} "
                "What was fetched is kept: the next run fetches only the rest.",
                count=units.number(count),
                first=first,
            )
        )
        self.count = count


class BrakePulled(MillraceError):
    """A mirror's sync that would remove `removing` files, more than `limit` percent of those that are `present`.

    `url` is that of the list, `first` are the paths of some of them; `empty` says that the list has no file at all.
    """

    code = "brake"

    def __init__(self, removing: int, present: int, limit: int, *, url: str, first: list[str], empty: bool) -> None:
        names = ", ".join([*(f"“{path}”" for path in first), *(["…"] if removing > len(first) else [])])
        found = (
            later("The list at {url} is empty: the sync would remove {removing} of {present} files ({names}).")
            if empty
            else later("The sync with the list at {url} would remove {removing} of {present} files ({names}).")
        )
        would = say(found, url=url, removing=units.number(removing), present=units.number(present), names=names)
        stopped = say(
            "This mirror lets go of {limit} % without asking, so nothing was changed. Confirm it if that is right.",
            limit=limit,
        )
        super().__init__(f"{would} {stopped}")
        self.removing = removing
