"""The competitors: for each tool its command, after the inputs that it reads have been written (not measured).

Each gets the addresses of all files beforehand, and a fresh folder to put them in. None of them records anything.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.trees import Entry

WIDTH = 16  # connections, for every tool that can have several


@dataclass(frozen=True)
class Errand:
    """What a tool shall do: fetch `entries` from below `url` into the folder `target`; `notes` is for its inputs."""

    url: str
    entries: list[Entry]
    target: Path
    notes: Path

    def note(self, name: str, lines: Iterable[str]) -> str:
        """Writes an input file; returns its path."""
        file = self.notes / name
        file.write_text("".join(f"{line}\n" for line in lines))
        return str(file)


Tool = Callable[[Errand], list[str]]


def aria2c(errand: Errand) -> list[str]:
    lines = (f"{errand.url}{entry.path}\n  out={entry.path}" for entry in errand.entries)
    return [*aria2c_command(errand), errand.note("aria2c", lines)]


def aria2c_checksums(errand: Errand) -> list[str]:
    lines = (
        f"{errand.url}{entry.path}\n  out={entry.path}\n  checksum=sha-256={entry.sha256}" for entry in errand.entries
    )
    return [*aria2c_command(errand), errand.note("aria2c-checksums", lines)]


def aria2c_command(errand: Errand) -> list[str]:
    # falloc: by default aria2c writes zeros first, which would double the work of the big files on ext4.
    settings = ["--no-conf", "--quiet", "--file-allocation=falloc"]
    return ["aria2c", f"-j{WIDTH}", *settings, "--dir", str(errand.target), "--input-file"]


def curl(errand: Errand) -> list[str]:
    lines = (f'url = "{errand.url}{entry.path}"\noutput = "{errand.target}/{entry.path}"' for entry in errand.entries)
    settings = ["--disable", "--parallel", "--parallel-max", str(WIDTH), "--create-dirs", "--fail", "--silent"]
    return ["curl", *settings, "--config", errand.note("curl", lines)]


def rclone(errand: Errand) -> list[str]:
    # no-traverse, no-check-dest: the files are known and the target is empty, so nothing has to be listed.
    paths = errand.note("rclone", (entry.path for entry in errand.entries))
    settings = ["--config", "/dev/null", "--quiet", "--no-traverse", "--no-check-dest"]
    width = ["--transfers", str(WIDTH), "--checkers", str(WIDTH)]
    source = ["--http-url", errand.url, ":http:", "--files-from", paths]
    return ["rclone", "copy", *settings, *width, *source, str(errand.target)]


def wget(errand: Errand) -> list[str]:
    """One connection, kept alive."""
    urls = errand.note("wget", (f"{errand.url}{entry.path}" for entry in errand.entries))
    settings = ["--no-config", "--quiet", "--no-host-directories", "--force-directories"]
    return ["wget", *settings, "--directory-prefix", str(errand.target), "--input-file", urls]


def bare_loop(errand: Errand) -> list[str]:
    script = Path(__file__).with_name("bare_loop.py")
    return [sys.executable, str(script), errand.url, str(errand.target), "--threads", str(WIDTH)]


def curl_sha256sum(errand: Errand) -> list[str]:
    return curl_piped(errand, at_once=1)


def curl_sha256sum_by_two(errand: Errand) -> list[str]:
    return curl_piped(errand, at_once=2)


def curl_piped(errand: Errand, at_once: int) -> list[str]:
    """curl to disk and through sha256sum at the same time, `at_once` files at a time."""
    for entry in errand.entries:
        (errand.target / entry.path).parent.mkdir(parents=True, exist_ok=True)
    lines = (f"{errand.url}{entry.path} {errand.target}/{entry.path}" for entry in errand.entries)
    pipe = 'set -o pipefail; curl -q -sf "$1" | tee "$2" | sha256sum'
    pairs = errand.note("curl-sha256sum", lines)
    return ["xargs", "-a", pairs, "-P", str(at_once), "-n", "2", "bash", "-c", pipe, "bash"]


SMALL: dict[str, Tool] = {
    "aria2c -j16": aria2c,
    "aria2c -j16, checksums": aria2c_checksums,
    "curl --parallel": curl,
    "rclone copy": rclone,
    "wget, one connection": wget,
    "bare loop": bare_loop,
}

BIG: dict[str, Tool] = {
    "aria2c -j16, checksums": aria2c_checksums,
    "curl --parallel": curl,
    "rclone copy": rclone,
    "curl | sha256sum": curl_sha256sum,
    "curl | sha256sum, two at a time": curl_sha256sum_by_two,
    "bare loop": bare_loop,
}
