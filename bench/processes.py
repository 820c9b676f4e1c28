"""What /proc says of a process and its children: memory, processor time, command line. Linux only."""

import os
import signal
import subprocess
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all its descendants, parents first."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(found for file in children for child in file.read_text().split() for found in family(int(child)))]


def peak_mb(pid: int) -> float:
    """The most memory that was ever resident (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def cpu_seconds(pid: int) -> float:
    """Processor time so far, in user mode and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()


def idle_cpu(pids: list[int], seconds: float) -> list[float]:
    """The share of one core, in percent, that each process takes during a time in which nobody asks it anything."""
    before = [cpu_seconds(pid) for pid in pids]
    time.sleep(seconds)
    return [100 * (cpu_seconds(pid) - used) / seconds for pid, used in zip(pids, before, strict=True)]


def stop(process: "subprocess.Popen[bytes]", patience: float = 30) -> float:
    """Sends SIGTERM; returns the seconds until the end. A process that outlasts the patience is killed."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
    return time.monotonic() - begun
