"""Room on the disk: what is refused before it is fetched, what ends a job, and what a full or read-only disk says."""

import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from repos import pool, space
from repos.arrivals import Arrivals
from repos.errors.storage import NoRoom
from repos.models import Artifact, FailedFile, Repository
from tests.misbehaviour import Drip
from tests.running import run, served
from tests.upstream import Upstream

MORE_THAN_THERE_IS = 10**18
FILES = 700


@pytest.fixture
def small_disk(data: Path) -> Iterator[Path]:
    """The data folder on a disk of 2 MB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "millrace-test", str(data)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can only be mounted by root, where containers allow it")
    try:
        yield data
    finally:
        subprocess.run(["umount", "-l", str(data)], check=True)


def read_only(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def writable(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


@pytest.mark.any_database
def test_it_works(data: Path) -> None:
    disk = os.statvfs(data)
    assert abs(space.free() - disk.f_bavail * disk.f_frsize) < 10**9
    assert not space.is_low()
    space.refuse_when_low()
    space.refuse_what_does_not_fit(1)


@pytest.mark.any_database
def test_what_fits_only_into_the_reserve_does_not_fit(data: Path, settings: Settings) -> None:
    settings.MILLRACE_RESERVE_BYTES = space.free() - 10**9
    space.refuse_what_does_not_fit(1)
    with pytest.raises(NoRoom, match=r"^1\.5 GB are to be stored here: .+ are free, and .+ in reserve\. Make"):
        space.refuse_what_does_not_fit(1_500_000_000)


@pytest.mark.any_database
def test_nothing_always_fits(settings: Settings) -> None:
    settings.MILLRACE_RESERVE_BYTES = MORE_THAN_THERE_IS
    space.refuse_what_does_not_fit(0)
    assert space.is_low()


@pytest.mark.any_database
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
def test_what_a_disk_says_is_told(number: int) -> None:
    told = space.not_stored(OSError(number, "x"))
    assert told
    assert os.strerror(number) in str(told)
    assert told.code == "disk"


@pytest.mark.any_database
@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "x"), OSError("x"), ValueError("x")])
def test_a_mistake_of_ours_is_not_blamed_on_the_disk(error: Exception) -> None:
    assert space.not_stored(error) is None


# ---- before it is fetched ------------------------------------------------------------------------------------


def test_a_sync_that_does_not_fit_is_refused_before_it_fetches(
    repository: Repository, upstream: Upstream, settings: Settings
) -> None:
    upstream.write("file", b"bytes")
    settings.MILLRACE_RESERVE_BYTES = MORE_THAN_THERE_IS
    job = run(repository)
    assert (job.state, job.error_code) == ("failed", "disk")
    assert job.error.startswith("5 B are to be stored here: ")
    assert "Make room on the disk, then try again." in job.error
    assert upstream.count("file") == 0


def test_a_sync_without_news_needs_no_room(repository: Repository, upstream: Upstream, settings: Settings) -> None:
    upstream.write("file", b"bytes")
    run(repository)
    settings.MILLRACE_RESERVE_BYTES = MORE_THAN_THERE_IS
    assert run(repository).state == "completed"


def test_an_upload_that_does_not_fit_is_refused(
    admin_client: Client, repository: Repository, settings: Settings
) -> None:
    settings.MILLRACE_RESERVE_BYTES = MORE_THAN_THERE_IS
    file = SimpleUploadedFile("file", b"bytes")
    answer = admin_client.post(f"/repositories/{repository.pk}/upload/", {"file": file})
    assert answer.status_code == 507
    assert "Make room on the disk, then try again." in answer.content.decode()
    assert not Artifact.objects.exists()


# ---- while it is fetched -------------------------------------------------------------------------------------


def test_a_job_stops_when_the_reserve_is_touched(
    repository: Repository, upstream: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified until then is known, and the next run fetches only the rest."""
    monkeypatch.setattr(space, "LOOK", 0.1)
    upstream.write("first", b"first")
    upstream.write("slow", b"x" * 1000)
    upstream.fail("slow", Drip())
    free = space.free()
    monkeypatch.setattr(space, "free", lambda: free if not pool.has(*_first()) else 0)
    settings.MILLRACE_RESERVE_BYTES = 1
    job = run(repository)
    assert (job.state, job.error_code) == ("failed", "disk")
    assert job.error.startswith("There is no room to store more here: 0 B of the disk are free")
    assert Artifact.objects.get().size == len(b"first")
    monkeypatch.undo()
    upstream.heal()
    assert run(repository).state == "completed"
    assert upstream.count("first") == 1
    assert served("files") == upstream.files


