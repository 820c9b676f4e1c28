"""What is due by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from repos import clock, jobs, upkeep
from repos.actions import VERIFY, Details
from repos.models import Job, Repository
from tests import factories
from tests.running import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None, settings: Settings) -> Repository:
    """Two days old; a clean-up is due every day, a verify every week."""
    settings.MILLRACE_CLEAN_HOURS, settings.MILLRACE_VERIFY_DAYS = 24, 7
    made = factories.repository()
    Repository.objects.update(created_at=timezone.now() - timedelta(days=2))
    return made


def end_all(*, days_ago: float = 0) -> None:
    then = timezone.now() - timedelta(days=days_ago)
    Job.objects.update(state="completed", requested_at=then, started_at=then, finished_at=then)


def asked() -> list[str]:
    return [job.request for job in upkeep.due()]


def test_it_works(repository: Repository) -> None:
    assert asked() == ["clean"]
    # While it waits or runs, nothing else is due.
    assert asked() == []
    end_all(days_ago=0.9)
    assert asked() == []
    end_all(days_ago=1.1)
    assert asked() == ["clean"]


def test_a_verify_is_due_as_often_as_is_set(repository: Repository) -> None:
    Repository.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert asked() == ["clean", "verify"]
    end_all(days_ago=6)
    assert asked() == ["clean"]


def test_a_verify_of_one_repository_is_not_one_of_all(repository: Repository) -> None:
    Repository.objects.update(created_at=timezone.now() - timedelta(days=8))
    jobs.request(repository, actions=VERIFY, details=Details(may_repair=True))
    end_all()
    assert asked() == ["clean", "verify"]


def test_zero_means_never(repository: Repository, settings: Settings) -> None:
    settings.MILLRACE_CLEAN_HOURS = settings.MILLRACE_VERIFY_DAYS = 0
    assert asked() == []


def test_a_new_installation_waits_a_full_period(repository: Repository) -> None:
    Repository.objects.update(created_at=timezone.now() - timedelta(hours=23))
    assert asked() == []


def test_where_nothing_is_stored_nothing_is_due(db: None) -> None:
    assert asked() == []


def test_one_that_failed_is_not_repeated_at_once(repository: Repository) -> None:
    assert asked() == ["clean"]
    Job.objects.update(state="failed", error="x", finished_at=timezone.now())
    assert asked() == []


def test_while_the_clock_is_in_doubt_nothing_is_due(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_AT_START", clock._AT_START - 3600)
    assert asked() == []


@pytest.mark.django_db(transaction=True)
def test_many_workers_ask_for_one(repository: Repository) -> None:
    assert at_once(*[upkeep.due] * 4) == [None] * 4
    assert Job.objects.count() == 1


def test_a_watch_looks_now_and_then(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = upkeep.Watch()
    watch()
    assert not Job.objects.exists()
    monkeypatch.setattr(upkeep, "LOOK", 0.0)
    upkeep.Watch()()
    assert Job.objects.get().request == "clean"
