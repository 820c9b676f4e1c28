"""`make bench-check`: short measurements beside what they were (bench/expected.json); fails where one has become worse.

python -m bench.check [--store] [--only NAME]

What can be counted is counted: statements, system calls, modules. What has to be timed is timed as a ratio to another
tool in the same minute, the median of several, and has to be far off before it fails: machines are noisy.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import page_queries, served_files, startup, tools, trees
from bench.children import run
from bench.millrace import MANAGE, Instance
from bench.scene import scene
from bench.upstream import Upstream

EXPECTED = Path(__file__).with_name("expected.json")
# How much worse than expected is still noise: of counts, and of ratios of times.
COUNTED, TIMED = 0.1, 0.4


@dataclass(frozen=True)
class Figure:
    """What one measurement gives. `slack` is the share by which it may be worse."""

    value: float
    slack: float
    more_is_better: bool = False

    def is_worse_than(self, expected: float) -> bool:
        if self.more_is_better:
            return self.value < expected * (1 - self.slack)
        return self.value > expected * (1 + self.slack)


@contextmanager
def mirrored(work: Path, files: int, size: int = 1024) -> Iterator[tuple[Instance, Upstream]]:
    """An instance that has mirrored so many files, and their upstream."""
    trees.small(work / "upstream", files, size)
    with Upstream(work / "upstream") as upstream:
        instance = Instance(work / "data")
        instance.migrate()
        instance.run_job("mirror", upstream.url + trees.MANIFEST, "bench", "bench", "--mode", "mirror")
        yield instance, upstream


def counted(instance: Instance, *words: str) -> int:
    """The statements that a command sends to the database."""
    command = [sys.executable, str(MANAGE.parent / "bench/counting.py"), *words]
    environment = {**os.environ, **instance.environment}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return int(output.rsplit("statements: ", 1)[1])


def statements_of_nothing_changed(work: Path) -> Figure:
    with mirrored(work, 3000) as (instance, _):
        return Figure(counted(instance, "sync", "bench"), COUNTED)


def statements_of_1_percent_changed(work: Path) -> Figure:
    with mirrored(work, 3000) as (instance, upstream):
        trees.change(upstream.root, 0.01)
        return Figure(counted(instance, "sync", "bench"), COUNTED)


def system_calls_per_small_file(work: Path) -> Figure:
    """By the difference of two runs: what a run costs whatever it does falls out."""
    few, many = 500, 2500
    calls = {}
    for files in (few, many):
        (home := work / str(files)).mkdir()
        trees.small(home / "upstream", files)
        with Upstream(home / "upstream") as upstream:
            instance = Instance(home / "data")
            instance.migrate()
            table = home / "calls"
            words = ("mirror", upstream.url + trees.MANIFEST, "bench", "bench")
            run(["strace", "-f", "-c", "-o", str(table), *instance.command(*words)], instance.environment)
            calls[files] = total_calls(table.read_text())
    return Figure((calls[many] - calls[few]) / (many - few), 3 * COUNTED)


def total_calls(table: str) -> int:
    """The sum in the last line of what strace -c prints."""
    found = re.search(r"100\.00 +\S+ +\S+ +(\d+)", table.splitlines()[-1])
    assert found, table
    return int(found[1])


def small_files_beside_curl(work: Path) -> Figure:
    return beside(tools.curl, trees.small(work / "upstream", 5000), work)


def big_files_beside_curl_and_sha256sum(work: Path) -> Figure:
    return beside(tools.curl_sha256sum_by_two, trees.big(work / "upstream", 4, 100 * trees.MEBIBYTE), work)


def beside(tool: Callable[[tools.Errand], list[str]], entries: list[trees.Entry], work: Path) -> Figure:
    """How many times as fast as the tool a first job is, for the files in `work`/upstream."""
    ratios = []
    with Upstream(work / "upstream") as upstream:
        for number in range(3):
            (home := work / str(number)).mkdir()
            instance = Instance(home / "data")
            instance.migrate()
            job = instance.run_job("mirror", upstream.url + trees.MANIFEST, "bench", "bench").job
            (target := home / "files").mkdir()
            others = run(tool(tools.Errand(upstream.url, entries, target, home)))
            ratios.append(others.seconds / job.seconds)
    return Figure(statistics.median(ratios), TIMED, more_is_better=True)


def statements_of_the_overview(_work: Path) -> Figure:
    return Figure(page_queries.counts()["/"], COUNTED)


def statements_of_a_live_panel(_work: Path) -> Figure:
    return Figure(page_queries.counts()["/jobs/{running}/panel/"], COUNTED)


def modules_of_a_command(work: Path) -> Figure:
    instance = Instance(work / "data")
    instance.migrate()
    return Figure(startup.modules(instance, "attention"), COUNTED)


def small_downloads_beside_nginx(work: Path) -> Figure:
    """1 KiB at random, 16 connections: requests a second."""
    served_files.prepared(work / "data", 5000)
    with scene(work, 5000, 2) as made:
        made.wrk(made.millrace, "all")
        ratios = [made.wrk(made.millrace, "all").rate / made.wrk(made.pool, "pool").rate for _ in range(3)]
    return Figure(statistics.median(ratios), TIMED, more_is_better=True)


Measure = Callable[[Path], Figure]
MEASURES: dict[str, Measure] = {
    one.__name__: one
    for one in (
        statements_of_nothing_changed,
        statements_of_1_percent_changed,
        statements_of_the_overview,
        statements_of_a_live_panel,
        modules_of_a_command,
        system_calls_per_small_file,
        small_files_beside_curl,
        big_files_beside_curl_and_sha256sum,
        small_downloads_beside_nginx,
    )
}


def measure(name: str, expected: float | None) -> Figure:
    """A ratio of times that is worse is taken once more: it is noise more often than not."""
    for _ in range(2):
        with tempfile.TemporaryDirectory(prefix="millrace-check-") as work:
            figure = MEASURES[name](Path(work))
        if expected is None or not figure.is_worse_than(expected):
            break
    return figure


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", action="store_true", help="what is measured now is what is expected from now on")
    parser.add_argument("--only", choices=MEASURES, nargs="+", default=list(MEASURES))
    chosen = parser.parse_args(words)
    expected: dict[str, float] = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    worse = []
    print(f"{'':44}{'expected':>10}{'now':>10}")
    for name in chosen.only:
        before = None if chosen.store else expected.get(name)
        figure = measure(name, before)
        failed = before is not None and figure.is_worse_than(before)
        worse += [name] * failed
        shown = "" if before is None else f"{before:,.2f}"
        print(f"{name.replace('_', ' '):44}{shown:>10}{figure.value:>10,.2f}{'  worse' if failed else ''}", flush=True)
        expected[name] = round(figure.value, 3)
    if chosen.store:
        EXPECTED.write_text(json.dumps(expected, indent=2) + "\n")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
