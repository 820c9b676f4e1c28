"""Looking at an upstream without syncing from it: what its list says, or what is wrong and what to do about that.

It takes little time and little room: two requests, each with a deadline, and a list that is thrown away when read.
"""

import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from . import causes, conf, transport, units
from .errors import MillraceError
from .errors.upstreams import BadList, FetchFailed
from .fetch import Fetched, Fetcher
from .manifest import Entry
from .models import Remote
from .pool import Workspace
from .sources import Source, source_of
from .transport import Transport
from .words import later, say

# For each of the two requests.
SECONDS = 20
MAX_LIST_BYTES = 64_000_000
# A first file up to this size is fetched whole, and compared with what the list says.
MAX_FILE_BYTES = 1_000_000
SAMPLE = 8
# Seconds after which a check's folder can only be one that a killed process has left.
_LEFT_BEHIND = 3600


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `cause` is the class of what is wrong, empty if nothing is; the sentences are for people.

    `url` is that of the list, `what` says which kind of list it is. Sizes are in bytes. What was found before something
    went wrong is told as well.
    """

    url: str
    sentence: str
    cause: str = ""
    advice: str = ""
    files: int = 0
    size: int = 0
    sample: tuple[str, ...] = ()
    list_size: int = 0
    last_modified: str = ""
    first_file: str = ""
    what: str = ""

    @property
    def fine(self) -> bool:
        return not self.cause


@dataclass(frozen=True, slots=True)
class _Listed:
    """What a list says: how many files and bytes, and the first of them."""

    files: int
    size: int
    first: tuple[Entry, ...]


def check_remote(remote: Remote) -> Finding:
    """What is found at a remote, which need not be stored."""
    try:
        return check(transport.of(remote), remote.url, remote.kind)
    except MillraceError as error:
        return Finding(remote.url, str(error), error.code)


def check(transport: Transport, url: str, kind: str) -> Finding:
    """Fetches and reads the list at `url`, and asks for its first file. Whatever is wrong upstream is in the answer.

    Raises SecretLost and InvalidValue for what is wrong with `transport` itself.
    """
    _sweep()
    deadline = min(transport.deadline or SECONDS, SECONDS)
    quick = replace(transport, tries=1, deadline=deadline, concurrency=1)
    source = source_of(Remote(url=url, kind=kind))
    with Workspace(f"check-{uuid.uuid4().hex}") as folder, Fetcher(quick) as fetcher:
        return _look(source, url, fetcher, folder / "file")


def _look(source: Source, url: str, fetcher: Fetcher, file: Path) -> Finding:
    try:
        answer = fetcher.fetch(source.list_url, file, limit=MAX_LIST_BYTES)
        listed = _read(source, file)
    except FetchFailed as error:
        return _no_list(source.list_url, url, error)
    except BadList as error:
        return Finding(source.list_url, str(error), "not_a_manifest", _advice_on(url, html=_is_html(file)))
    return _found(source, answer, listed, _ask_for_first(source, listed, fetcher, file))


def _read(source: Source, file: Path) -> _Listed:
    """Raises BadList."""
    files = size = 0
    first: list[Entry] = []
    with file.open("rb") as stream:
        for entry in source.entries(stream):
            files, size = files + 1, size + entry[2]
            if len(first) < SAMPLE:
                first.append(entry)
    return _Listed(files, size, tuple(first))


def _ask_for_first(source: Source, listed: _Listed, fetcher: Fetcher, file: Path) -> FetchFailed | None:
    """Why the first file cannot be had, if so. A small one is compared; of a large one, that it comes is enough."""
    if not listed.first:
        return None
    path, sha256, size = listed.first[0]
    try:
        if size <= MAX_FILE_BYTES:
            fetcher.fetch(source.url_of(path), file, sha256=sha256, size=size)
        else:
            fetcher.fetch(source.url_of(path), file, limit=0)
    except FetchFailed as error:
        return None if error.cause == "limit" else error
    return None


def _found(source: Source, answer: Fetched, listed: _Listed, failed: FetchFailed | None) -> Finding:
    count = units.counted(listed.files, "file")
    found = Finding(
        source.list_url,
        say("The list has {files} with {size} in all.", files=count, size=units.size(listed.size)),
        files=listed.files,
        size=listed.size,
        sample=tuple(path for path, _, _ in listed.first),
        list_size=answer.size,
        last_modified=answer.last_modified,
        what=say(source.what),
    )
    if not listed.files:
        return replace(found, sentence=say("The list is there, but names no file."))
    path, _, size = listed.first[0]
    if failed is None:
        right = later("{path} is there, and is what the list says.")
        there = later("{path} is there.")
        return replace(found, first_file=say(right if size <= MAX_FILE_BYTES else there, path=path))
    sentence = say("The list has {files}, but the first of them cannot be had. {why}.", files=count, why=failed)
    return replace(found, sentence=sentence, cause=causes.kind(failed), advice=causes.advice(failed))


def _no_list(list_url: str, url: str, error: FetchFailed) -> Finding:
    kind, advice = causes.kind(error), causes.advice(error)
    if error.cause == "limit":
        limit = units.size(conf.max_list_bytes())
        advice = say("It was broken off there and not read. A sync would read a list of up to {limit}.", limit=limit)
    elif error.cause == "deadline":
        longer = say("A sync waits longer than a check, which ends after {seconds} seconds.", seconds=SECONDS)
        advice = f"{advice} {longer}"
    elif kind == "not_found":
        advice = _advice_on(url, html=False)
    return Finding(list_url, f"{error}.", kind, advice)


def _advice_on(url: str, *, html: bool) -> str:
    """What to do where the list is not at its address."""
    if url.partition("?")[0].endswith("/"):
        return say(
            "The folder has no PULP_MANIFEST, the list of files that Millrace reads. Name another folder, or ask who "
            "runs the upstream to make one."
        )
    if url.endswith("PULP_MANIFEST") and not html:
        return say("Look whether the address is right: open it in a browser.")
    return say("Put a slash at the end of the address if it is a folder; else give that of its PULP_MANIFEST.")


def _is_html(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _sweep() -> None:
    """Takes away what checks that were killed have left."""
    for folder in (conf.data() / "work").glob("check-*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(folder, ignore_errors=True)
