"""Whether the clock can be believed; and what is shown where rows have times of another clock."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from repos import clock, published
from repos.models import Distribution, Job, ProgressReport, Publication, Repository, RepositoryVersion, Switch, Worker
from tests.running import run, served
from tests.upstream import Upstream

HOUR = 3600.0


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Sets the clock of this process forward, or back."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)


@pytest.mark.any_database
def test_it_works() -> None:
    assert not clock.jumped()
    assert clock.doubt() == ""
    assert abs(clock.drift()) < timedelta(minutes=1)


@pytest.mark.any_database
@pytest.mark.parametrize(("seconds", "which"), [(2 * HOUR, "forward by 2 h 00 min"), (-26 * HOUR, "back by 1 d 2 h")])
def test_a_jump_is_told(monkeypatch: pytest.MonkeyPatch, seconds: float, which: str) -> None:
    set_clock(monkeypatch, seconds)
    assert clock.jumped()
    assert f"was set {which} while Millrace ran, so nothing is deleted for its age. Look" in clock.doubt()


@pytest.mark.any_database
@pytest.mark.parametrize("seconds", [60.0, -60.0])
def test_a_clock_that_is_set_right_did_not_jump(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    set_clock(monkeypatch, seconds)
    assert not clock.jumped()


@pytest.mark.any_database
def test_a_clock_that_is_set_back_and_then_right_is_believed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        set_clock(wrong, -HOUR)
        assert clock.jumped()
    assert not clock.jumped()


@pytest.mark.any_database
@pytest.mark.tools
def test_a_real_process_sees_its_clock_jump(tmp_path: Path) -> None:
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not libraries:
        pytest.skip("no libfaketime is installed")
    watch = (
        "import sys, django; django.setup()\n"
        "from repos import clock\n"
        "for line in sys.stdin:\n"
        "    print(clock.jumped(), flush=True)\n"
    )
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "MILLRACE_DATA": str(tmp_path),
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-c", watch], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout

        def jumped() -> str:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        assert jumped() == "False"
        offset.write_text("+2h\n")
        assert jumped() == "True"
        offset.write_text("-2h\n")
        assert jumped() == "True"
        offset.write_text("+0\n")
        assert jumped() == "False"
        process.stdin.close()


# ---- rows of a clock that was ahead --------------------------------------------------------------------------


@pytest.fixture
def from_the_future(repository: Repository, upstream: Upstream) -> Repository:
    """A repository all of whose rows are of a day that is still to come, as after a clock was set back."""
    upstream.write("file", b"old")
    run(repository)
    upstream.write("file", b"new")
    run(repository)
    tomorrow = timezone.now() + timedelta(days=1)
    for model, name in ((Publication, "created_at"), (RepositoryVersion, "created_at"), (Switch, "at")):
        model._default_manager.update(**{name: tomorrow})
    Job.objects.update(requested_at=tomorrow, started_at=tomorrow, heartbeat_at=tomorrow)
    ProgressReport.objects.update(started_at=tomorrow)
    Worker.objects.create(name="ahead", pid=1, threads=1, started_at=tomorrow, heartbeat_at=tomorrow)
    return repository


def test_pages_stand_times_that_are_still_to_come(
    admin_client: Client, from_the_future: Repository, subtests: pytest.Subtests
) -> None:
    pk, job = from_the_future.pk, Job.objects.latest("pk").pk
    distribution = Distribution.objects.get().pk
    pages = ["", f"repositories/{pk}/", f"repositories/{pk}/versions/2/", "jobs/", f"jobs/{job}/", "distributions/"]
    for page in [*pages, f"distributions/{distribution}/", "publications/", "status.json"]:
        with subtests.test(page):
            answer = admin_client.get(f"/{page}")
            assert answer.status_code == 200
            assert ">-" not in answer.content.decode(), "no age and no duration is below zero"


def test_no_duration_is_below_zero(from_the_future: Repository) -> None:
    durations = [job.duration for job in Job.objects.all()]
    assert durations == [timedelta(0), timedelta(0)]


def test_what_was_superseded_in_the_future_is_in_its_grace_time(from_the_future: Repository) -> None:
    assert len(published.superseded("files/file")) == 2 - 1


def test_the_next_run_comes_after_them(from_the_future: Repository, upstream: Upstream) -> None:
    upstream.write("file", b"newest")
    job = run(from_the_future)
    assert job.state == "completed"
    assert from_the_future.latest_version().number == 3
    assert served("files") == upstream.files
    assert Switch.objects.latest("pk").job == job
