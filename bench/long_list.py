"""A list of a million files: the time and the memory that a job takes for the list and its rows, not for the bytes.

.venv/bin/python -m bench.long_list [--lines 1000000]

All files are empty, and so one fetch. The first job reads the list, writes the version and publishes it; the second
finds the same list; the third finds it changed, with no file that is different.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import machine
from bench.millrace import Instance
from bench.report import Case, Report
from tests.upstream import Upstream

EMPTY = hashlib.sha256(b"").hexdigest()


def paths(lines: int) -> Iterator[str]:
    return (f"set-{n // 10_000:03d}/{n // 1000 % 10}/file-{n:07d}.bin" for n in range(lines))


def measure(lines: int, folder: Path, report: Report) -> None:
    instance = Instance(folder / "data")
    instance.migrate()
    with Upstream() as upstream:
        upstream.write(next(paths(lines)), b"")
        upstream.manifest = "".join(f"{path},{EMPTY},0\n" for path in paths(lines)).encode()
        mirror = ("mirror", upstream.manifest_url, "bench", "bench", "--mode", "mirror")
        report.add(Case("the first job", lines, "lines/s"), "Millrace", instance.run_job(*mirror).command)
        report.add(Case("the same list"), "Millrace", instance.run_job("sync", "bench").command)
        upstream.manifest += b"# a comment\n"
        again = Case("a changed list of the same files", lines, "lines/s")
        report.add(again, "Millrace", instance.run_job("sync", "bench").command)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    lines = parser.parse_args().lines
    report = Report([machine.processor()])
    with tempfile.TemporaryDirectory() as folder:
        measure(lines, Path(folder), report)
    print(report.text())


if __name__ == "__main__":
    main()
