"""Real download tools against a real server, cut off midway, and with a switch in the meantime."""

import hashlib
import random
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from dashboard import content
from repos.models import Repository
from tests import factories
from tests.content_server import Server
from tests.running import until

pytestmark = [
    pytest.mark.tools,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not all(map(shutil.which, ("curl", "wget", "aria2c"))), reason="needs curl, wget and aria2c to be installed"
    ),
]

MIB = 1 << 20
OLD, NEW = (random.Random(seed).randbytes(12 * MIB) for seed in ("old", "new"))
# What happens to the file in the middle of its download.
CHANGES: dict[str, bytes | None] = {"nothing": OLD, "other bytes": NEW, "shorter": NEW[: 3 * MIB], "gone": None}

CURL = ["curl", "--silent", "--show-error", "--fail", "--output", "file"]
WGET = ["wget", "--no-verbose", "--tries=5", "--waitretry=0"]
ARIA2 = ["aria2c", "--quiet", "--no-conf", "--max-connection-per-server=4", "--min-split-size=1M", "--split=4"]
ARIA2 += ["--file-allocation=none", "--retry-wait=0", "--out=file", "--allow-overwrite=false"]


class Line:
    """A server whose requests are written down, and whose connections can be cut off."""

    def __init__(self) -> None:
        self.ranges: list[str] = []
        self.server = Server(self._application)
        self.url = f"{self.server.url}/content/files/file"

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.ranges.append(environ.get("HTTP_RANGE", ""))
        return content.application(environ, start_response)


@pytest.fixture
def files() -> Repository:
    made = factories.repository()
    factories.serve(made, {"file": OLD, "other": b"1"})
    return made


@pytest.fixture
def line(files: Repository) -> Iterator[Line]:
    cache.clear()
    made = Line()
    with made.server:
        yield made


def change(files: Repository, name: str) -> None:
    """Serves the next version, in which the file has changed."""
    factories.serve(files, {"file": CHANGES[name], "other": None})


def begin(command: list[str], folder: Path, size: int) -> "subprocess.Popen[bytes]":
    """Starts the command in `folder` and returns when it has written `size` bytes, and is still at work."""
    process = subprocess.Popen(command, cwd=folder)
    until(lambda: written(folder / "file") >= size)
    assert process.poll() is None
    return process


def written(file: Path) -> int:
    """Bytes on the disk: files of aria2c have holes."""
    return file.stat().st_blocks * 512 if file.exists() else 0


def cut_off(command: list[str], folder: Path, how: signal.Signals = signal.SIGKILL) -> None:
    """Starts the command and ends it in the middle of its download."""
    process = begin(command, folder, MIB)
    process.send_signal(how)
    process.wait()


def finish(command: list[str], folder: Path) -> int:
    return subprocess.run(command, cwd=folder, timeout=60, check=False).returncode


def assert_whole(folder: Path, data: bytes) -> None:
    found = (folder / "file").read_bytes()
    assert len(found) == len(data)
    assert hashlib.sha256(found).hexdigest() == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("slowly", "on"),
    [
        ([*CURL, "--limit-rate", "3M"], [*CURL, "--continue-at", "-"]),
        ([*WGET, "--limit-rate=3m"], [*WGET, "--continue"]),
    ],
    ids=["curl", "wget"],
)
@pytest.mark.parametrize("name", CHANGES)
def test_download_is_resumed(
    files: Repository, line: Line, tmp_path: Path, slowly: list[str], on: list[str], name: str
) -> None:
    cut_off([*slowly, line.url], tmp_path)
    change(files, name)
    assert finish([*on, line.url], tmp_path) == 0
    assert_whole(tmp_path, OLD)
    assert line.ranges[0] == ""
    assert line.ranges[1].startswith("bytes=")


@pytest.mark.parametrize("name", CHANGES)
def test_wget_goes_on_by_itself_when_the_line_breaks(files: Repository, line: Line, tmp_path: Path, name: str) -> None:
    process = begin([*WGET, "--limit-rate=3m", line.url], tmp_path, MIB)
    change(files, name)
    line.server.cut_off()
    assert process.wait(60) == 0
    assert_whole(tmp_path, OLD)
    assert line.ranges[1].startswith("bytes=")


