"""What it costs that nothing is lost in a power failure: the main job as it is, and without what makes it durable.

.venv/bin/python bench/durability.py [--files 10000] [--size 1024] [--rounds 5] [--work DIR]

The variants are Millrace itself with a part taken out by this script, interleaved (A B C A B C ...), each into a fresh
data folder. Then it measures how long it takes to have files on the disk, one by one or all at once, and how long one
commit takes, which is what a page's button waits for.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, trees
from bench.millrace import Instance
from bench.report import Case, Report
from bench.upstream import Upstream

AS_IT_IS = "as it is"
# Their bytes are not waited for before rows name them; nor are commits; each file is written out by itself.
VARIANTS = {
    AS_IT_IS: (True, "FULL", 0),
    "bytes not waited for": (False, "FULL", 0),
    "synchronous=NORMAL": (True, "NORMAL", 0),
    "neither": (False, "NORMAL", 0),
    "fsync for every file": (True, "FULL", 10**9),
}


class Varied(Instance):
    """A Millrace from which this script takes something out before it runs a command."""

    def __init__(self, data: Path, variant: str) -> None:
        super().__init__(data)
        self.variant = variant

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(Path(__file__).resolve()), "--as", self.variant, *words]


def vary(variant: str, words: list[str]) -> None:
    """Runs `manage.py` with these words as that variant."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    from django.core.management import execute_from_command_line

    from dashboard import settings
    from repos import durable

    settles, synchronous, few = VARIANTS[variant]
    options = settings.SQLITE_OPTIONS
    if "synchronous=FULL" not in options["init_command"]:
        raise SystemExit("the settings no longer say synchronous=FULL: there is nothing to compare")
    options["init_command"] = options["init_command"].replace("synchronous=FULL", f"synchronous={synchronous}")
    if not settles:
        durable.settle = lambda files, root, check=lambda: None: None
    durable.FEW = few or durable.FEW
    execute_from_command_line(["manage.py", *words])


def commits(folder: Path, synchronous: str, count: int = 200) -> float:
    """Milliseconds that a commit of one row takes, in the median."""
    database = sqlite3.connect(folder / f"{synchronous}.sqlite3", isolation_level=None)
    database.executescript(
        f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; CREATE TABLE one (number INTEGER);"
        "INSERT INTO one VALUES (0)"
    )
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        database.execute("UPDATE one SET number = number + 1")
        times.append(1000 * (time.perf_counter() - begun))
    database.close()
    return statistics.median(times)


def settling(folder: Path, count: int, few: int, others: int, rounds: int = 7) -> float:
    """Milliseconds until so many new files are on the disk, in the median; `few`: up to how many go one by one.

    Before each round another file gets `others` bytes that nobody asked to be on the disk.
    """
    from repos import durable

    durable.FEW = few
    root, times = folder / "pool", []
    for number in range(rounds):
        with (folder / "others").open("wb") as stream:
            for _ in range(others // trees.MEBIBYTE):
                stream.write(bytes(trees.MEBIBYTE))
        files = [root / f"{one % 256:02x}" / f"{few}-{others}-{count}-{number}-{one}" for one in range(count)]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"x" * 1024)
        begun = time.perf_counter()
        durable.settle(files, root)
        times.append(1000 * (time.perf_counter() - begun))
        os.sync()
    return statistics.median(times)


def settlings(folder: Path) -> str:
    """A table of what it takes to have files on the disk, one by one and all at once."""
    lines = [f"{'new files of 1 KiB':34}{'one by one, ms':>16}{'all at once, ms':>17}"]
    for count, others in ((1, 0), (8, 0), (500, 0), (1, 1 << 30)):
        one_by_one, at_once = (settling(folder, count, few, others) for few in (10**9, 0))
        title = f"{count:,}" + (", beside 1 GiB of another program" if others else "")
        lines.append(f"{title:34}{one_by_one:>16.1f}{at_once:>17.1f}")
    return "\n".join(lines)


def measure(chosen: argparse.Namespace, work: Path) -> Report:
    report = Report(machine.describe(work))
    case = Case(f"{chosen.files:,} files of {chosen.size:,} bytes", chosen.files, "files/s")
    trees.small(work / "files", chosen.files, chosen.size)
    with Upstream(work / "files") as upstream:
        for number in range(1, chosen.rounds + 1):
            for variant in VARIANTS:
                print(f"round {number}: {variant}", file=sys.stderr)
                instance = Varied(work / f"{number}-{variant.replace(' ', '-')}" / "data", variant)
                instance.migrate()
                os.sync()
                words = ("mirror", upstream.url + trees.MANIFEST, "bench", "bench", "--mode", "mirror")
                report.add(case, variant, instance.run_job(*words).job)
    return report


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=1024, help="bytes of each file")
    parser.add_argument("--rounds", type=int, default=5, help="0: only files and commits")
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    if words[:1] == ["--as"]:
        vary(words[1], words[2:])
        return
    chosen = parse(words)
    work = Path(tempfile.mkdtemp(prefix="millrace-bench-", dir=chosen.work))
    try:
        if chosen.rounds:
            print(measure(chosen, work).text())
        print(settlings(work))
        for synchronous in ("FULL", "NORMAL"):
            print(f"a commit with synchronous={synchronous}: {commits(work, synchronous):.2f} ms")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main(sys.argv[1:])
