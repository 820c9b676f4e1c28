"""How much is stored, and who needs it: true to the byte, and the sum is the pool."""

import random
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from repos import stored, unneeded
from repos.models import Artifact, Content, Publication, Repository
from repos.stored import Amount
from tests import factories, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def repositories(db: None) -> list[Repository]:
    """Two that share “shared”; the second has a file twice."""
    one, two = factories.repository("one", "one"), factories.repository("two", "two")
    factories.version(one, {"a": b"1", "b": b"shared"})
    factories.version(one, {"a": b"22"})
    factories.version(two, {"b": b"shared", "c": b"333", "copy": b"333"})
    return [one, two]


def test_it_works(repositories: list[Repository]) -> None:
    factories.artifact(b"nobody needs it")
    found = stored.stored()
    assert found.total == Amount(5, 1 + 2 + 6 + 3 + 15)
    assert {one.repository.name: (one.own, one.shared) for one in found.repositories} == {
        "one": (Amount(2, 3), Amount(1, 6)),
        "two": (Amount(1, 3), Amount(1, 6)),
    }
    assert found.shared == Amount(1, 6)
    assert found.unneeded == Amount(1, 15)
    assert found.side_by_side == 7 + 8 + 12
    assert found.saved == 27 - 12


def test_nothing_is_stored_at_first(db: None) -> None:
    found = stored.stored()
    assert (found.total, found.repositories, found.saved) == (Amount(), [], 0)


def test_metadata_and_what_is_to_be_added_count(repositories: list[Repository]) -> None:
    one, two = repositories
    publication = factories.publication(one.latest_version())
    size = publication.metadata.get().artifact.size
    scenes.a_job(two).changes.create(path="new", artifact=factories.artifact(b"4444"))
    found = {each.repository.name: each.own for each in stored.stored().repositories}
    assert found == {"one": Amount(3, 3 + size), "two": Amount(2, 7)}


def test_what_several_need_counts_once_in_the_sum(repositories: list[Repository]) -> None:
    third = factories.repository("three", "three")
    factories.version(third, {"x": b"shared", "y": b"333"})
    found = stored.stored()
    assert found.shared == Amount(2, 9)
    assert sum(one.own.size for one in found.repositories) + found.shared.size == found.total.size
    assert found.repositories[0].size == 9


def test_by_version(repositories: list[Repository]) -> None:
    one, two = repositories
    assert stored.only_in(one) == {1: Amount(1, 1), 2: Amount(1, 2)}
    assert stored.only_in(two) == {1: Amount(1, 3)}


def test_what_a_version_in_the_making_has_is_not_only_in_another(repositories: list[Repository]) -> None:
    one, _ = repositories
    draft = one.versions.create(number=3)
    Content.objects.create(repository=one, path="z", artifact=factories.artifact(b"1"), added=draft.number)
    assert stored.only_in(one) == {2: Amount(1, 2)}


@pytest.mark.parametrize("seed", range(6))
def test_the_sums_are_right_whatever_happened(seed: int, data: Path) -> None:
    rng = random.Random(seed)
    repositories = [factories.repository(name, name) for name in ("one", "two", "three")]
    for _ in range(12):
        repository = rng.choice(repositories)
        changes: dict[str, bytes | None] = {rng.choice("abcdef"): rng.choice("ABCDEF").encode() * 3 for _ in range(3)}
        version = factories.version(repository, changes)
        if rng.random() < 0.3:
            factories.publication(version)
        elif version.number > 2 and rng.random() < 0.4:
            _delete(repository, version.number - 1)
    found = stored.stored()
    assert found.total.size == sum(file.stat().st_size for file in (data / "pool").glob("*/*"))
    parts = [*(one.own for one in found.repositories), found.shared, found.unneeded]
    assert (sum(one.files for one in parts), sum(one.size for one in parts)) == (found.total.files, found.total.size)
    for one in found.repositories:
        assert one.own.size == unneeded.bytes_of_repository(one.repository)
        only = stored.only_in(one.repository)
        for version in one.repository.versions.filter(number__gt=0):
            if version.pk != one.repository.latest_version().pk:
                assert only.get(version.number, Amount()).size == unneeded.bytes_of_version(version)


def _delete(repository: Repository, number: int) -> None:
    version = repository.versions.filter(number=number).first()
    if version:
        which = unneeded.content_of(version)
        version.delete()
        unneeded.delete_content(which)


def test_more_rows_need_no_more_queries(repositories: list[Repository]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            stored.stored()
            stored.only_in(repositories[0])
        return len(counted)

    before = queries()
    for number in range(5):
        factories.serve(factories.repository(f"r{number}", f"r{number}"), {"a": b"%d" % number})
        factories.version(repositories[0], {"b": b"b%d" % number})
    assert queries() == before
    assert Artifact.objects.count() > 10
    assert Publication.objects.count() == 5


def test_of_all_artifacts_only_those_of_metadata_are_looked_at_for_what_versions_would_take() -> None:
    """By number: joined with a table that is far larger, PostgreSQL would read that from end to end."""
    factories.serve(factories.repository(), {"a": b"1"})
    with CaptureQueriesContext(connection) as queries:
        assert stored.side_by_side() > 1
    assert not [query["sql"] for query in queries if " JOIN " in query["sql"]]
