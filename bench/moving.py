"""An upstream that is never the same twice, and that knows what it was asked for."""

import hashlib
import random
from pathlib import Path

from tests.misbehaviour import Delay
from tests.upstream import EVERY_FILE, MANIFEST, Upstream

Digests = dict[str, str]

# Below this folder all files have the same bytes, and others in each round: many rows for one request, so that to
# write a version takes several transactions.
ALIKE, HOW_MANY = "alike", 1200


class Moving:
    """Serves on loopback while its `with` block runs. But for those alike, no two files ever have the same bytes."""

    def __init__(self, name: str, *, mirror: bool, files: int, dice: random.Random) -> None:
        self.name = name
        self.mirror = mirror
        self.upstream = Upstream()
        # What has to be served before, and after, the job of this round.
        self.before: Digests = {}
        self.expected: Digests = {}
        self._dice = dice
        self._number = 0
        self._marks: list[tuple[set[str], int]] = []
        for _ in range(files):
            self._write(f"set-{self._number % 7}/file {self._number}.bin")
        self._write_those_alike()
        self.expected = dict(self.upstream.digests)

    def __enter__(self) -> "Moving":
        self.upstream.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.upstream.stop()

    def _write(self, path: str) -> None:
        """Gives a file bytes that no other file ever had."""
        self._number += 1
        size = self._dice.choice((0, 0, 700, 3_000, 3_000, 40_000, 300_000))
        self.upstream.write(path, f"{self.name} {self._number}\n".encode() + self._dice.randbytes(size))

    def _write_those_alike(self) -> None:
        self._number += 1
        data = f"{self.name} {self._number}\n".encode()
        for number in range(HOW_MANY):
            self.upstream.write(f"{ALIKE}/{number}", data)

    def move(self, amount: int) -> None:
        """Adds and changes `amount` files each, and removes a few; from now on requests are counted anew."""
        paths = sorted(path for path in self.upstream.digests if not path.startswith(ALIKE))
        chosen = self._dice.sample(paths, 2 * amount)
        for path in chosen[:amount]:
            self._write(path)
        # As many as come: the set stays as large as it is.
        for path in chosen[amount:]:
            self.upstream.remove(path)
        for _ in range(amount):
            self._write(f"set-{self._number % 7}/file {self._number}.bin")
        self._write_those_alike()
        self.upstream.heal()
        self.upstream.fail(EVERY_FILE, Delay(self._dice.choice((0.0, 0.005, 0.02))))
        now = dict(self.upstream.digests)
        self.before, self.expected = self.expected, now if self.mirror else self.expected | now
        self.upstream.reset_log()
        self._marks = []

    def mark(self, pool: Path) -> None:
        """Notes what is in `pool` by now: no request after this may be for any of it."""
        stored = {file.name for file in pool.glob("*/*")}
        self._marks.append((stored, len(self.upstream.requests)))

    def refetched(self) -> list[str]:
        """The paths that were asked for though their bytes were stored already."""
        asked, digests = [one.path for one in self.upstream.requests], self.upstream.digests
        return [path for stored, start in self._marks for path in asked[start:] if digests.get(path) in stored]

    def fetched(self) -> tuple[int, int]:
        """How many files were asked for, and how many requests there were for them beyond the first."""
        asked = [one.path for one in self.upstream.requests if one.path != MANIFEST]
        return len(set(asked)), len(asked) - len(set(asked))


def read(manifest: bytes) -> Digests:
    """The sha256 of each path in a PULP_MANIFEST."""
    lines = (line.rsplit(",", 2) for line in manifest.decode().splitlines())
    return {path: sha256 for path, sha256, _ in lines}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
