"""Somebody who copies what is served, as a whole, again and again: by the list, and every byte compared with it."""

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import requests

from bench.moving import Digests, read, sha256
from bench.visitor import PATIENCE, Answer, Tally

LIST = "PULP_MANIFEST"


@dataclass(frozen=True)
class Doubt:
    """A file that was not what the list says, though the list has not changed since: two switches may explain it."""

    base_path: str
    path: str
    found: str
    begun: datetime
    ended: datetime


@dataclass
class Copies:
    """What all downloaders got. `lists` are the digests of the lists that were seen at each base path."""

    sets: int = 0
    files: int = 0
    size: int = 0
    # Sets that were begun anew, since the list had changed meanwhile and a file with it.
    moved: int = 0
    lists: set[tuple[str, str]] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Downloader:
    """Reads the list, then all that it names. If a file is not as listed, the list is read again."""

    def __init__(self, address: str, base_paths: list[str], tally: Tally, copies: Copies, dice: random.Random) -> None:
        self._address, self._base_paths = address, base_paths
        self._tally, self._copies, self._dice = tally, copies, dice
        self._session = requests.Session()

    def copy(self) -> None:
        """One whole set, unless it moves meanwhile."""
        base_path, begun = self._dice.choice(self._base_paths), datetime.now(UTC)
        listed, digest = self._list(base_path)
        for path, expected in listed.items():
            found = self._get(base_path, path)
            if found != expected:
                self._look_again(base_path, path, found, digest, begun)
                return
        with self._copies.lock:
            self._copies.sets += bool(listed)

    def _look_again(self, base_path: str, path: str, found: str, digest: str, begun: datetime) -> None:
        _, now = self._list(base_path)
        with self._copies.lock:
            if now != digest:
                self._copies.moved += 1
            else:
                self._copies.doubts.append(Doubt(base_path, path, found, begun, datetime.now(UTC)))

    def _list(self, base_path: str) -> tuple[Digests, str]:
        """What is listed, and the digest of the list; nothing where nothing is published yet."""
        answer = self._ask(base_path, LIST, "list")
        if answer is None or answer.status_code == 404:
            return {}, ""
        digest = sha256(answer.content)
        with self._copies.lock:
            self._copies.lists.add((base_path, digest))
        return read(answer.content), digest

    def _get(self, base_path: str, path: str) -> str:
        """The digest of what is found there, or the status."""
        answer = self._ask(base_path, path, "download")
        if answer is None or answer.status_code != 200:
            self._tally.complain(f"{base_path}/{path} is listed: {answer.status_code if answer else 'no answer'}")
            return "nothing"
        digest = sha256(answer.content)
        if answer.headers.get("ETag") != f'"{digest}"':
            self._tally.complain(f"{base_path}/{path} has the sha256 {digest}, and the ETag {answer.headers['ETag']}")
        with self._copies.lock:
            self._copies.files, self._copies.size = self._copies.files + 1, self._copies.size + len(answer.content)
        return digest

    def _ask(self, base_path: str, path: str, kind: str) -> requests.Response | None:
        begun, where = time.monotonic(), f"/content/{base_path}/{quote(path)}"
        try:
            response = self._session.get(self._address + where, timeout=PATIENCE)
        except requests.RequestException as error:
            self._tally.add(kind, where, Answer(0, str(error)), time.monotonic() - begun)
            return None
        self._tally.add(kind, where, Answer(response.status_code), time.monotonic() - begun)
        return response
