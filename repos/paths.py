"""Paths from outside: the one place that says which are legal. Strings in, values out."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from .errors import InvalidPath, PathInTheWay

# In UTF-8. What an S3 key may have, and what fits an index of PostgreSQL.
MAX_BYTES = 1024
MAX_BASE_PATH = 255

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SIMPLE = re.compile(r"(?:[\w+,=@~-][\w.+,=@~-]*/)*[\w+,=@~-][\w.+,=@~-]*", re.ASCII)


def checked(path: str) -> str:
    """`path` itself if it is a canonical relative path; else raises InvalidPath, which says why not.

    Any Unicode is legal but control characters, backslashes and what UTF-8 cannot encode.
    """
    # Nearly all paths are plain: one match settles them.
    if len(path) <= MAX_BASE_PATH and _SIMPLE.fullmatch(path):
        return path
    if why := _fault(path):
        raise InvalidPath(path, why)
    return path


def _fault(path: str) -> str:
    if not path:
        return "is empty"
    if _CONTROL.search(path):
        return "has a control character in it"
    if "\\" in path:
        return "has a backslash in it"
    if path.startswith("/"):
        return "is absolute"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "has an empty part, “.” or “..” in it"
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return f"is longer than {MAX_BYTES} bytes" if length > MAX_BYTES else ""


def base_path(text: str) -> str:
    """The canonical form of a base path as a person types it: without slashes at its ends.

    Raises InvalidPath for what cannot be one: besides what `checked` refuses, spaces and the signs that
    would have to be quoted in an address (`?`, `#`, `%`), and more than 255 characters.
    """
    path = checked(text.strip().strip("/"))
    if len(path) > MAX_BASE_PATH:
        raise InvalidPath(path, f"is longer than {MAX_BASE_PATH} characters")
    if found := re.search(r"[\s?#%]", path):
        sign = "a space" if found[0].isspace() else f"“{found[0]}”"
        raise InvalidPath(path, f"has {sign} in it, which would have to be quoted in every address")
    return path


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


def content_url(base_path: str, path: str = "") -> str:
    """The address, from the server's root, of a file (or, without `path`, of the top folder) of a distribution."""
    return f"/content/{quote(base_path)}/{quote(path)}"
