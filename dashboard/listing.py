"""A folder of /content/ as a page or as JSON, in blocks of bytes: however many entries it has, few are held at once."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from django.core.handlers.wsgi import WSGIRequest
from django.template.loader import render_to_string

from repos import paths, units
from repos.published import Entry, Folder

# Bytes, or a little more, in a block. Most folders are in the first.
BLOCK = 65536
# Where the rendered page is cut; no name can have it, as none has a control character.
_CUT = "\x00"


def wants_json(request: WSGIRequest) -> bool:
    """By `?format=json` or `?format=html`, else by what the client would rather accept."""
    query = request.META.get("QUERY_STRING", "").split("&")
    if "format=json" in query or "format=html" in query:
        return "format=json" in query
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def as_html(folder: Folder) -> Iterator[bytes]:
    return _blocks(_html(folder))


def as_json(address: str, folder: Folder) -> Iterator[bytes]:
    """A list of objects; `address` is the folder's path from the server's root, not quoted."""
    return _blocks(_json(quote(address), folder.entries))


def _blocks(pieces: Iterable[str]) -> Iterator[bytes]:
    block, length = [], 0
    for piece in pieces:
        block.append(piece)
        length += len(piece)
        if length >= BLOCK:
            yield "".join(block).encode()
            block, length = [], 0
    yield "".join(block).encode()


# ---- as a page ---------------------------------------------------------------------------------------------


def _html(folder: Folder) -> Iterator[str]:
    """The frame is a template. The rows are not: a template takes ten times as long over each."""
    context = {"path": paths.shown(folder.path), "trail": _trail(folder.path), "cut": _CUT}
    page = render_to_string("content/listing.html", context)
    head, between, foot = page.split(_CUT)
    folders = files = size = 0
    yield head
    for entry in folder.entries:
        yield _row(entry)
        folders += entry.file is None
        files += entry.file is not None
        size += entry.file.size if entry.file else 0
    yield between
    yield _summary(folders, files, size)
    yield foot


def _trail(path: str) -> list[tuple[str, str]]:
    """From the root to the folder itself: names and relative links."""
    names = ["content", *paths.shown(path).split("/")[:-1]]
    return [(name, "../" * (len(names) - depth) or "./") for depth, name in enumerate(names, 1)]


def _row(entry: Entry) -> str:
    href, name = _href(entry), escape(paths.shown(entry.path))
    if entry.file is None:
        return f'<tr class="folder"><td><a href="{href}">{name}</a><td><td>\n'
    size, modified = entry.file.size, entry.file.modified
    return (
        f'<tr><td><a href="{href}">{name}</a><td title="{size:,} bytes">{units.size(size)}'
        f"<td>{modified:%Y-%m-%d}<span> {modified:%H:%M}</span>\n"
    )


def _href(entry: Entry) -> str:
    """Relative to the folder. Also a colon is quoted: what is in front of one would be taken for a scheme."""
    return quote(entry.name, safe="") + ("" if entry.file else "/")


def _summary(folders: int, files: int, size: int) -> str:
    return ", ".join([units.counted(folders, "folder"), units.counted(files, "file"), units.size(size)])


# ---- as JSON -----------------------------------------------------------------------------------------------


def _json(address: str, entries: Iterable[Entry]) -> Iterator[str]:
    before = "[\n"
    for entry in entries:
        yield before + json.dumps(_object(address, entry), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _object(address: str, entry: Entry) -> dict[str, Any]:
    file = entry.file
    return {
        "name": entry.name,
        "type": "file" if file else "folder",
        "url": address + _href(entry),
        "size": file.size if file else None,
        "sha256": file.sha256 if file else None,
        "modified": file.modified.isoformat() if file else None,
    }
