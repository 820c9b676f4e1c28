"""The PULP_MANIFEST format: a line `path,sha256,size` for each file. Bytes in, entries out, and the other way.

Source: Pulp's file plugin. Blank lines and lines that begin with `#` are skipped, a path may have commas in it (the
line is split from the right), digests are compared without case.
"""

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

from . import paths, units
from .errors.upstreams import BadList
from .errors.values import InvalidPath
from .words import later, say

# A file as a list names it: path, sha256 (64 hexadecimal digits, lower case), size in bytes.
Entry = tuple[str, str, int]

MAX_ENTRIES = 10_000_000
# In bytes: the longest path, a digest, a size and two commas, with room to spare.
MAX_LINE = 4096

# How many bytes are read at once: lines that are not plain cost their neighbours little.
_BLOCK = 1 << 14

# A line with nothing in it that would have to be looked at closer; no part of the path begins with a dot.
_PLAIN = re.compile(
    r"^((?:[\w+=@~-][\w.+=@~-]*+/)*+[\w+=@~-][\w.+=@~-]*+),([0-9a-f]{64}),([0-9]{1,18})\r?$", re.ASCII | re.MULTILINE
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,18}")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
# What a server sends in place of a list: its sign-in page, a folder's index, the page of an error with status 200.
_WEB_PAGE = re.compile(rb"\s*<(!doctype|html|head|\?xml)", re.IGNORECASE)
_NO_WEB_PAGE = later("Give the address of the list itself, or that of its folder with a slash at its end.")


def read(stream: BinaryIO, url: str) -> Iterator[Entry]:
    """Yields the entries of the manifest in `stream`, in its order. Raises BadList, naming `url` and the line."""
    number = 0
    for block in _blocks(stream):
        entries = _plain(block)
        if entries is None or number + len(entries) > MAX_ENTRIES:
            yield from _each(block, number, url)
        else:
            yield from entries
        number += block.count(b"\n")


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yields some hundred whole lines at once. A line that is too long may come in pieces, each too long."""
    first = stream.read(_BLOCK).removeprefix(_BYTE_ORDER_MARK)
    block = first + stream.readline(MAX_LINE)
    while block:
        yield block
        block = stream.read(_BLOCK) + stream.readline(MAX_LINE)


def _plain(block: bytes) -> list[Entry] | None:
    """The entries of these lines where all of them are as nearly all are: one expression settles them, in C."""
    try:
        text = block.decode("ascii")
    except UnicodeDecodeError:
        return None
    found = _PLAIN.findall(text)
    if len(found) != text.count("\n") + (not text.endswith("\n")):
        return None
    entries = [(path, sha256, int(size)) for path, sha256, size in found]
    return entries if max(len(path) for path, _, _ in entries) <= paths.MAX_BYTES else None


def _each(block: bytes, before: int, url: str) -> Iterator[Entry]:
    """The same line by line, with what is wrong with one in words; `before` lines came before these."""
    for number, line in enumerate(BytesIO(block), before + 1):
        if len(line) >= MAX_LINE:
            raise BadList(
                url,
                say("is longer than {most} bytes, and so no line of a list of files", most=units.number(MAX_LINE)),
                number,
            )
        if number > MAX_ENTRIES:
            raise BadList(
                url,
                say("is one too many: at most {most} are read", most=units.number(MAX_ENTRIES)),
                number,
            )
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        if not text.strip() or text.startswith(b"#"):
            continue
        try:
            yield _entry(text)
        except InvalidPath as error:
            raise BadList(url, say("cannot be read: {reason}", reason=error.reason), number) from None
        except ValueError as error:
            advice = say(_NO_WEB_PAGE) if _WEB_PAGE.match(text) else ""
            raise BadList(url, say("cannot be read: {error}", error=error), number, advice=advice) from None


def _entry(line: bytes) -> Entry:
    try:
        path, digest, size = line.decode().rsplit(",", 2)
    except UnicodeDecodeError:
        gzip = later("it is not valid UTF-8, but looks like gzip")
        raise ValueError(say(gzip if line.startswith(_GZIP) else later("it is not valid UTF-8"))) from None
    except ValueError:
        page = later("it is not of the form path,sha256,size, but looks like a web page")
        other = later("it is not of the form path,sha256,size")
        raise ValueError(say(page if _WEB_PAGE.match(line) else other)) from None
    digest, size = digest.strip().lower(), size.strip()
    if not _SHA256.fullmatch(digest):
        raise ValueError(say("{digest} is not a sha256 of 64 hexadecimal digits", digest=repr(digest[:80])))
    if not _SIZE.fullmatch(size):
        raise ValueError(say("{size} is not a size in bytes", size=repr(size[:40])))
    return paths.checked(path), digest, int(size)


def write(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yields the lines of a manifest of `entries`."""
    for path, sha256, size in entries:
        yield f"{path},{sha256},{size}\n".encode()
