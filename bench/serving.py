"""Measures how fast files are served: small ones at random by wrk, a large one by curl, and nginx beside it.

    python -m bench.serving [--files 100000] [--seconds 10] [--connections 16] [--threads 8]

It makes a data folder with a published version of that many files of 1 KiB, another of a tenth of them, and a file of
100 MiB; starts `manage.py serve` on it, and an nginx that sends the same files of the pool from the same disk.
"""

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from bench.machine import describe
from bench.processes import cpu_seconds, stop
from bench.upstream import Upstream, free_port

ROOT = Path(__file__).resolve().parent.parent
LARGE = 100 << 20
SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
function init(arguments) math.randomseed(os.time()) end
function request() return wrk.format("GET", paths[math.random(#paths)]) end
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="of 1 KiB (default 100000)")
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement (default 10)")
    parser.add_argument("--rounds", type=int, default=3, help="of all measurements (default 3)")
    parser.add_argument("--connections", type=int, default=16, help="(default 16)")
    parser.add_argument("--threads", type=int, default=8, help="of the web server (default 8)")
    parser.add_argument("--folder", type=Path, help="where to work; kept, and used again (default: a new one, removed)")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="millrace-serving-"))
    try:
        print(*describe(prepared(folder, given.files)), sep="\n")
        measure(folder, given)
    finally:
        if not given.folder:
            shutil.rmtree(folder)


def measure(folder: Path, given: argparse.Namespace) -> None:
    lists = path_lists(folder, given.files)
    with served(folder, given.threads) as (url, pid), Upstream(folder / "pool") as nginx:
        addresses = {"all": url, "tenth": url, "nginx": nginx.url.rstrip("/")}
        large = {"large": f"{url}/content/all/large.bin", "nginx": nginx.url + large_path(folder)}
        for number in range(given.rounds):
            print(f"\nround {number + 1}")
            for name, address in addresses.items():
                before = cpu_seconds(pid)
                figures = wrk(address, lists[name], given.connections, given.seconds)
                used = cpu_seconds(pid) - before
                print(f"1 KiB, {name:6} {figures}, server {100 * used / given.seconds:3.0f} % of a core")
            for name, address in large.items():
                print(f"100 MiB, {name:6} {megabytes(address):6,.0f} MB/s (median of 5)")


# ---- what is served ----------------------------------------------------------------------------------------


def prepared(folder: Path, files: int) -> Path:
    """The folder, with a migrated database, the pool's files and the rows that publish them."""
    os.environ |= {"MILLRACE_DATA": str(folder), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connections

    from repos.models import Distribution

    if not Distribution.objects.exists():
        serve("all", files)
        serve("tenth", files // 10)
    connections.close_all()
    return folder


def serve(name: str, count: int) -> None:
    from repos.models import Artifact, Content, Publication, PublishSettings, Repository

    repository = Repository.objects.create(name=name, publish_settings=PublishSettings.objects.matching())
    version = repository.versions.create(number=1, complete=True, files=count + 1, added=count + 1)
    digests = [keep(data(number)) for number in range(count)]
    rows = (Artifact(sha256=digest, size=1024) for digest in digests)
    Artifact.objects.bulk_create([*rows, Artifact(sha256=keep(large()), size=LARGE)], ignore_conflicts=True)
    made = dict(Artifact.objects.values_list("sha256", "pk"))
    named = [*((small_path(number), digest) for number, digest in enumerate(digests)), ("large.bin", keep(large()))]
    Content.objects.bulk_create(
        (Content(repository=repository, path=path, artifact_id=made[digest], added=1) for path, digest in named),
        batch_size=500,
    )
    publication = Publication.objects.create(version=version, settings=repository.publish_settings)
    repository.distributions.create(base_path=name, publication=publication)


def data(number: int) -> bytes:
    return random.Random(number).randbytes(1024)


def large() -> bytes:
    return random.Random("large").randbytes(LARGE)


def small_path(number: int) -> str:
    return f"d{number // 1000:04}/f{number:07}.bin"


def keep(content: bytes) -> str:
    from repos import pool

    digest = sha256(content).hexdigest()
    if not pool.has(digest, len(content)):
        pool.path(digest).parent.mkdir(parents=True, exist_ok=True)
        pool.path(digest).write_bytes(content)
    return digest


def path_lists(folder: Path, files: int) -> dict[str, Path]:
    """For wrk: files of one address a line, of the large repository, the small one, and the large one in nginx."""
    numbers = range(files)
    digests = (sha256(data(number)).hexdigest() for number in numbers)
    lists = {
        "all": [f"/content/all/{small_path(number)}" for number in numbers],
        "tenth": [f"/content/tenth/{small_path(number)}" for number in range(files // 10)],
        "nginx": [f"/{digest[:2]}/{digest}" for digest in digests],
    }
    for name, lines in lists.items():
        (folder / f"{name}.paths").write_text("\n".join(lines))
        (folder / f"{name}.lua").write_text(SCRIPT % (folder / f"{name}.paths"))
    return {name: folder / f"{name}.lua" for name in lists}


def large_path(folder: Path) -> str:
    digest = sha256(large()).hexdigest()
    return f"{digest[:2]}/{digest}"


# ---- who serves it and who asks ----------------------------------------------------------------------------


@contextmanager
def served(folder: Path, threads: int) -> Iterator[tuple[str, int]]:
    """`manage.py serve`: its address and its process id."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--listen", url[7:], "--threads", str(threads)]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(f"{url}/content/all/{small_path(0)}", process)
        yield url, process.pid
    finally:
        stop(process)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url) as answer:
                assert len(answer.read()) == 1024
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The server does not answer.")


def wrk(url: str, script: Path, connections: int, seconds: int) -> str:
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {name: match[1] if (match := re.search(f"{name}[: ]+([0-9.a-z]+)", output)) else "?" for name in WANTED}
    bad = re.search(r"(Non-2xx.*|Socket errors.*)", output)
    return (
        f"{float(found['Requests/sec']):8,.0f}/s, p50 {found['50%']}, p99 {found['99%']}{f' ({bad[0]})' if bad else ''}"
    )


WANTED = ("Requests/sec", "50%", "99%")


def megabytes(url: str) -> float:
    command = ["curl", "-sSf", "-o", "/dev/null", "-w", "%{speed_download}", url]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(5)]
    return statistics.median(map(float, runs)) / 1e6


if __name__ == "__main__":
    main()
