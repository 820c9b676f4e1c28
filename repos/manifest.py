"""The PULP_MANIFEST format: a line `path,sha256,size` for each file. Bytes in, entries out, and the other way.

Source: Pulp's file plugin. Blank lines and lines that begin with `#` are skipped, a path may have commas in it (the
line is split from the right), digests are compared without case.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from . import paths
from .errors import BadList, InvalidPath

# A file as a list names it: path, sha256 (64 hexadecimal digits, lower case), size in bytes.
Entry = tuple[str, str, int]

MAX_ENTRIES = 10_000_000
# In bytes: the longest path, a digest, a size and two commas, with room to spare.
MAX_LINE = 4096

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,18}")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
# What a server sends in place of a list: its sign-in page, a folder's index, the page of an error with status 200.
_WEB_PAGE = re.compile(rb"\s*<(!doctype|html|head|\?xml)", re.IGNORECASE)
_NO_WEB_PAGE = "Give the address of the list itself, or that of its folder with a slash at its end."


def read(stream: BinaryIO, url: str) -> Iterator[Entry]:
    """Yields the entries of the manifest in `stream`, in its order. Raises BadList, naming `url` and the line."""
    for number, line in enumerate(_lines(stream), 1):
        if len(line) >= MAX_LINE:
            raise BadList(url, f"is longer than {MAX_LINE:,} bytes, and so no line of a list of files", number)
        if number > MAX_ENTRIES:
            raise BadList(url, f"is one too many: at most {MAX_ENTRIES:,} are read", number)
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        if not text.strip() or text.startswith(b"#"):
            continue
        try:
            yield _entry(text)
        except InvalidPath as error:
            raise BadList(url, f"cannot be read: {error.reason}", number) from None
        except ValueError as error:
            advice = _NO_WEB_PAGE if _WEB_PAGE.match(text) else ""
            raise BadList(url, f"cannot be read: {error}", number, advice=advice) from None


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.readline(MAX_LINE + len(_BYTE_ORDER_MARK)).removeprefix(_BYTE_ORDER_MARK)
    if first:
        yield first
    while line := stream.readline(MAX_LINE):
        yield line


def _entry(line: bytes) -> Entry:
    try:
        path, digest, size = line.decode().rsplit(",", 2)
    except UnicodeDecodeError:
        gzip = ", but looks like gzip" if line.startswith(_GZIP) else ""
        raise ValueError(f"it is not valid UTF-8{gzip}") from None
    except ValueError:
        page = ", but looks like a web page" if _WEB_PAGE.match(line) else ""
        raise ValueError(f"it is not of the form path,sha256,size{page}") from None
    digest, size = digest.strip().lower(), size.strip()
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"{digest[:80]!r} is not a sha256 of 64 hexadecimal digits")
    if not _SIZE.fullmatch(size):
        raise ValueError(f"{size[:40]!r} is not a size in bytes")
    return paths.checked(path), digest, int(size)


def write(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yields the lines of a manifest of `entries`."""
    for path, sha256, size in entries:
        yield f"{path},{sha256},{size}\n".encode()