@pytest.mark.parametrize("name", CHANGES)
def test_parts_are_of_one_file(files: Repository, line: Line, tmp_path: Path, name: str) -> None:
    process = begin([*ARIA2, "--max-download-limit=6M", line.url], tmp_path, MIB)
    until(lambda: len(line.ranges) >= 4)
    before = len(line.ranges)
    change(files, name)
    line.server.cut_off()
    assert process.wait(60) == 0
    assert_whole(tmp_path, OLD)
    # At least one of the parts was asked for again, behind its start.
    assert line.ranges[before:]
    assert all(asked.startswith("bytes=") for asked in line.ranges[before:])


@pytest.mark.parametrize("name", ["nothing", "gone"])
def test_parts_are_resumed(files: Repository, line: Line, tmp_path: Path, name: str) -> None:
    cut_off([*ARIA2, "--max-download-limit=3M", line.url], tmp_path, signal.SIGINT)
    change(files, name)
    assert finish([*ARIA2, line.url], tmp_path) == 0
    assert_whole(tmp_path, OLD)


def test_parts_of_two_files_are_never_taken_for_one(files: Repository, line: Line, tmp_path: Path) -> None:
    """Begun again, aria2c asks for the whole file, as if for the first time, and then for parts only.

    It cannot be given the old file, or nobody would get the new one. But it is told the digest, and sees the mixture.
    """
    cut_off([*ARIA2, "--max-download-limit=3M", line.url], tmp_path, signal.SIGINT)
    change(files, "other bytes")
    checksum_error = 32
    assert finish([*ARIA2, line.url], tmp_path) == checksum_error
    assert finish([*ARIA2, line.url], tmp_path) == 0
    assert_whole(tmp_path, NEW)


def test_parts_of_a_file_of_another_size_are_refused(files: Repository, line: Line, tmp_path: Path) -> None:
    cut_off([*ARIA2, "--max-download-limit=3M", line.url], tmp_path, signal.SIGINT)
    change(files, "shorter")
    assert finish([*ARIA2, line.url], tmp_path) != 0


def test_wget_mirrors_a_folder_once_however_it_can_be_sorted(files: Repository, line: Line, tmp_path: Path) -> None:
    """And from a sorted page too: its links lead to the same folders as those of any other."""
    factories.serve(files, {"file": b"1", "sub/one": b"2"})
    for start in ("", "?sort=-size&digests=1"):
        folder = tmp_path / (start or "plain")
        folder.mkdir()
        command = ["wget", "--no-verbose", "--recursive", "--level=inf", "--no-parent", "--no-host-directories"]
        assert finish([*command, f"{line.server.url}/content/files/{start}"], folder) == 0
        found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
        own = {"content/files/index.html" + start, "content/files/sub/index.html"}
        below = {f"content/files/{name}" for name in ("PULP_MANIFEST", "file", "other", "sub/one")}
        assert found - {"robots.txt"} == own | below | {"content/files/index.html"}


def test_the_line_that_pages_offer_brings_every_file_and_no_page(
    files: Repository, line: Line, tmp_path: Path, admin_client: Client
) -> None:
    """Those among them that are themselves called as the page of a folder is by others."""
    named = {
        "index.html": b"<a href=sub/index.html>",
        "sub/index.html": b"4",
        "sub/index.html.gz": b"5",
        "a b#.txt": b"6",
    }
    factories.serve(files, named)
    page = unescape(admin_client.get(f"/repositories/{files.pk}/").content.decode())
    folder = tmp_path / "mirror"
    folder.mkdir()
    offered = re.findall(r"<code>(wget .*?) \S+</code>", page)[0]
    assert finish([*shlex.split(offered), f"{line.server.url}/content/files/"], folder) == 0
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    served = {"PULP_MANIFEST", "file", "other", *named}
    assert found - {"robots.txt"} == {f"content/files/{name}" for name in served}
