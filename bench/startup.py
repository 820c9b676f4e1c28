"""How soon a command works, and how soon `serve` has its first page, beside the start of Python with Django's models.

.venv/bin/python -m bench.startup [--rounds 7] [--idle 10]

A command that only tells something works when it has ended; one that fetches works when the upstream hears of it.
`modules` is what each imports: a figure without noise, which `modules(...)` gives to who guards it.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machine, processes, trees
from bench.dashboard_latency import server
from bench.millrace import Instance
from bench.upstream import Upstream, free_port

BASE = [sys.executable, "-c", "import django.db.models"]
TELLING = (
    "--help",
    "sync --help",
    "mirror --help",
    "attention",
    "storage",
    "job list",
    "repository list",
    "remote list",
)
NAME = "bench"


def modules(instance: Instance, *words: str) -> int:
    """How many modules a command imports, those of Python's own start among them."""
    command = [sys.executable, "-X", "importtime", *instance.command(*words)[1:]]
    ended = subprocess.run(command, env=environment(instance), capture_output=True, text=True, check=False)
    return sum(line.startswith("import time:") for line in ended.stderr.splitlines()) - 1


def environment(instance: Instance) -> dict[str, str]:
    return {**os.environ, **instance.environment}


def whole(command: Sequence[str], env: dict[str, str]) -> float:
    """Seconds until it has ended."""
    begun = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def until_asked(command: Sequence[str], env: dict[str, str], ear: socket.socket) -> float:
    """Seconds until somebody connects to the upstream, which never answers; the command is ended then."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ear.settimeout(60)
    connection, _ = ear.accept()
    heard = time.perf_counter() - begun
    process.send_signal(signal.SIGINT)
    connection.close()
    process.wait(60)
    return heard


def median(measure: Callable[[], float], rounds: int) -> float:
    return statistics.median(measure() for _ in range(rounds))


def print_commands(instance: Instance, url: str, ear: socket.socket, rounds: int) -> None:
    env = environment(instance)
    base = median(lambda: whole(BASE, env), rounds)
    print(f"\n{'command':34}{'median s':>9}{'× base':>8}{'modules':>9}")
    print(f"{'python, django.db.models':34}{base:>9.3f}{1:>8.2f}")
    for words in TELLING:
        seconds = median(lambda words=words: whole(instance.command(*words.split()), env), rounds)  # type: ignore[misc]
        print(f"{words:34}{seconds:>9.3f}{seconds / base:>8.2f}{modules(instance, *words.split()):>9}")
    asked = instance.command("check_remote", f"http://127.0.0.1:{ear.getsockname()[1]}/")
    seconds = median(lambda: until_asked(asked, env, ear), rounds)
    print(f"{'check_remote, until it asks':34}{seconds:>9.3f}{seconds / base:>8.2f}")
    sync = instance.command("sync", NAME)
    run_once(instance, url)
    subprocess.run(instance.command("remote", "edit", NAME, "--url", asked[-1]), env=env, check=True)
    seconds = median(lambda: until_asked(sync, env, ear), rounds)
    print(f"{'sync, until it asks':34}{seconds:>9.3f}{seconds / base:>8.2f}")


def run_once(instance: Instance, url: str) -> None:
    instance.run_job("mirror", url, NAME, NAME)


def print_serve(work: Path, idle: float) -> None:
    instance = Instance(work / "served")
    instance.data.mkdir()
    for what in ("the very first start", "later"):
        print(f"\nserve, {what}")
        with server(instance, free_port()) as process:
            time.sleep(3)
            family = processes.family(process.pid)
            for pid, share in zip(family, processes.idle_cpu(family, idle), strict=True):
                print(f"{processes.peak_mb(pid):>8.0f} MB{share:>8.2f} % idle  {processes.command_line(pid)[-60:]}")


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--idle", type=float, default=10, help="seconds over which the idle CPU is taken")
    chosen = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, socket.create_server(("127.0.0.1", 0)) as ear:
        work = Path(folder)
        print("\n".join(machine.describe(work)))
        instance = Instance(work / "data")
        instance.migrate()
        trees.small(work / "upstream", 10)
        with Upstream(work / "upstream") as upstream:
            print_commands(instance, upstream.url + trees.MANIFEST, ear, chosen.rounds)
        print_serve(work, chosen.idle)


if __name__ == "__main__":
    main(sys.argv[1:])
