"""How quick the dashboard stays while a job runs at full speed.

.venv/bin/python bench/dashboard_latency.py [--files 10000] [--samples 200] [--idle 10]

Starts `manage.py serve` on a fresh data folder, signs in, and asks for the overview, a job's page and its live panel in
turn, one request each 20 ms: first with nothing running, then, of the running job, while jobs mirror from an nginx on
loopback. Only what was asked between a job's recorded start and end counts as "during a job".
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, processes, trees
from bench.browser import Browser
from bench.millrace import Instance, Job
from bench.upstream import Upstream, free_port

INTERVAL = 0.02
PASSWORD = "only-for-this-measurement"
PAGES = {"overview /": "/", "job page": "/jobs/{}/", "job panel": "/jobs/{}/panel/"}


@dataclass(frozen=True)
class Sample:
    page: str
    asked: datetime
    seconds: float


@contextmanager
def server(instance: Instance, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py serve`, and the seconds from its start to the first page and from SIGTERM to its end."""
    command = instance.command("serve", "--listen", f"127.0.0.1:{port}")
    with (instance.data.parent / "serve.log").open("wb") as log:
        begun = time.monotonic()
        environment = {**os.environ, **instance.environment}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(port, process)
            Browser(port).get("/login/")
            print(f"from start to first page: {time.monotonic() - begun:.2f} s")
            yield process
        finally:
            print(f"from SIGTERM to the end: {processes.stop(process):.2f} s")


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Returns when /healthz answers 200."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if Browser(port).get("/healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"serve does not answer (exit status {process.poll()})")


def ask(browser: Browser, job: int, turns: int) -> Iterator[Sample]:
    """Asks for the pages in turn, a request each 20 ms; late answers are not caught up."""
    for _ in range(turns):
        for page, path in PAGES.items():
            begun, asked = time.perf_counter(), datetime.now(UTC)
            yield Sample(page, asked, browser.time(path.format(job)))
            time.sleep(max(0, INTERVAL - (time.perf_counter() - begun)))


def during_a_job(browser: Browser, instance: Instance, url: str, name: str) -> tuple[list[Sample], Job]:
    """Mirrors `url` by a command that hands the job to the server, and asks for pages until it ends."""
    command = instance.command("mirror", url, name, name)
    environment = {**os.environ, **instance.environment}
    before = instance.last_job()
    with (instance.data.parent / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    samples: list[Sample] = []
    while process.poll() is None:
        job = instance.last_job()
        if job is None or job.number == (before.number if before else None):
            time.sleep(0.01)
        else:
            samples.extend(ask(browser, job.number, turns=1))
    return within(samples, ended(instance, process, name))


def ended(instance: Instance, process: "subprocess.Popen[bytes]", name: str) -> Job:
    job = instance.last_job()
    if process.returncode != 0 or job is None:
        raise RuntimeError(f"`mirror` failed: {(instance.data.parent / f'{name}.log').read_text()}")
    return job


def within(samples: list[Sample], job: Job) -> tuple[list[Sample], Job]:
    """The samples that were asked for while the job ran."""
    if job.started is None or job.finished is None:
        raise RuntimeError(f"job {job.number} is {job.state}: {job.error}")
    return [sample for sample in samples if job.started <= sample.asked <= job.finished], job


def summary(title: str, samples: list[Sample]) -> None:
    times: dict[str, list[float]] = {page: [] for page in PAGES}
    for sample in samples:
        times[sample.page].append(1000 * sample.seconds)
    print(f"\n{title:18}{'samples':>8}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    for page, figures in times.items():
        p95 = statistics.quantiles(figures, n=20)[-1]
        print(f"{page:18}{len(figures):>8}{statistics.median(figures):>9.1f}{p95:>9.1f}{max(figures):>9.1f}")


def measure_idle(browser: Browser, instance: Instance, chosen: argparse.Namespace, root: Path) -> None:
    """A job of ten files gives the pages something to show; then nothing runs."""
    trees.small(root, 10)
    with Upstream(root) as upstream:
        _, job = during_a_job(browser, instance, upstream.url + trees.MANIFEST, "little")
    summary("idle", list(ask(browser, job.number, chosen.samples)))


def measure_busy(browser: Browser, instance: Instance, chosen: argparse.Namespace, root: Path) -> None:
    """Jobs one after the other, each with all files new, until every page has its samples."""
    trees.small(root, chosen.files)
    samples: list[Sample] = []
    seconds: list[float] = []
    with Upstream(root) as upstream:
        while len(samples) < chosen.samples * len(PAGES):
            if seconds:
                trees.change(root, 1.0)
                os.sync()
            name = f"full-{len(seconds) + 1}"
            kept, job = during_a_job(browser, instance, upstream.url + trees.MANIFEST, name)
            samples += kept
            seconds.append(job.seconds)
    summary("during a job", samples)
    rates = ", ".join(f"{chosen.files / one:,.0f}" for one in seconds)
    print(f"the jobs: {chosen.files:,} files each, {rates} files/s")


def print_processes(root_process: int, idle_seconds: float) -> None:
    family = processes.family(root_process)
    shares = processes.idle_cpu(family, idle_seconds)
    print(f"\n{'peak MB':>8}{'idle CPU %':>12}  process (idle over {idle_seconds:.0f} s)")
    for pid, share in zip(family, shares, strict=True):
        print(f"{processes.peak_mb(pid):>8.0f}{share:>12.2f}  {processes.command_line(pid)[:90]}")


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=200, help="of each page, at least")
    parser.add_argument("--idle", type=float, default=10, help="seconds over which the idle CPU is taken")
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    chosen = parse(words)
    work = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=chosen.work))
    print("\n".join(machine.describe(work)))
    instance = Instance(work / "data", {"MILLRACE_ADMIN_PASSWORD": PASSWORD})
    instance.data.mkdir()
    port = free_port()
    try:
        with server(instance, port) as process:
            browser = Browser(port)
            browser.sign_in("admin", PASSWORD)
            measure_idle(browser, instance, chosen, work / "little")
            measure_busy(browser, instance, chosen, work / "small")
            print_processes(process.pid, chosen.idle)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main(sys.argv[1:])
