"""How much was stored, by the day."""

from datetime import timedelta

import pytest
from django.utils import timezone

from repos import clock, growth, jobs, upkeep
from repos.actions import CLEAN
from repos.models import Job, StorageDay
from tests import factories

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    factories.serve(factories.repository(), {"a": b"1" * 100, "b": b"2" * 200})
    growth.note()
    (today,) = growth.days()
    manifest = today.size - 300
    assert (today.day, today.files) == (timezone.now().date(), 3)
    assert today.side_by_side == 300 + manifest


def test_a_days_row_is_rewritten_as_the_day_goes_on() -> None:
    growth.note()
    factories.artifact(b"1" * 100)
    growth.note()
    assert [(one.files, one.size) for one in growth.days()] == [(1, 100)]


def test_it_is_noted_how_far_it_was_counted() -> None:
    newest = factories.artifact(b"1" * 100).pk
    growth.note()
    assert growth.noted(growth.last_clean_up()) == (1, 100, newest)


def test_before_the_first_note_nothing_is_noted() -> None:
    assert growth.noted(0) == (0, 0, 0)


def test_what_an_earlier_release_noted_does_not_say_how_far_it_was_counted() -> None:
    StorageDay.objects.create(day=timezone.now().date(), files=1, size=100)
    assert growth.noted(0) == (0, 0, 0)


def test_a_note_counts_no_more_once_a_clean_up_has_ended() -> None:
    factories.artifact(b"1" * 100)
    growth.note()
    job = jobs.request(None, actions=CLEAN).job
    assert growth.noted(growth.last_clean_up())[0] == 1
    Job.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now())
    assert growth.noted(growth.last_clean_up()) == (0, 0, 0)
    growth.note()
    assert growth.noted(job.pk)[0] == 1


def test_the_days_come_in_order_and_not_those_of_long_ago() -> None:
    today = timezone.now().date()
    for ago in (3, 400, 1):
        StorageDay.objects.create(day=today - timedelta(days=ago), files=1, size=1)
    assert [one.day for one in growth.days()] == [today - timedelta(days=3), today - timedelta(days=1)]


def test_while_the_clock_is_in_doubt_nothing_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_AT_START", clock._AT_START - 3600)
    growth.note()
    assert not StorageDay.objects.exists()


def test_the_upkeep_notes_it_at_once_and_then_once_an_hour(bell: list[int]) -> None:
    watch = upkeep.Watch()
    watch()
    assert StorageDay.objects.count() == 1
    StorageDay.objects.all().delete()
    watch()
    assert not StorageDay.objects.exists()
