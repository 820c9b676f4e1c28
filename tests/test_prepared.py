"""Queries whose SQL is made once."""

import pytest
from django.db.models import QuerySet

from repos import prepared
from repos.models import Repository
from tests import factories

pytestmark = pytest.mark.django_db

MADE: list[int] = []


def unpublished() -> QuerySet[Repository]:
    MADE.append(1)
    return Repository.objects.filter(auto_publish=False)


def names() -> "QuerySet[Repository, tuple[str, bool]]":
    return Repository.objects.order_by("-name").values_list("name", "auto_publish")


def test_it_works() -> None:
    for name in ("a", "b"):
        factories.repository(name, name)
    # A truth is a number in SQLite.
    assert [(name, bool(value)) for name, value in prepared.rows(names)] == [("b", True), ("a", True)]


def test_it_is_asked_anew_each_time_and_made_once() -> None:
    assert not prepared.finds_any(unpublished)
    made = len(MADE)
    repository = factories.repository()
    Repository.objects.filter(pk=repository.pk).update(auto_publish=False, auto_distribute=False)
    assert prepared.finds_any(unpublished)
    assert len(MADE) == made