def _first() -> tuple[str, int]:
    return hashlib.sha256(b"first").hexdigest(), len(b"first")


def test_a_full_disk_ends_the_job_and_not_every_file(
    repository: Repository, upstream: Upstream, small_disk: Path
) -> None:
    # By their sizes they fit: that each takes a block of the disk is not in the list.
    for number in range(FILES):
        upstream.write(f"{number}", b"%d" % number)
    job = run(repository)
    assert (job.state, job.error_code) == ("failed", "disk")
    assert job.error == (
        "The bytes could not be stored here: No space left on device. Nothing was changed. "
        "Look at this server's disk and at the rights of its data folder, then try again."
    )
    assert not FailedFile.objects.exists()
    known = set(Artifact.objects.values_list("sha256", flat=True))
    assert known, "what was verified before is known"
    assert not list((small_disk / "work").iterdir())
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    before = len(upstream.requests)
    assert run(repository).state == "completed"
    assert len(upstream.requests) - before <= 2 + FILES - len(known)
    assert served("files") == upstream.files


def test_a_read_only_disk_is_told(repository: Repository, upstream: Upstream, small_disk: Path) -> None:
    upstream.write("file", b"bytes")
    read_only(small_disk)
    job = run(repository)
    writable(small_disk)
    assert (job.state, job.error_code) == ("failed", "disk")
    assert "could not be stored here: Read-only file system" in job.error
    assert run(repository).state == "completed"


def test_a_disk_that_is_full_of_the_list_is_told(repository: Repository, upstream: Upstream, small_disk: Path) -> None:
    """It is written, then read into a scratch file of SQLite beside it."""
    lines = "".join(f"{number:04},{number:064x},1\n" for number in range(15_000))
    upstream.manifest = lines.encode()
    job = run(repository)
    assert (job.state, job.error_code) == ("failed", "disk")
    assert "could not be stored here" in job.error
    assert not list((small_disk / "work").iterdir())


def test_metadata_that_do_not_fit_are_told(repository: Repository, upstream: Upstream, small_disk: Path) -> None:
    upstream.write("file", b"bytes")
    assert run(repository, publish=False, distribute=False).state == "completed"
    (small_disk / "filler").write_bytes(b"x" * space.free())
    job = run(repository)
    assert (job.state, job.error_code) == ("failed", "disk"), job.error
    (small_disk / "filler").unlink()
    assert run(repository).state == "completed"


@pytest.mark.any_database
def test_a_half_written_block_is_not_taken_for_a_whole_one(tmp_path: Path, upstream: Upstream) -> None:
    """A write that finds room for a part only says so by its count: a limit on the size of files does the same."""
    upstream.write("file", b"x" * 10_000)
    limited = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "import django; django.setup()\n"
        "from repos.errors.storage import NotStored\n"
        "from repos.fetch import Fetcher\n"
        "from repos.transport import Transport\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        "try:\n"
        "    Fetcher(Transport()).fetch(sys.argv[1], Path(sys.argv[2]))\n"
        "except NotStored as error:\n"
        "    print(error)\n"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "MILLRACE_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-c", limited, upstream.url + "file", str(tmp_path / "into")]
    told = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "could not be stored here: File too large" in told


@pytest.mark.any_database
def test_arrivals_stop_when_the_reserve_is_touched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with Arrivals() as folder:
        monkeypatch.setattr(space, "LOOK", 0.0)
        folder._watch = space.Watch()
        arrival = folder.begin()
        arrival.write(b"some")
        settings.MILLRACE_RESERVE_BYTES = MORE_THAN_THERE_IS
        with pytest.raises(NoRoom):
            arrival.write(b"more")
