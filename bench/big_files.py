"""Big files, side by side with other tools in one run: .venv/bin/python bench/big_files.py [--only CASE …] [--rounds 3]

many      20 files of 100 MiB
one       1 file of 1 GiB; four: 4 of them
broken    1 file of 1 GiB over a line of 100 MB/s that breaks off after 900 MiB: gone on with, and begun anew
limited   1 file of 512 MiB from an upstream that gives each connection 32 MB/s: by one connection, and by several

Millrace does its whole job (sync, publish, distribute: everything verified, recorded and on the disk) and is timed by
its own record of the job; the others fetch, and verify where they are said to. Rounds are interleaved.

Before each run the memory that it is going to fill is touched once, and let go. A virtual machine that gives its free
memory back to its host has to ask for each page again: whoever comes first would pay for that, whatever it does.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, tools, trees
from bench.children import Cost, run
from bench.millrace import Instance
from bench.upstream import Upstream

MEBIBYTE = trees.MEBIBYTE
CASES = ("many", "one", "four", "broken", "limited")
TOUCH = "import mmap, sys; m = mmap.mmap(-1, int(sys.argv[1])); [m.__setitem__(at, 1) for at in range(0, len(m), 4096)]"
BREAK_AFTER = 900 * MEBIBYTE


class Limited(Upstream):
    """Gives each connection so many bytes a second."""

    def __init__(self, root: Path, rate: str) -> None:
        super().__init__(root)
        self._rate = rate

    def _configuration(self) -> str:
        return super()._configuration().replace("root ", f"limit_rate {self._rate};\n        root ", 1)


class Breaker:
    """Passes connections on to `url`; while `armed`, one is ended once so many bytes have come back by it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.armed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._to) as server:
            threading.Thread(target=copy, args=(client, server), daemon=True).start()
            if not copy(server, client, BREAK_AFTER if self.armed else None):
                self.armed = False
                # The other thread holds it open until this ends what it waits for.
                client.shutdown(socket.SHUT_RDWR)


def copy(source: socket.socket, target: socket.socket, most: int | None = None) -> bool:
    """Whether the source came to its end, before `most` bytes."""
    buffer, copied = memoryview(bytearray(MEBIBYTE)), 0
    try:
        while size := source.recv_into(buffer):
            target.sendall(buffer[:size])
            copied += size
            if most is not None and copied >= most:
                return False
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return True
    return True


