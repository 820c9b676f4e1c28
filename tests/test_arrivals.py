"""Receiving bytes: hashed on the way, all kept or none, nothing left behind by the dead."""

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from repos import arrivals, pool
from repos.arrivals import Arrivals
from repos.errors.storage import NotStored
from repos.models import Artifact
from tests.settings import BASE_DIR

pytestmark = pytest.mark.django_db


def left(data: Path) -> list[Path]:
    return list((data / "arrivals").iterdir())


def test_it_works(data: Path) -> None:
    with Arrivals() as folder:
        arrival = folder.begin()
        arrival.write(b"hel")
        arrival.write(b"lo")
        one = arrival.end()
        assert (one.sha256, one.size) == (hashlib.sha256(b"hello").hexdigest(), 5)
        artifact = folder.keep([one])[0]
    assert pool.path(artifact.sha256).read_bytes() == b"hello"
    assert Artifact.objects.get() == artifact
    assert left(data) == []


def test_the_rows_come_in_the_order_of_the_bytes_and_the_same_bytes_are_one_row() -> None:
    with Arrivals() as folder:
        kept = folder.keep([folder.copy(io.BytesIO(data)) for data in (b"b", b"a", b"b", b"")])
    assert [one.size for one in kept] == [1, 1, 1, 0]
    assert kept[0] == kept[2] != kept[1]
    assert Artifact.objects.count() == 3


def test_what_is_stored_already_stays_one_row(data: Path) -> None:
    for _ in range(2):
        with Arrivals() as folder:
            folder.keep([folder.copy(io.BytesIO(b"same"))])
    assert Artifact.objects.count() == 1


def test_damaged_bytes_in_the_pool_heal_when_they_come_again() -> None:
    digest = hashlib.sha256(b"good").hexdigest()
    pool.path(digest).parent.mkdir(parents=True)
    pool.path(digest).write_bytes(b"evil")
    with Arrivals() as folder:
        folder.keep([folder.copy(io.BytesIO(b"good"))])
    assert pool.path(digest).read_bytes() == b"good"


def test_what_is_not_kept_leaves_nothing(data: Path) -> None:
    with pytest.raises(ZeroDivisionError), Arrivals() as folder:
        folder.copy(io.BytesIO(b"x"))
        folder.begin().write(b"half")
        raise ZeroDivisionError
    assert left(data) == []
    assert not (data / "pool").exists()
    assert not Artifact.objects.exists()


def test_two_uploads_at_once_do_not_meet(data: Path) -> None:
    with Arrivals() as one, Arrivals() as other:
        assert len(left(data)) == 2
        arrivals.sweep()
        one.keep([one.copy(io.BytesIO(b"1"))])
        other.keep([other.copy(io.BytesIO(b"2"))])
    assert Artifact.objects.count() == 2


def test_a_killed_upload_is_swept_away(data: Path) -> None:
    script = (
        "import django, io; django.setup()\n"
        "from repos.arrivals import Arrivals\n"
        "Arrivals().__enter__().copy(io.BytesIO(b'half'))\n"
        "print('there', flush=True); input()\n"
    )
    env = os.environ | {"MILLRACE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, env=env, cwd=BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"there\n"
        arrivals.sweep()
        assert len(left(data)) == 1, "it lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Arrivals():
        assert len(left(data)) == 1, "only the new one"
    assert left(data) == []


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    def full(file: Path, sha256: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pool, "keep", full)
    with pytest.raises(NotStored, match="could not be stored here: No space left on device"), Arrivals() as folder:
        folder.keep([folder.copy(io.BytesIO(b"x"))])
    assert left(data) == []
    assert not Artifact.objects.exists()
