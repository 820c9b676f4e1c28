"""What a thousand people who look on cost a running job, and what they wait for.

.venv/bin/python -m bench.panels [--files 20000] [--clients 1000] [--rounds 2] [--impatient]

Starts `manage.py serve` on a fresh data folder and has it mirror many small files from an nginx on loopback, in turns:
with nobody looking, with clients that poll the job's panel, and with clients that poll the overview. Each client keeps
its connection, asks as static/js/live.js does (every second or two; less often where the answer says so, or nothing is
new), and says what it has seen. `--impatient`: they ask every second, whatever the answer says.
"""

import argparse
import asyncio
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from bench import machine, processes, trees
from bench.browser import Browser
from bench.dashboard_latency import PASSWORD, ended, server
from bench.millrace import Instance, Job
from bench.upstream import Upstream, free_port

SEEN = re.compile(rb'data-seen="([^"]+)"')
LIVE = re.compile(rb'data-live[^>]*hx-get="([^"]+)"')
ROW = "{:34}{:>8}{:>9}{:>9}{:>9}{:>8}{:>9}{:>9}"


@dataclass
class Tally:
    """What the clients of one turn met."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)


@dataclass
class Watcher:
    """One page that is open: asks for its live part, where the page says that this is, until it is told to leave."""

    port: int
    cookie: str
    path: str
    every: float
    impatient: bool
    tally: Tally
    seen: bytes = b""
    quiet: int = 0
    pace: float = 1.0

    async def run(self) -> None:
        await asyncio.sleep(random.random() * self.every)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while True:
                begun = time.perf_counter()
                await self._ask(reader, writer)
                self.tally.seconds.append(time.perf_counter() - begun)
                await asyncio.sleep(max(0.0, self._wait() - (time.perf_counter() - begun)))
        finally:
            writer.close()

    def _wait(self) -> float:
        """As live.js has it: a whole number of the part's own ticks."""
        if self.impatient:
            return self.every
        rest = max(self.pace, min(0.2 * self.quiet, 5.0)) - 0.25
        return self.every * max(1, -(-rest // self.every))

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: sessionid={self.cookie}\r\n"
        writer.write(f"{head}HX-Request: true\r\nLive-Seen: {self.seen.decode()}\r\n\r\n".encode())
        headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: (\d+)", headers)
        body = await reader.readexactly(int(length[1])) if length else b""
        status = int(headers.split(maxsplit=2)[1])
        self.tally.statuses[status] += 1
        self.quiet = self.quiet + 1 if status == 204 else 0
        if pace := re.search(r"live-pace: (\d+)", headers):
            self.pace = float(pace[1])
        if found := SEEN.search(body):
            self.seen = found[1]
        if found := LIVE.search(body):
            self.path = unescape(found[1].decode())


@contextmanager
def crowd(make: Callable[[Tally], Watcher], clients: int) -> Iterator[Tally]:
    """So many watchers, in a thread of their own, while the block runs."""
    tally, loop = Tally(), asyncio.new_event_loop()

    async def watch() -> None:
        tasks = [asyncio.create_task(make(tally).run()) for _ in range(clients)]
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if result and not isinstance(result, asyncio.CancelledError):
                tally.troubles[repr(result)] += 1

    task = loop.create_task(watch())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])), daemon=True)
    thread.start()
    try:
        yield tally
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


@dataclass
class Turn:
    """One job, and who looked on."""

    name: str
    job: Job
    tally: Tally
    web: float


class Stage:
    """A server, its instance, an upstream whose files are all new each time, and who is signed in."""

    def __init__(
        self, chosen: argparse.Namespace, work: Path, instance: Instance, upstream: Upstream, port: int
    ) -> None:
        self.chosen, self.work, self.instance, self.upstream, self.port = chosen, work, instance, upstream, port
        self.turns = 0
        browser = Browser(port)
        browser.sign_in("admin", PASSWORD)
        self.cookie = browser._cookies["sessionid"]

    def turn(self, name: str, web: int, watch: Callable[[int], tuple[str, float]] | None) -> Turn:
        """`watch` gives, by the job's number, the path that the clients poll, and how often."""
        self.turns += 1
        trees.change(self.upstream.root, 1.0)
        os.sync()
        used, label = processes.cpu_seconds(web), f"turn-{self.turns}"
        before = self.instance.last_job()
        command = self.instance.command("mirror", self.upstream.url + trees.MANIFEST, label, label)
        environment = {**os.environ, **self.instance.environment}
        with (self.work / f"{label}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        number = self._new_job(before)
        tally = Tally()
        if watch is None:
            process.wait()
        else:
            path, every = watch(number)
            with crowd(lambda tally: self._watcher(path, every, tally), self.chosen.clients) as tally:
                process.wait()
        job = ended(self.instance, process, label)
        return Turn(name, job, tally, (processes.cpu_seconds(web) - used) / job.seconds)

    def _new_job(self, before: Job | None) -> int:
        while True:
            job = self.instance.last_job()
            if job and job.number != (before.number if before else None):
                return job.number
            time.sleep(0.01)

    def _watcher(self, path: str, every: float, tally: Tally) -> Watcher:
        return Watcher(self.port, self.cookie, path, every, self.chosen.impatient, tally)


def told(turn: Turn) -> str:
    tally = turn.tally
    if not tally.seconds:
        return ROW.format(turn.name, f"{turn.job.seconds:.1f}", "", "", "", "", "", f"{100 * turn.web:.0f} %")
    times = sorted(1000 * one for one in tally.seconds)
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 20 else times[-1]
    unchanged = tally.statuses[204] / tally.statuses.total()
    return ROW.format(
        turn.name,
        f"{turn.job.seconds:.1f}",
        f"{len(times) / turn.job.seconds:.0f}",
        f"{statistics.median(times):.1f}",
        f"{p95:.1f}",
        f"{100 * unchanged:.0f} %",
        sum(tally.troubles.values()) + sum(many for status, many in tally.statuses.items() if status >= 400),
        f"{100 * turn.web:.0f} %",
    )


def measure(stage: Stage, web: int, rounds: int) -> None:
    clients = f"{stage.chosen.clients:,}"
    print(ROW.format("", "job s", "polls/s", "p50 ms", "p95 ms", "204", "failed", "web CPU"))
    for _ in range(rounds):
        for name, watch in (
            ("nobody looks on", None),
            (f"{clients} at the job's panel", lambda number: (f"/jobs/{number}/panel/", 1.0)),
            (f"{clients} at the overview", lambda number: ("/", 2.0)),
        ):
            print(told(stage.turn(name, web, watch)), flush=True)


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--impatient", action="store_true", help="clients that do not heed how often they may ask")
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    chosen = parse(words)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * chosen.clients + 1000), hard))
    work = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=chosen.work))
    print("\n".join(machine.describe(work)))
    instance = Instance(work / "data", {"MILLRACE_ADMIN_PASSWORD": PASSWORD})
    instance.data.mkdir()
    trees.small(work / "upstream", chosen.files)
    port = free_port()
    try:
        with Upstream(work / "upstream") as upstream, server(instance, port) as process:
            measure(Stage(chosen, work, instance, upstream, port), process.pid, chosen.rounds)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main(sys.argv[1:])
