"""Small files from upstreams that are far away: Millrace's whole job beside what others fetch, side by side in one run.

.venv/bin/python bench/latency.py [--files 2000] [--milliseconds 20 100] [--rounds 3]

The upstream is an nginx behind a relay that holds every byte back (bench/far.py). All have 16 connections at most.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, tools, trees
from bench.children import Cost, run
from bench.far import Far
from bench.main_job import verify
from bench.millrace import Instance
from bench.report import Case, Report
from bench.upstream import Upstream

OTHERS = {"curl --parallel": tools.curl, "rclone copy": tools.rclone, "aria2c -j16": tools.aria2c}


def job(url: str, entries: list[trees.Entry], folder: Path) -> Cost:
    instance = Instance(folder / "data")
    instance.migrate()
    os.sync()
    cost = instance.run_job("mirror", url + trees.MANIFEST, "bench", "bench").job
    if missing := instance.missing(entries):
        raise SystemExit(f"Millrace lacks {missing} of {len(entries)} files")
    return cost


def compete(name: str, url: str, entries: list[trees.Entry], folder: Path) -> Cost:
    (target := folder / "files").mkdir()
    command = OTHERS[name](tools.Errand(url, entries, target, folder))
    os.sync()
    cost = run(command)
    verify(name, target, entries)
    return cost


def measure(chosen: argparse.Namespace, work: Path, report: Report) -> None:
    entries = trees.small(work / "upstream", chosen.files)
    with Upstream(work / "upstream") as upstream:
        for milliseconds in chosen.milliseconds:
            case = Case(f"{chosen.files:,} files of 1 KiB, {milliseconds} ms away", chosen.files, "files/s")
            with Far(upstream.port, milliseconds) as far:
                for number in range(chosen.rounds):
                    home = work / f"{milliseconds}-{number}"
                    home.mkdir()
                    report.add(case, "Millrace, job", job(far.url, entries, home))
                    for name in OTHERS:
                        (folder := home / name.split()[0]).mkdir()
                        report.add(case, name, compete(name, far.url, entries, folder))


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--milliseconds", type=float, nargs="+", default=[20, 100], help="of a round trip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    chosen = parser.parse_args(words)
    work = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=chosen.work))
    report = Report(machine.describe(work))
    try:
        measure(chosen, work, report)
    finally:
        shutil.rmtree(work)
    print(report.text())


if __name__ == "__main__":
    main(sys.argv[1:])
