"""How much the pool holds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard import storage
from repos.models import Artifact
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
    assert len(queries) == 1


def test_what_was_deleted_is_gone_at_the_next_count(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.stored(5_000)
    storage.used()
    Artifact.objects.all().delete()
    monkeypatch.setattr(storage, "RECOUNT", storage.RECOUNT * 2)
    assert storage.used() == (0, 0)
