"""How much the pool holds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import storage
from repos import growth, jobs
from repos.actions import CLEAN
from repos.models import Artifact, Job
from tests import scenes

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    scenes.stored(5_000)
    assert storage.used() == (1, 5_000)


def test_an_empty_pool_holds_nothing() -> None:
    assert storage.used() == (0, 0)


def test_what_comes_later_is_added() -> None:
    scenes.stored(5_000)
    storage.used()
    scenes.stored(7_000)
    assert storage.used() == (2, 12_000)
    assert storage.used() == (2, 12_000)


def test_what_is_known_is_not_counted_again() -> None:
    scenes.stored(5_000)
    storage.used()
    with CaptureQueriesContext(connection) as queries:
        storage.used()
    counted = [query["sql"] for query in queries if "repos_artifact" in query["sql"]]
    assert len(counted) == 1
    assert '"id" > 0' not in counted[0]


def test_what_was_noted_is_not_counted_again_by_a_server_that_starts() -> None:
    scenes.stored(5_000)
    growth.note()
    scenes.stored(7_000)
    with CaptureQueriesContext(connection) as queries:
        assert storage.used() == (2, 12_000)
    counted = [query["sql"] for query in queries if "repos_artifact" in query["sql"]]
    assert len(counted) == 1
    assert '"id" > 0' not in counted[0]


def test_what_was_noted_before_a_clean_up_is_counted_again() -> None:
    scenes.stored(5_000)
    growth.note()
    Artifact.objects.all().delete()
    job = jobs.request(None, actions=CLEAN).job
    Job.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now())
    assert storage.used() == (0, 0)


def test_what_a_clean_up_deleted_is_gone_at_once() -> None:
    scenes.stored(5_000)
    storage.used()
    Artifact.objects.all().delete()
    job = jobs.request(None, actions=CLEAN).job
    assert storage.used() == (1, 5_000)
    Job.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now())
    assert storage.used() == (0, 0)


def test_what_was_deleted_is_gone_at_the_next_count(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.stored(5_000)
    storage.used()
    Artifact.objects.all().delete()
    monkeypatch.setattr(storage, "RECOUNT", storage.RECOUNT * 2)
    assert storage.used() == (0, 0)
