"""Paths from outside: the one place that says which are legal. Strings in, values out."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from .errors.refusals import PathInTheWay
from .errors.values import InvalidPath
from .words import say

# In UTF-8. What an S3 key may have, and what fits an index of PostgreSQL.
MAX_BYTES = 1024
MAX_BASE_PATH = 255

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SIMPLE = re.compile(r"(?:[\w+,=@~-][\w.+,=@~-]*/)*[\w+,=@~-][\w.+,=@~-]*", re.ASCII)


def checked(path: str) -> str:
    """`path` itself if it is a canonical relative path; else raises InvalidPath, which says why not.

    Any Unicode is legal but control characters, backslashes and what UTF-8 cannot encode; and a path may not begin
    as a list of files never gives one back: with the `#` of a comment, or with a byte-order mark.
    """
    # Nearly all paths are plain: one match settles them.
    if len(path) <= MAX_BASE_PATH and _SIMPLE.fullmatch(path):
        return path
    if why := _false_start(path) or _fault(path):
        raise InvalidPath(path, why, say("Choose another path."))
    return path


def is_part(name: str) -> bool:
    """Whether a path, below its beginning, can have a file or folder of this name."""
    return "/" not in name and not _fault(name)


def _false_start(path: str) -> str:
    if path.startswith("#"):
        return say("begins with “#”, so every list of files that names it would be read as if that were a comment")
    if path.startswith("\ufeff"):
        return say("begins with a byte-order mark, which readers of a list of files drop")
    return ""


def _fault(path: str) -> str:
    if not path:
        return say("is empty")
    if _CONTROL.search(path):
        return say("has a control character in it")
    if "\\" in path:
        return say("has a backslash in it")
    if path.startswith("/"):
        return say("is absolute")
    if any(part in ("", ".", "..") for part in path.split("/")):
        return say("has an empty part, “.” or “..” in it")
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return say("is not valid Unicode")
    return say("is longer than {most} bytes", most=MAX_BYTES) if length > MAX_BYTES else ""


def base_path(text: str) -> str:
    """The canonical form of a base path as a person types it: without slashes at its ends.

    Raises InvalidPath for what cannot be one: besides what `checked` refuses, spaces and the signs that
    would have to be quoted in an address (`?`, `#`, `%`), and more than 255 characters.
    """
    path = text.strip().strip("/")
    if why := _fault(path) or _fault_of_base(path) or _false_start(path):
        advice = say("Use words without spaces, parted by “/”, such as “docs/python”.")
        raise InvalidPath(path, why, advice, noun="base path")
    return path


def _fault_of_base(path: str) -> str:
    if len(path) > MAX_BASE_PATH:
        return say("is longer than {most} characters", most=MAX_BASE_PATH)
    # What would have to be quoted in every address.
    found = re.search(r"[\s?#%]", path)
    if found is None:
        return ""
    return say("has a space in it") if found[0].isspace() else say("has “{sign}” in it", sign=found[0])


def clash(one: str, other: str) -> bool:
    """Whether one of two base paths equals the other or lies inside it, by path segment."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def prefixes(path: str) -> list[str]:
    """`path` and the folders above it, the topmost first."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]


def unnested(sorted_paths: Iterable[str]) -> Iterator[str]:
    """Passes on paths that come in order. Raises PathInTheWay at the first that is to lie in a file before it."""
    above: list[str] = []
    for path in sorted_paths:
        while above and not path.startswith(above[-1]):
            above.pop()
        for file in above:
            if path[len(file)] == "/":
                raise PathInTheWay(file, path)
        above.append(path)
        yield path


def shown(path: str) -> str:
    """`path` for people's eyes: marks that turn the direction of writing would let it pass for another."""
    return _TURNING.sub(lambda mark: f"\\u{ord(mark[0]):04x}", path)


def content_url(base_path: str, path: str = "") -> str:
    """The address, from the server's root, of a file (or, without `path`, of the top folder) of a distribution."""
    return f"/content/{quote(base_path)}/{quote(path)}"
