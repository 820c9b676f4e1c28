"""What a command asked of the kernel, in which order: read from a trace by strace."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

_TRACED = "rename,renameat,renameat2,syncfs,fsync,fdatasync,pwrite64,write,sendto"
# The longest data of one call that is written down whole, in bytes.
_LENGTH = 200_000
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_UNFINISHED = " <unfinished ...>"
_KEPT = re.compile(r', "[^"]*/pool/../([0-9a-f]{64})"')
_DATA = re.compile(r'[^"]*"(.*)"[^"]*', re.DOTALL)


def works() -> bool:
    """Whether there is an strace, and it may trace."""
    try:
        return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def traced(command: Sequence[str], env: dict[str, str], log: Path) -> "Trace":
    """Runs a command to its good end; its output is in the trace too."""
    strace = ["strace", "-f", "-y", "-s", str(_LENGTH), "--seccomp-bpf", "-e", f"trace={_TRACED}", "-o", str(log)]
    done = subprocess.run([*strace, *command], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Trace(log.read_text(errors="replace").splitlines())


class Span(NamedTuple):
    """From the line of a trace at which something began to that at which it had ended."""

    begun: int
    ended: int


@dataclass
class Call:
    """One system call: what it was given, in the words of strace, and whether it succeeded."""

    thread: str
    name: str
    given: str
    begun: int
    ended: int = -1
    succeeded: bool = False

    @property
    def data(self) -> str:
        found = _DATA.fullmatch(self.given)
        return found[1] if found else ""


@dataclass
class Stream:
    """All that one thread wrote to one place, and by which calls."""

    text: str = ""
    parts: list[tuple[int, Call]] = field(default_factory=list)

    def add(self, call: Call) -> None:
        self.parts.append((len(self.text), call))
        self.text += call.data

    def call_at(self, position: int) -> Call:
        return next(call for start, call in reversed(self.parts) if start <= position)


class Trace:
    """The calls of all threads of a command and its children, in the order in which they began."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.calls: list[Call] = []
        pending: dict[str, Call] = {}
        for number, line in enumerate(lines):
            if begun := _BEGUN.fullmatch(line):
                call = Call(begun[1], begun[2], begun[3], number)
                self.calls.append(call)
                if line.endswith(_UNFINISHED):
                    call.given = call.given.removesuffix(_UNFINISHED)
                    pending[call.thread] = call
                else:
                    _end(call, line, number)
            elif resumed := _RESUMED.fullmatch(line):
                _end(pending.pop(resumed[1]), line, number)

    @cached_property
    def kept(self) -> dict[str, int]:
        """By their digest, the lines at which files had got into the pool."""
        moves = [call for call in self.calls if call.name.startswith("rename") and call.succeeded]
        return {found[1]: call.ended for call in moves if (found := _KEPT.search(call.given))}

    def durable(self, digest: str) -> float:
        """The line at which a kept file would have outlasted a power failure: its bytes, its name, its folder's."""
        since = self.kept[digest]
        folder = f"/pool/{digest[:2]}"
        one_by_one = [self._synced(since, "fsync", f"{place}>") for place in (f"{folder}/{digest}", folder, "/pool")]
        return min(max(one_by_one), self._synced(since, "syncfs", ""))

    def _synced(self, since: int, name: str, place: str) -> float:
        calls = (call for call in self.calls if call.name == name and place in call.given)
        return min((call.ended for call in calls if call.begun > since and call.succeeded), default=float("inf"))

    def written(self, place: str, text: str, *, after: str = "", beside: str = "") -> Span | None:
        """The first call by which `text` was written to a place whose path or kind has `place` in it.

        With `after`, what the thread wrote there before that text does not count; with `beside`, only threads count
        that wrote that text there, too.
        """
        found = []
        for stream in self._streams(place):
            start = stream.text.find(after)
            if start >= 0 and beside in stream.text and (position := stream.text.find(text, start)) >= 0:
                found.append(stream.call_at(position))
        first = min(found, key=lambda call: call.begun, default=None)
        return Span(first.begun, first.ended) if first else None

    def _streams(self, place: str) -> list[Stream]:
        if place not in (cache := self.__dict__.setdefault("_cache", {})):
            streams: dict[str, Stream] = {}
            for call in self.calls:
                if call.name in ("write", "pwrite64", "sendto") and place in call.given.partition('"')[0]:
                    streams.setdefault(call.thread, Stream()).add(call)
            cache[place] = list(streams.values())
        return list(cache[place])

    def is_synced_between(self, one: Span, other: Span, place: str) -> bool:
        """Whether what was written to `place` up to `one` was on the disk before `other` began."""
        calls = (call for call in self.calls if call.name == "fdatasync" and place in call.given and call.succeeded)
        return any(one.ended < call.begun and call.ended < other.begun for call in calls)


def _end(call: Call, line: str, number: int) -> None:
    call.ended = number
    call.succeeded = not line.rpartition(" = ")[2].startswith("-1")
