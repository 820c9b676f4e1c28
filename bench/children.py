"""Runs a command and says what it cost: wall clock, processor time, peak memory and bytes written, its children's too.

The command is started by a small Python of its own, watch.py, because a child's peak counts the memory of its parent
at the fork: the least peak that can be seen is that Python's own, some 9 MB.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WATCH = Path(__file__).with_name("watch.py")


@dataclass(frozen=True)
class Cost:
    seconds: float
    cpu_seconds: float
    peak_mb: float
    written_mb: float = 0.0


class CommandFailed(RuntimeError):
    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        shown = " ".join(command)[:200]
        super().__init__(f"`{shown}` ended with status {status}:\n{output[-2000:]}")


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, log: Path | None = None) -> Cost:
    """Runs a command to its end; its output goes to `log`. Raises CommandFailed for any status but 0."""
    with tempfile.TemporaryDirectory() as folder:
        report, output = Path(folder, "report"), log or Path(folder, "output")
        with output.open("wb") as stream:
            subprocess.run(
                [sys.executable, "-I", "-S", str(WATCH), str(report), *command],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=True,
            )
        status, *figures = report.read_text().split()
        if status != "0":
            raise CommandFailed(command, int(status), output.read_text(errors="replace"))
        return Cost(*map(float, figures))
