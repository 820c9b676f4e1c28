"""The processes that run jobs, as others see them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from repos import workers
from repos.models import Worker

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    assert not workers.anyone()
    workers.enter("one", 4)
    assert workers.anyone()
    workers.leave("one")
    assert not workers.anyone()


def test_a_successor_takes_the_name() -> None:
    workers.enter("one", 4)
    workers.enter("one", 2)
    assert Worker.objects.get().threads == 2


def test_a_silent_one_is_not_counted_on() -> None:
    workers.enter("one", 4)
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=Worker.SILENCE + 1))
    assert not workers.anyone()
    workers.sign("one")
    assert workers.anyone()


def test_one_whose_sign_is_from_before_the_clock_was_set_back_is_not_counted_on() -> None:
    workers.enter("one", 4)
    Worker.objects.update(heartbeat_at=timezone.now() + timedelta(hours=1))
    assert not workers.anyone()
    assert not Worker.objects.alive().exists()
    workers.sign("one")
    assert workers.anyone()


def test_the_name_tells_the_machine_and_the_data() -> None:
    assert workers.name_here().endswith("/data")
