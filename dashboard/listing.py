"""A folder of /content/ as a page or as JSON, in blocks of bytes: however many entries it has, few are held at once."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from html import escape
from urllib.parse import quote

from django.core.handlers.wsgi import WSGIRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from repos import paths, units
from repos.published import Entry, Folder

from .arranging import Look, arranged, look, named, turned

# Bytes, or a little more, in a block. Most folders are in the first.
BLOCK = 65536
# A name that stands for itself, in an address and on a page.
_PLAIN = re.compile(r"[\w.~-]+", re.ASCII)
# Where the rendered page is cut; no name can have it, as none has a control character.
_CUT = "\x00"
# What can be sorted by: as the address has it, and the word of the column.
_COLUMNS = (("name", _("Name")), ("size", _("Size")), ("modified", _("Modified (UTC)")))


def wants_json(request: WSGIRequest) -> bool:
    """By `?format=json` or `?format=html`, else by what the client would rather accept."""
    query = request.META.get("QUERY_STRING", "").split("&")
    if "format=json" in query or "format=html" in query:
        return "format=json" in query
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def as_html(folder: Folder, query: str = "") -> Iterator[bytes]:
    """`query` of the address says how the folder is looked at (see arranging.py)."""
    return _blocks(_html(folder, look(query)))


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


def _html(folder: Folder, asked: Look) -> Iterator[str]:
    """The frame is a template. The rows are not: a template takes ten times as long over each."""
    entries, look = arranged(folder.entries, asked)
    head, between, foot = _frame(folder.path, look, unsorted=look != asked).split(_CUT)
    row = _row_with_digest if look.digests else _row
    folders = files = size = 0
    yield head
    for entry in entries:
        yield row(entry)
        if entry.file is None:
            folders += 1
        else:
            files += 1
            size += entry.file.size
    yield between
    yield _summary(folders, files, size)
    yield foot


def _frame(path: str, look: Look, *, unsorted: bool) -> str:
    sort = named(look)
    context = {
        "path": paths.shown(path),
        "trail": _trail(path),
        "columns": [_column(name, word, look) for name, word in _COLUMNS],
        "look": look,
        "sort": "" if sort == "name" else sort,
        "unsorted": unsorted,
        "cut": _CUT,
    }
    return render_to_string("content/listing.html", context)


def _column(name: str, word: object, look: Look) -> dict[str, object]:
    way = "descending" if look.down else "ascending"
    return {"word": word, "turned": turned(look, name), "sorted": way if name == look.by else ""}


def _trail(path: str) -> list[tuple[str, str]]:
    """From the root to the folder itself: names and relative links."""
    names = ["content", *paths.shown(path).split("/")[:-1]]
    return [(name, "../" * (len(names) - depth) or "./") for depth, name in enumerate(names, 1)]


def _row(entry: Entry) -> str:
    name, file = entry
    if file is None:
        href = _href(entry)
        return f'<tr class="folder"><td><a href="{href}">{_shown(entry, href)}</a><td><td>\n'
    # What stands for itself, as most names do, has nothing to quote and nothing to escape.
    href = shown = name
    if not _PLAIN.fullmatch(name):
        href = _href(entry)
        shown = _shown(entry, href)
    return f'<tr><td><a href="{href}">{shown}</a>{_size(file.size)}{_date(file.modified)}\n'


def _shown(entry: Entry, href: str) -> str:
    return href if href == entry.path else escape(paths.shown(entry.path))


def _row_with_digest(entry: Entry) -> str:
    return f"{_row(entry)[:-1]}<td>{entry.file.sha256 if entry.file else ''}\n"


# Many files of a folder have the same size, and nearly all one of a few dates.
@lru_cache(maxsize=16384)
def _size(size: int) -> str:
    return f'<td title="{size:,} bytes">{units.size(size)}'


@lru_cache(maxsize=1024)
def _date(modified: datetime) -> str:
    return f"<td>{modified:%Y-%m-%d}<span> {modified:%H:%M}</span>"


def _href(entry: Entry) -> str:
    """Relative to the folder. Also a colon is quoted: what is in front of one would be taken for a scheme."""
    quoted = entry.name if _PLAIN.fullmatch(entry.name) else quote(entry.name, safe="")
    return quoted if entry.file else f"{quoted}/"


def _summary(folders: int, files: int, size: int) -> str:
    return ", ".join([units.counted(folders, "folder"), units.counted(files, "file"), units.size(size)])


# ---- as JSON -----------------------------------------------------------------------------------------------


def _json(address: str, entries: Iterable[Entry]) -> Iterator[str]:
    before = "[\n"
    for entry in entries:
        yield before + _object(address, entry)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _object(address: str, entry: Entry) -> str:
    """By hand but for the name: the general way takes three times as long, and this is done for each of many files."""
    name, file, href = _json_string(entry.name), entry.file, _href(entry)
    if file is None:
        rest = '"size": null, "sha256": null, "modified": null'
        return f'{{"name": {name}, "type": "folder", "url": "{address}{href}", {rest}}}'
    rest = f'"size": {file.size}, "sha256": "{file.sha256}", "modified": "{_iso(file.modified)}"'
    return f'{{"name": {name}, "type": "file", "url": "{address}{href}", {rest}}}'


_json_string = json.JSONEncoder(ensure_ascii=False).encode


@lru_cache(maxsize=1024)
def _iso(modified: datetime) -> str:
    return modified.isoformat()
