"""What a repository of an upstream could be called, and where it could be served, by the upstream's address."""

import re
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from . import base_paths, names, paths
from .models import Remote, Repository

# Segments that say nothing of what is there, and names of hosts that say nothing of whose they are.
_EMPTY = {
    *("pub", "public", "files", "file", "download", "downloads", "dist", "data", "content", "mirror", "mirrors"),
    *("repo", "repos", "repository", "archive", "archives", "static", "www", "web", "pulp", "http", "https", "ftp"),
}
# A list of files is named by a segment that ends so, or is all of it.
_LIST = re.compile(r"PULP_MANIFEST|.*\.(?:txt|html?|csv|json)", re.IGNORECASE)
_LONGEST = 60


class Proposal(NamedTuple):
    name: str
    base_path: str


def propose(url: str) -> Proposal:
    """A name that is free for a repository and its remote, and a base path that clashes with none.

    Whoever takes them may still come too late.
    """
    words = telling(url)
    return Proposal(_free_name("-".join(words)), _free_base_path("/".join(words)))


def telling(url: str) -> list[str]:
    """The last one or two words of an address that tell what is there; at least one.

    Two, where the last is but a version, as in `…/fedora/40/`, or is short.
    """
    parts = urlsplit(url)
    segments = [_word(one) for one in unquote(parts.path).split("/") if not _LIST.fullmatch(one)]
    found = [one for one in segments if one and one.lower() not in _EMPTY]
    if not found:
        return [_owner(parts.hostname or "")]
    last = found[-2:] if _says_little(found[-1]) else found[-1:]
    return last if len(last) == 2 or not _says_little(last[0]) else [_owner(parts.hostname or ""), *last]


def _word(segment: str) -> str:
    """What of a segment can be in a name and in an address."""
    return re.sub(r"[^\w.+~-]+", "-", segment, flags=re.ASCII).strip("-.")[:_LONGEST]


def _says_little(word: str) -> bool:
    return len(re.sub(r"[^a-z]", "", word, flags=re.IGNORECASE)) < 3 or word.lower() in ("latest", "stable", "current")


def _owner(host: str) -> str:
    """The word of a host's name that tells whose it is: `example` of `downloads.example.org`."""
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        return "files"
    labels = [_word(one) for one in host.split(".")]
    meant = [one for one in labels[:-1] if one and one.lower() not in _EMPTY]
    return (meant or [one for one in labels if one] or ["files"])[-1]


def _free_name(name: str) -> str:
    name = name[: names.MAX_LENGTH - 5]
    alike = (model.objects.filter(name__startswith=name) for model in (Repository, Remote))
    taken = {one for rows in alike for one in rows.values_list("name", flat=True)}
    return next(one for one in _numbered(name) if one not in taken)


def _free_base_path(path: str) -> str:
    usable = paths.base_path(path)
    return next(one for one in _numbered(usable) if base_paths.clashing(one) is None)


def _numbered(text: str) -> Iterator[str]:
    yield text
    yield from (f"{text}-{number}" for number in count(2))