@dataclass
class Contest:
    """A tree, those that fetch it, and what that took."""

    title: str
    url: str
    entries: list[trees.Entry]
    work: Path
    base: str
    runs: dict[str, Callable[[Path], float]]
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def round(self) -> None:
        for name, one in self.runs.items():
            print(f"{self.title}: {name}", file=sys.stderr)
            folder = Path(tempfile.mkdtemp(dir=self.work))
            self.seconds[name].append(one(folder))
            shutil.rmtree(folder)

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)

    def warm(self) -> None:
        subprocess.run(["sync"], check=True)
        subprocess.run([sys.executable, "-c", TOUCH, str(self.size * 5 // 4)], check=True)

    def tool(self, tool: tools.Tool, folder: Path) -> float:
        target = folder / "files"
        target.mkdir()
        command = tool(tools.Errand(self.url, self.entries, target, folder))
        self.warm()
        return run(command).seconds

    def millrace(self, folder: Path, *settings: str) -> float:
        instance = self.prepared(folder, *settings)
        self.warm()
        return self.job(instance).seconds

    def prepared(self, folder: Path, *settings: str) -> Instance:
        instance = Instance(folder / "data")
        instance.migrate()
        manifest = self.url + trees.MANIFEST
        run(instance.command("remote", "create", "bench", manifest, *settings), instance.environment)
        run(
            instance.command("repository", "create", "bench", "--remote", "bench", "--base-path", "bench"),
            instance.environment,
        )
        return instance

    def job(self, instance: Instance) -> Cost:
        cost = instance.run_job("sync", "bench").job
        if missing := instance.missing(self.entries):
            raise SystemExit(f"Millrace lacks {missing} of {len(self.entries)} files")
        return cost

    def table(self) -> str:
        base = statistics.median(self.seconds[self.base])
        lines = [f"\n{self.title}, rounds: {len(self.seconds[self.base])}\n"]
        lines += [f"| what | median s | min - max s | MB/s | × {self.base} |", "|---|---|---|---|---|"]
        for name, seconds in self.seconds.items():
            median = statistics.median(seconds)
            speed = f"{self.size / median / 1e6:,.0f}"
            lines.append(
                f"| {name} | {median:.2f} | {min(seconds):.2f} - {max(seconds):.2f} | {speed} | {base / median:.2f} |"
            )
        return "\n".join(lines)


def curl_to_disk(errand: tools.Errand) -> list[str]:
    """curl alone, one file after another over one connection, unverified."""
    lines = (f'url = "{errand.url}{entry.path}"\noutput = "{errand.target}/{entry.path}"' for entry in errand.entries)
    return ["curl", "--disable", "--create-dirs", "--fail", "--silent", "--config", errand.note("curl", lines)]


def aria2c_by_parts(errand: tools.Errand) -> list[str]:
    """Up to 8 connections for each file."""
    return [*tools.aria2c_checksums(errand)[:-2], "-x8", "-s8", "-k1M", *tools.aria2c_checksums(errand)[-2:]]


PIPED = "curl \\| tee \\| sha256sum"


def plain(name: str, count: int, size: int, work: Path, rounds: int) -> str:
    """Everybody at full speed."""
    root = work / name
    entries = trees.big(root, count, size * MEBIBYTE)
    with Upstream(root) as upstream:
        contest = Contest(f"{count} × {size} MiB", upstream.url, entries, work, PIPED, {})
        contest.runs = {
            "Millrace, the whole job": contest.millrace,
            PIPED: partial(contest.tool, tools.curl_sha256sum),
            f"{PIPED}, two at a time": partial(contest.tool, tools.curl_sha256sum_by_two),
            "curl -o, unverified": partial(contest.tool, curl_to_disk),
            "curl --parallel, unverified": partial(contest.tool, tools.curl),
            "rclone copy, unverified": partial(contest.tool, tools.rclone),
            "aria2c, checksums": partial(contest.tool, tools.aria2c_checksums),
            "bare loop of requests, sha256": partial(contest.tool, tools.bare_loop),
        }
        return held(contest, rounds)


def broken(work: Path, rounds: int) -> str:
    root = work / "broken"
    entries = trees.big(root, 1, 1024 * MEBIBYTE)
    with Limited(root, "100m") as upstream:
        line = Breaker(upstream.url)
        contest = Contest("1 GiB at 100 MB/s, broken off after 900 MiB", line.url, entries, work, "Millrace, anew", {})

        def resumed(folder: Path) -> float:
            instance = contest.prepared(folder, "--concurrency", "1", "--tries", "1")
            line.armed = True
            subprocess.run(
                instance.command("sync", "bench"),
                env={**os.environ, **instance.environment},
                capture_output=True,
                check=False,
            )
            contest.warm()
            return contest.job(instance).seconds

        def in_one(folder: Path) -> float:
            line.armed = True
            return contest.millrace(folder, "--concurrency", "1")

        def curl(folder: Path) -> float:
            command = f'curl -qsf -C - -o "{folder}/file" "{line.url}{entries[0].path}"'
            line.armed = True
            subprocess.run(["bash", "-c", command], check=False)
            contest.warm()
            return run(["bash", "-c", f'{command} && sha256sum "{folder}/file"']).seconds

        contest.runs = {
            "Millrace, anew": lambda folder: contest.millrace(folder, "--concurrency", "1"),
            "Millrace, broken and gone on with in one job": in_one,
            "Millrace, the next job": resumed,
            "curl -C -, then sha256sum": curl,
        }
        return held(contest, rounds)


def limited(work: Path, rounds: int) -> str:
    root = work / "limited"
    entries = trees.big(root, 1, 512 * MEBIBYTE)
    with Limited(root, "32m") as upstream:
        base = "Millrace, one connection"
        contest = Contest("512 MiB at 32 MiB/s for each connection", upstream.url, entries, work, base, {})
        contest.runs = {
            base: lambda folder: contest.millrace(folder, "--concurrency", "1"),
            "Millrace, up to 4": lambda folder: contest.millrace(folder, "--concurrency", "4"),
            "Millrace, up to 8": contest.millrace,
            "aria2c -x8 -s8, checksums": partial(contest.tool, aria2c_by_parts),
            PIPED: partial(contest.tool, tools.curl_sha256sum),
        }
        return held(contest, rounds)


def held(contest: Contest, rounds: int) -> str:
    for _ in range(rounds):
        contest.round()
    return contest.table()


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    chosen = parser.parse_args(words)
    work = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=chosen.work))
    cases: dict[str, Callable[[Path, int], str]] = {
        "many": partial(plain, "many", 20, 100),
        "one": partial(plain, "one", 1, 1024),
        "four": partial(plain, "four", 4, 1024),
        "broken": broken,
        "limited": limited,
    }
    try:
        print("\n".join(machine.describe(work)))
        for name in chosen.only:
            begun = time.monotonic()
            print(cases[name](work, chosen.rounds), flush=True)
            print(f"{name}: {time.monotonic() - begun:.0f} s in all", file=sys.stderr)
            shutil.rmtree(work / name)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main(sys.argv[1:])
