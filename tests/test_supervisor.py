"""When the supervisor takes its worker to hang."""

import os
import subprocess
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard import supervisor
from dashboard.supervisor import _stand_back, _Watch
from repos import workers
from repos.models import Worker
from tests.running import until

pytestmark = pytest.mark.django_db

PID = 4711


@pytest.fixture(autouse=True)
def short(settings: Settings) -> None:
    settings.MILLRACE_SILENCE_SECONDS = 0.1


@pytest.fixture
def signed_in() -> None:
    workers.enter(workers.name_here(), 4)
    Worker.objects.update(pid=PID)


def looks(watch: _Watch, seconds: float) -> bool:
    """Whether it ever seems to hang, in so many seconds."""
    deadline, hangs = time.monotonic() + seconds, False
    while time.monotonic() < deadline:
        hangs = watch.sees_it_hang() or hangs
        time.sleep(0.01)
    return hangs


def test_it_works(signed_in: None) -> None:
    watch = _Watch(PID)
    assert not watch.sees_it_hang()
    until(watch.sees_it_hang, "it is seen to hang")


def test_one_that_gives_signs_of_life_does_not(signed_in: None) -> None:
    watch = _Watch(PID)
    for _ in range(50):
        workers.sign(workers.name_here())
        assert not watch.sees_it_hang()
        time.sleep(0.01)


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_jumps_kills_nobody(signed_in: None, hours: int) -> None:
    watch = _Watch(PID)
    watch.sees_it_hang()
    Worker.objects.update(heartbeat_at=timezone.now() + timedelta(hours=hours))
    assert not watch.sees_it_hang()


def test_a_worker_that_is_slow_to_start_is_waited_for(signed_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is still its predecessor's: else it would be killed before it can sign in, and so would the next."""
    successor = PID + 1
    assert not looks(_Watch(successor), 0.4)
    monkeypatch.setattr(supervisor, "START", 0.05)
    watch = _Watch(successor)
    until(watch.sees_it_hang, "but not for ever")


def test_none_that_has_signed_out_is_there_to_hang() -> None:
    assert not looks(_Watch(PID), 0.4)


def test_a_worker_stands_back_behind_pages_and_downloads() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as worker:
        _stand_back(worker.pid)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, worker.pid) == min(own + supervisor.NICER, 19)


def test_a_worker_that_has_ended_stands_nowhere() -> None:
    with subprocess.Popen(["true"]) as worker:
        worker.wait()
    _stand_back(worker.pid)
