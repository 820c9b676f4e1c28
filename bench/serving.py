"""Measures how fast files are served, with nginx beside it in the same run.

    python -m bench.serving [--only small large slow …] [--rounds 3] [--seconds 5] [--files 100000] [--folder DIR]

It makes a data folder with published versions of many files of 1 KiB, of a tenth of them, of a file of 100 MiB and of
a folder with 50,000 entries. It starts `manage.py serve` on it, and nginx three times: on the files of the pool (what
the machine can do), in front of Millrace with X-Accel-Redirect, and on an exported tree. wrk asks for small files at
random, curl for the large one; all is read once before, so that no disk is measured.

    small      files of 1 KiB, 16 connections; also out of fewer files, with 1 and 300 connections, and protected ones
    known      304s and ranges
    large      100 MiB, one client and four
    slow       300 slow downloaders: the dashboard beside them, and what memory they take
    sync       small files while a job fetches 20,000 others at full speed
    listing    a folder of 50,000 entries
    static     our own static files
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from bench import served_files, trees
from bench.browser import Browser
from bench.machine import describe
from bench.processes import cpu_seconds, peak_mb
from bench.scene import ROOT, Scene, scene
from bench.served_files import LARGE, PASSWORD, large
from bench.upstream import Upstream

PARTS = ("small", "known", "large", "slow", "sync", "listing", "static")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts (default: all)")
    parser.add_argument("--files", type=int, default=100_000, help="of 1 KiB (default 100000)")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each part (default 3)")
    parser.add_argument("--folder", type=Path, help="where to work; kept, and used again (default: a new one, removed)")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="millrace-serving-"))
    try:
        print(*describe(served_files.prepared(folder / "data", given.files)), sep="\n")
        with scene(folder, given.files, given.seconds) as made:
            for name in given.only:
                print(f"\n{(MEASURES[name].__doc__ or name).splitlines()[0]}")
                for _ in range(given.rounds if name not in ("slow", "sync") else 1):
                    MEASURES[name](made)
    finally:
        if not given.folder:
            shutil.rmtree(folder)


# ---- what is measured --------------------------------------------------------------------------------------


def small(scene: Scene) -> None:
    """1 KiB at random, requests a second"""
    limit = scene.wrk(scene.pool, "pool")
    print(f"  nginx on the pool          {limit}")
    figures: list[tuple[str, str, str, int, dict[str, str]]] = [
        ("Millrace, 16 connections", scene.millrace, "all", 16, {}),
        ("… of a tenth of the files", scene.millrace, "tenth", 16, {}),
        ("… 1 connection", scene.millrace, "all", 1, {}),
        ("… 300 connections", scene.millrace, "all", 300, {}),
        ("… protected, by a token", scene.millrace, "closed", 16, {"Authorization": f"Bearer {scene.token}"}),
        ("behind nginx, X-Accel", scene.front, "all", 16, {}),
        ("exported tree, nginx", scene.export, "all", 16, {}),
    ]
    for name, address, kind, connections, headers in figures:
        before = cpu_seconds(scene.pid)
        found = scene.wrk(address, kind, connections, **headers)
        used = 100 * (cpu_seconds(scene.pid) - before) / scene.seconds
        share = f", Millrace {used:3.0f} % of a core" if address == scene.millrace else ""
        print(f"  {name:26} {found}, {found.rate / limit.rate:.2f} × nginx{share}")


def known(scene: Scene) -> None:
    """304s and ranges of files of 1 KiB, 16 connections, requests a second"""
    asked: dict[str, dict[str, str]] = {"304": {"If_None_Match": "*"}, "first 100 bytes": {"Range": "bytes=0-99"}}
    for title, headers in asked.items():
        limit = scene.wrk(scene.pool, "pool", 16, **headers)
        for name, address in (("Millrace", scene.millrace), ("X-Accel", scene.front)):
            found = scene.wrk(address, "all", 16, **headers)
            print(f"  {title:16} {name:9} {found}, {found.rate / limit.rate:.2f} × nginx's {limit.rate:,.0f}/s")


def large_file(scene: Scene) -> None:
    """100 MiB, MB/s: all of it by one client, the second half by range, four clients at once"""
    digest = sha256(large()).hexdigest()
    addresses = {
        "nginx on the pool": f"{scene.pool}/{digest[:2]}/{digest}",
        "Millrace": f"{scene.millrace}/content/all/large.bin",
        "X-Accel": f"{scene.front}/content/all/large.bin",
        "exported tree": f"{scene.export}/content/all/large.bin",
    }
    ways: list[tuple[str, Callable[[str], float]]] = [
        ("whole", lambda url: megabytes(url)),
        ("range", lambda url: megabytes(url, "-r", f"{LARGE // 2}-")),
        ("four", lambda url: megabytes(url, clients=4)),
    ]
    found: dict[str, dict[str, list[float]]] = {name: {way: [] for way, _ in ways} for name in addresses}
    # In turn, so that what disturbs the machine disturbs all of them.
    for _ in range(5):
        for way, measured in ways:
            for name, url in addresses.items():
                found[name][way].append(measured(url))
    limits = {way: statistics.median(speeds) for way, speeds in found["nginx on the pool"].items()}
    for name, speeds in found.items():
        medians = {way: statistics.median(each) for way, each in speeds.items()}
        shown = ", ".join(f"{way} {speed:6,.0f} ({speed / limits[way]:.2f})" for way, speed in medians.items())
        print(f"  {name:26} {shown}")


def slow(scene: Scene) -> None:
    """The dashboard's overview, p50 / p95 in ms, and the memory of the server"""
    browser = Browser(int(scene.millrace.rpartition(":")[2]))
    browser.sign_in("admin", PASSWORD)
    print(f"  nobody downloads           {latencies(browser)}, resident {resident(scene.pid):.0f} MB")
    with slow_downloaders(f"{scene.millrace}/content/all/large.bin", 300):
        print(f"  300 slow downloaders       {latencies(browser)}, resident {resident(scene.pid):.0f} MB")
        print(f"  … and small files          {scene.wrk(scene.millrace, 'all')}")
    with subprocess.Popen([sys.executable, "-c", ASKING, scene.millrace], stdout=subprocess.DEVNULL) as asking:
        print(f"  small files at full speed  {latencies(browser)}")
        asking.terminate()
    print(f"  peak of memory: {peak_mb(scene.pid):.0f} MB")


