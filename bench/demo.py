"""`make demo`: Millrace with a real upstream, from nothing to verified downloads, in front of your eyes.

Copies this Python's own library into a folder, serves that on loopback with a PULP_MANIFEST, mirrors it with a running
Millrace, changes the upstream, syncs again, downloads all that is served, and compares every byte's digest. Then it
leaves the dashboard up, or, with DEMO_EXIT=1, ends with status 0 only if every served byte was right.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import requests

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
NAME, BASE_PATH = "python", "mirrors/python"
FILES = 4000
ODD = {
    "odd names/with spaces and, commas, in it.txt": b"a comma is legal in a manifest's path\n",
    "odd names/100% #1? & more.txt": b"and so are these\n",
    "odd names/ünïcödé/日本語 – файл.txt": b"and Unicode\n",
    "sizes/empty.dat": b"",
    "sizes/five megabytes.bin": secrets.token_bytes(5_000_000),
}

Digests = dict[str, str]


def main() -> int:
    home = ROOT / "var" / "demo"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    only_one(home)
    shutil.rmtree(home, ignore_errors=True)
    upstream = home / "upstream"
    say(f"Making an upstream of real files in {upstream.relative_to(ROOT)}")
    fill(upstream)
    expected = write_manifest(upstream)
    password = secrets.token_urlsafe(9)
    # Whatever else is set here is for another Millrace.
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "DATABASE_URL"))}
    env = ours | {
        "MILLRACE_DATA": str(home / "data"),
        "MILLRACE_ADMIN_PASSWORD": password,
        "MILLRACE_LOG_LEVEL": "WARNING",
    }
    with served_folder(upstream) as url, server(env) as address:
        say(f"Mirroring {url} ({len(expected):,} files), while Millrace runs at {address}")
        run(env, "mirror", url, NAME, BASE_PATH, "--mode", "mirror")
        wrong = verify(address, expected)
        say("Changing the upstream: 30 files added, 30 changed, 30 removed; then syncing again")
        change(upstream)
        expected = write_manifest(upstream)
        run(env, "sync", NAME)
        wrong += verify(address, expected)
        say("Syncing once more, with nothing changed")
        run(env, "sync", NAME)
        if os.environ.get("DEMO_EXIT") or wrong:
            return 1 if wrong else 0
        farewell(address, password)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


def only_one(home: Path) -> None:
    """Refuses to begin while an earlier demo is up on the same folder."""
    lock = home / "data" / "serve.lock"
    if lock.exists():
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SystemExit("Another demo is still up. End it first (Ctrl-C in its terminal).") from None


def say(text: str) -> None:
    print(f"\n── {text}", flush=True)


# ---- the upstream ------------------------------------------------------------------------------------


def fill(folder: Path) -> None:
    """Copies some thousands of files of this Python's library, and adds some with odd names and sizes."""
    library = Path(sysconfig.get_paths()["stdlib"])
    found = (path for path in sorted(library.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    for source in [path for path in found if path.stat().st_size < 10_000_000][:FILES]:
        copy = folder / source.relative_to(library)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    for name, body in ODD.items():
        write(folder / name, body)


def write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def change(folder: Path) -> None:
    files = sorted(folder.rglob("*.py"))
    for path in files[:30]:
        path.unlink()
    for path in files[30:60]:
        path.write_bytes(path.read_bytes() + b"\n# changed upstream\n")
    for number in range(30):
        write(folder / f"new/file {number}.txt", f"new upstream: {number}\n".encode())


def write_manifest(folder: Path) -> Digests:
    """Writes the PULP_MANIFEST of what is in `folder`; returns the sha256 of each path."""
    digests, lines = {}, []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "PULP_MANIFEST"):
        name, body = path.relative_to(folder).as_posix(), path.read_bytes()
        digests[name] = hashlib.sha256(body).hexdigest()
        lines.append(f"{name},{digests[name]},{len(body)}\n")
    write(folder / "PULP_MANIFEST", "".join(lines).encode())
    return digests


@contextlib.contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """Serves `folder` on loopback by Python's own http.server, in a process of its own; yields the address."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--protocol", "HTTP/1.1"]
    with subprocess.Popen(
        [*command, "--directory", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout
            port = process.stdout.readline().split(" port ")[1].split()[0]
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()


# ---- Millrace ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def server(env: dict[str, str]) -> Iterator[str]:
    """`manage.py serve` while the block runs; yields its address once it answers."""
    listen = f"127.0.0.1:{free_port(8000)}"
    # A session of its own: Ctrl-C is for us, and we end it in peace.
    with subprocess.Popen([*MANAGE, "serve", "--listen", listen], env=env, start_new_session=True) as process:
        try:
            wait_for(f"http://{listen}/healthz", process)
            yield f"http://{listen}"
        finally:
            process.terminate()


def free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise SystemExit("There is no free port on 127.0.0.1.")


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=2).ok:
                return
        time.sleep(0.1)
    raise SystemExit("Millrace does not start; see the lines above.")


def run(env: dict[str, str], *arguments: str) -> None:
    """A command of Millrace's, with its progress in this terminal."""
    print(f"$ manage.py {' '.join(arguments)}", flush=True)
    subprocess.run([*MANAGE, *arguments], env=env, check=True)


# ---- the proof ---------------------------------------------------------------------------------------


def verify(address: str, expected: Digests) -> int:
    """Downloads all that is served and compares it with the upstream's digests; returns how much is wrong."""
    base = f"{address}/content/{BASE_PATH}/"
    listed = requests.get(f"{base}PULP_MANIFEST", timeout=30).content.decode().splitlines()
    served = {path: digest for path, digest, _ in (line.rsplit(",", 2) for line in listed)}
    local = threading.local()

    def digest(path: str) -> tuple[str, int]:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        with local.session.get(base + quote(path), timeout=30, headers={"Accept-Encoding": "identity"}) as response:
            return (hashlib.sha256(response.content).hexdigest() if response.ok else "-"), len(response.content)

    started = time.monotonic()
    with ThreadPoolExecutor(16) as threads:
        got = dict(zip(served, threads.map(digest, served), strict=True))
    wrong = [path for path in expected.keys() | served.keys() if got.get(path, ("", 0))[0] != expected.get(path)]
    seconds, size = time.monotonic() - started, sum(length for _, length in got.values())
    print(f"Downloaded {len(got):,} files, {size / 1e6:,.1f} MB, from {base} in {seconds:.1f} s:", end=" ")
    print(f"{len(got) - len(wrong):,} right, {len(wrong):,} wrong or missing.", *wrong[:10])
    return len(wrong)


def farewell(address: str, password: str) -> None:
    say("Millrace stays up. Ctrl-C ends it.")
    print(f"   Dashboard  {address}/   user: admin   password: {password}")
    print(f"   Downloads  {address}/content/{BASE_PATH}/", flush=True)


if __name__ == "__main__":
    sys.exit(main())
