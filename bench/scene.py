"""Who serves in bench/serving.py: Millrace, Millrace behind nginx, and nginx by itself; and wrk, which asks them."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from bench import served_files
from bench.processes import stop
from bench.served_files import PASSWORD, small_path
from bench.upstream import Upstream, free_port

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local headers = {%s}
function init(arguments) math.randomseed(os.time()) end
function request() return wrk.format("GET", paths[math.random(#paths)], headers) end
"""


@dataclass(frozen=True)
class Load:
    """What wrk found: requests a second, latencies as it writes them, and what went wrong."""

    rate: float
    p50: str
    p99: str
    bad: str

    def __str__(self) -> str:
        return f"{self.rate:8,.0f}/s, p50 {self.p50:>8}, p99 {self.p99:>8}{self.bad}"


def load(url: str, script: Path, connections: int, seconds: int) -> Load:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, p50, p99 = (re.search(f"{name}[: ]+([0-9.a-z]+)", output) for name in ("Requests/sec", "50%", "99%"))
    bad = re.search(r"(Non-2xx.*|Socket errors.*)", output)
    assert rate
    assert p50
    assert p99
    return Load(float(rate[1]), p50[1], p99[1], f" ({bad[0]})" if bad else "")


@dataclass(frozen=True)
class Scene:
    """Who serves: addresses without a slash at their ends; of Millrace by itself also the process."""

    folder: Path
    seconds: int
    millrace: str
    pid: int
    front: str
    export: str
    pool: str
    token: str
    paths: dict[str, list[str]]

    def wrk(self, address: str, kind: str, connections: int = 16, /, **headers: str) -> "Load":
        script = self.folder / "wrk.lua"
        listed = self.folder / "wrk.paths"
        listed.write_text("\n".join(self.paths[kind]))
        lua = ", ".join(f'["{name.replace("_", "-")}"] = {value!r}' for name, value in headers.items())
        script.write_text(SCRIPT % (listed, lua))
        return load(address, script, connections, self.seconds)


# ---- who serves --------------------------------------------------------------------------------------------

# As docs/front.md has it; and nginx on an exported tree.
FRONT = """
    upstream millrace {{ server 127.0.0.1:{port}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{front} backlog=1024;
        location / {{
            proxy_pass http://millrace;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
        location /millrace-pool/ {{
            internal;
            alias {data}/pool/;
            etag off;
            if_modified_since off;
            max_ranges 1;
            disable_symlinks on from={data}/pool/;
            add_header ETag $upstream_http_etag;
            add_header Last-Modified $upstream_http_last_modified;
            add_header Repr-Digest $upstream_http_repr_digest;
            add_header Digest $upstream_http_digest;
            add_header Vary $upstream_http_vary;
            add_header Content-Security-Policy $upstream_http_content_security_policy;
            add_header X-Content-Type-Options $upstream_http_x_content_type_options;
        }}
    }}
    server {{
        listen 127.0.0.1:{export} backlog=1024;
        location /content/ {{
            alias {folder}/export/;
            add_header X-Content-Type-Options nosniff;
            add_header Content-Security-Policy "sandbox; default-src 'none'; style-src 'self' 'unsafe-inline'";
        }}
    }}
"""


@contextmanager
def scene(folder: Path, files: int, seconds: int) -> Iterator[Scene]:
    data = folder / "data"
    secret = served_files.token()
    paths = {
        "all": [f"/content/all/{small_path(number)}" for number in range(files)],
        "tenth": [f"/content/tenth/{small_path(number)}" for number in range(files // 10)],
        "closed": [f"/content/closed/{small_path(number)}" for number in range(files // 10)],
        "pool": [f"/{one.parent.name}/{one.name}" for one in small_files(data, files)],
    }
    exported(folder)
    served_files.warm(data)
    with ExitStack() as stack:
        url, pid = stack.enter_context(served(folder))
        handing, _ = stack.enter_context(served(folder, "again", MILLRACE_SENDFILE="x-accel-redirect"))
        ports = {"front": free_port(), "export": free_port(), "port": handing.rpartition(":")[2]}
        more = FRONT.format(**ports, data=data.resolve(), folder=folder.resolve())
        nginx = stack.enter_context(Upstream(data / "pool", more))
        front, export = (f"http://127.0.0.1:{ports[name]}" for name in ("front", "export"))
        yield Scene(folder, seconds, url, pid, front, export, nginx.url.rstrip("/"), secret, paths)


def small_files(data: Path, files: int) -> list[Path]:
    digests = (sha256(served_files.data(number)).hexdigest() for number in range(files))
    return [data / "pool" / digest[:2] / digest for digest in digests]


def exported(folder: Path) -> None:
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "export", str(folder / "export"), "all"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    print(f"the export took {time.monotonic() - begun:.1f} s")


@contextmanager
def served(folder: Path, name: str = "serve", **settings: str) -> Iterator[tuple[str, int]]:
    """`manage.py serve`: its address and its process id. A second one has the same data in another folder, by links."""
    data = folder / "data"
    if name != "serve":
        data = folder / name
        data.mkdir(exist_ok=True)
        for shared in ("pool", "millrace.sqlite3", "secrets"):
            if not (data / shared).is_symlink():
                (data / shared).symlink_to(folder / "data" / shared)
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--listen", url[7:]]
    environment = os.environ | {"MILLRACE_DATA": str(data), "MILLRACE_ADMIN_PASSWORD": PASSWORD} | settings
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
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
                answer.read()
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("The server does not answer.")