def sync(scene: Scene) -> None:
    """Small files while a job runs at full speed: 16 connections, requests a second"""
    idle = scene.wrk(scene.millrace, "all")
    print(f"  idle                       {idle}")
    root = scene.folder / f"upstream-{time.time_ns()}"
    trees.small(root, 20_000)
    name = f"job-{time.time_ns()}"
    with Upstream(root) as upstream:
        # One second of wrk at a time, as long as the job runs.
        short, rates = replace(scene, seconds=1), []
        with mirroring(f"{upstream.url}{trees.MANIFEST}", name) as job:
            time.sleep(1)
            while job.poll() is None:
                rates.append(short.wrk(scene.millrace, "all"))
        assert job.returncode == 0
    # The last one outlasted the job.
    whole = rates[:-1] or rates
    rate = statistics.median(one.rate for one in whole)
    worst = max(whole, key=lambda one: one.rate == min(other.rate for other in whole))
    print(f"  during a job               {rate:8,.0f}/s, {rate / idle.rate:.2f} × idle; worst second: {worst}")


def mirroring(url: str, name: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(ROOT / "manage.py"), "mirror", url, name, name]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def static(scene: Scene) -> None:
    """Our own static files: a style sheet, 16 connections, requests a second"""
    sheets = [line for line in page(scene).split('"') if line.startswith("/static/") and line.endswith(".css")]
    with_path = replace(scene, paths={"static": sheets[:1]})
    print(f"  Millrace                   {with_path.wrk(scene.millrace, 'static')}")


def page(scene: Scene) -> str:
    with urllib.request.urlopen(f"{scene.millrace}/login/") as answer:
        return str(answer.read().decode())


# A folder as a page in the order of names, which is streamed; as what has to be read whole first; and as JSON.
LOOKS = {"html": "format=html", "html, by size": "sort=-size", "html, with digests": "digests=1", "json": "format=json"}


def listing(scene: Scene) -> None:
    """A folder of 50,000 entries, milliseconds to the first byte and to the last"""
    for kind, query in LOOKS.items():
        url = f"{scene.millrace}/content/listed/many/?{query}"
        runs = [curl(url, "%{time_starttransfer} %{time_total} %{size_download}").split() for _ in range(5)]
        first, last = (1000 * statistics.median(float(run[place]) for run in runs) for place in (0, 1))
        print(f"  {kind}: {first:.0f} / {last:.0f} ms, {int(runs[0][2]) / 1e6:.1f} MB")
    print(f"  peak of memory: {peak_mb(scene.pid):.0f} MB")


MEASURES: dict[str, Callable[[Scene], None]] = {
    "small": small,
    "known": known,
    "large": large_file,
    "slow": slow,
    "sync": sync,
    "listing": listing,
    "static": static,
}

# ---- who asks ----------------------------------------------------------------------------------------------


def megabytes(url: str, *more: str, clients: int = 1) -> float:
    """A second, by so many clients together."""
    command = ["curl", "-sSf", "-o", "/dev/null", "-w", "%{size_download}\n", *more, url]
    begun = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(clients)]
    taken = sum(int(one.communicate()[0]) for one in running)
    return taken / (time.monotonic() - begun) / 1e6


def curl(url: str, told: str) -> str:
    return subprocess.run(
        ["curl", "-sSf", "-o", "/dev/null", "-w", told, url], capture_output=True, text=True, check=True
    ).stdout


@contextmanager
def slow_downloaders(url: str, count: int) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.slow", url, str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            process.stdout.readline()
            yield
        finally:
            process.terminate()


# Asks for the same small file on 16 connections, a few hundred times a second less than wrk does.
ASKING = """
import subprocess, sys
subprocess.run(["wrk", "-t1", "-c16", "-d8s", sys.argv[1] + "/content/all/d0000/f0000000.bin"])
"""


def latencies(browser: Browser) -> str:
    found = []
    for _ in range(150):
        found.append(1000 * browser.time("/"))
        time.sleep(0.02)
    p95 = statistics.quantiles(found, n=20)[-1]
    return f"{statistics.median(found):5.1f} / {p95:5.1f} ms"


def resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
