"""What a measurement was made with: the command line, the machine and the versions of the tools."""

import os
import platform
import re
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.upstream import nginx

PACKAGES = ("django", "huey", "requests", "urllib3", "waitress")
TOOLS = ("aria2c", "curl", "rclone", "wget")


def describe(folder: Path) -> list[str]:
    """The lines that head a report of measurements whose files lie in `folder`."""
    return [
        f"command: {shlex.join([sys.executable, *sys.argv])}",
        f"machine: {os.cpu_count()} cores ({processor()}), {memory_gib():.0f} GiB, {filesystem(folder)}, "
        f"{platform.platform()}, Python {platform.python_version()}",
        f"versions: {', '.join([*packages(), *tools()])}",
        f"load average before the start: {os.getloadavg()[0]:.1f} (ratios need an idle machine)",
    ]


def packages() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    return found


def tools() -> list[str]:
    return [f"{name} {tool_version([name, '--version'])}" for name in TOOLS] + [
        f"nginx {tool_version([nginx(), '-v'])}"
    ]


def tool_version(command: list[str]) -> str:
    """The first version number that the tool prints about itself, or `missing`."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "missing"
    found = re.search(r"\d+(\.\d+)+", run.stdout + run.stderr)
    return found[0] if found else "unknown"


def processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def filesystem(folder: Path) -> str:
    run = subprocess.run(["df", "--output=fstype", folder], capture_output=True, text=True, check=True)
    return run.stdout.split()[-1]
