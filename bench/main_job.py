"""The main job against other tools, side by side in one run, from an nginx on loopback.

.venv/bin/python bench/main_job.py [--files 10000] [--size 1024] [--big 20] [--rounds 3] [--skip-big] [--json FILE]

Millrace does its whole job (sync, publish, distribute: everything verified and recorded); the others fetch. The rounds
are interleaved (A B C A B C ...), because the speed of a machine drifts. `Millrace, job` is the job by its own clock,
`Millrace, command` the terminal command with the start of its process.
"""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, tools, trees
from bench.children import run
from bench.millrace import Instance, Run
from bench.report import Case, Report
from bench.upstream import Upstream

MEBIBYTE = trees.MEBIBYTE


@dataclass
class Contest:
    """One tree of files, the tools that fetch it, and where the results go."""

    case: Case
    upstream: Upstream
    competitors: dict[str, tools.Tool]
    work: Path
    report: Report
    entries: list[trees.Entry]
    with_millrace: bool
    after: Callable[[Path], None]
    reruns: bool = False
    verified: set[str] = field(default_factory=set)

    def round(self, number: int) -> None:
        """Every tool once, each into a fresh folder."""
        if self.with_millrace:
            self.millrace(self.fresh(number, "millrace"))
        for name, tool in self.competitors.items():
            self.compete(name, tool, self.fresh(number, name))

    def fresh(self, number: int, name: str) -> Path:
        """A new folder, on a disk that has nothing left to write for the tool before."""
        folder = self.work / f"{number}-{''.join(letter if letter.isalnum() else '-' for letter in name)}"
        folder.mkdir()
        os.sync()
        print(f"{self.case.title}, round {number}: {name}", file=sys.stderr)
        return folder

    def compete(self, name: str, tool: tools.Tool, folder: Path) -> None:
        target = folder / "files"
        target.mkdir()
        command = tool(tools.Errand(self.upstream.url, self.entries, target, folder))
        self.report.add(self.case, name, run(command))
        if name not in self.verified:
            verify(name, target, self.entries)
            self.verified.add(name)
        self.after(folder)

    def millrace(self, folder: Path) -> None:
        instance = Instance(folder / "data")
        instance.migrate()
        manifest = self.upstream.url + trees.MANIFEST
        self.add(self.case, instance.run_job("mirror", manifest, "bench", "bench", "--mode", "mirror"))
        if missing := instance.missing(self.entries):
            raise SystemExit(f"Millrace lacks {missing} of {len(self.entries)} files")
        if self.reruns:
            self.rerun(instance)
        self.after(folder)

    def rerun(self, instance: Instance) -> None:
        """The same again with nothing changed, and with a hundredth of the files changed."""
        self.add(Case("nothing changed"), instance.run_job("sync", "bench"))
        self.entries = trees.change(self.upstream.root, 0.01)
        os.sync()
        self.add(Case("1 % changed"), instance.run_job("sync", "bench"))
        if missing := instance.missing(self.entries):
            raise SystemExit(f"Millrace lacks {missing} of the changed files")

    def add(self, case: Case, costs: Run) -> None:
        self.report.add(case, "Millrace, job", costs.job)
        self.report.add(case, "Millrace, command", costs.command)


def verify(name: str, target: Path, entries: list[trees.Entry]) -> None:
    """Ends everything unless the target has the entries' files, whole, and nothing else."""
    found = sum(1 for path in target.rglob("*") if path.is_file())
    right = sum(digest(target / entry.path) == entry.sha256 for entry in entries)
    if (found, right) != (len(entries), len(entries)):
        raise SystemExit(f"{name}: {found} files, {right} right, {len(entries)} expected")


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def keep(_folder: Path) -> None:
    """Small files stay until the end: making files just after thousands were deleted is slow on ext4."""


def drop(folder: Path) -> None:
    """Big files go at once: there are few of them, and all rounds together would fill the disk."""
    shutil.rmtree(folder)


def small_contest(chosen: argparse.Namespace, work: Path, report: Report) -> None:
    root = work / "small"
    entries = trees.small(root, chosen.files, chosen.size)
    case = Case(f"{chosen.files:,} files of {chosen.size:,} bytes", chosen.files, "files/s")
    with Upstream(root) as upstream:
        contest = Contest(case, upstream, tools.SMALL, work, report, entries, chosen.millrace, after=keep, reruns=True)
        for number in range(1, chosen.rounds + 1):
            contest.round(number)


def big_contest(chosen: argparse.Namespace, work: Path, report: Report) -> None:
    root = work / "big"
    need = 3 * chosen.big * chosen.big_size
    if shutil.disk_usage(work).free < need:
        raise SystemExit(f"the big files need {need / 1e9:.0f} GB in {work}; --skip-big goes without them")
    entries = trees.big(root, chosen.big, chosen.big_size)
    megabytes = chosen.big * chosen.big_size / 1e6
    case = Case(f"{chosen.big} files of {chosen.big_size // MEBIBYTE} MiB", megabytes, "MB/s")
    with Upstream(root) as upstream:
        contest = Contest(case, upstream, tools.BIG, work, report, entries, chosen.millrace, after=drop)
        for number in range(chosen.rounds + 1, 2 * chosen.rounds + 1):
            contest.round(number)


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=1024, help="bytes of each small file")
    parser.add_argument("--big", type=int, default=20, help="number of big files")
    parser.add_argument("--big-size", type=int, default=100 * MEBIBYTE, help="bytes of each big file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-big", action="store_true")
    parser.add_argument("--skip-small", action="store_true")
    parser.add_argument("--without-millrace", dest="millrace", action="store_false")
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    parser.add_argument("--json", type=Path, help="file for all single figures")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    chosen = parse(words)
    work = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=chosen.work))
    report = Report(machine.describe(work))
    try:
        if not chosen.skip_small:
            small_contest(chosen, work, report)
        if not chosen.skip_big:
            big_contest(chosen, work, report)
    finally:
        shutil.rmtree(work)
    print(report.text())
    if chosen.json:
        report.save(chosen.json)


if __name__ == "__main__":
    main(sys.argv[1:])
