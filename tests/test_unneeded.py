"""What only one thing needs. That deleting a version keeps the others whole is in test_deletion.py."""

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from repos import unneeded
from repos.models import Content, Repository
from tests import factories, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(db: None) -> Repository:
    """A file that comes with version 1 and goes with 3, one that is replaced in 2, one that stays."""
    made = factories.repository()
    factories.version(made, {"goes": b"1", "changes": b"22", "stays": b"333"})
    factories.version(made, {"changes": b"4444"})
    factories.version(made, {"goes": None})
    return made


def paths(repository: Repository, number: int) -> set[tuple[str, int]]:
    which = unneeded.content_of(repository.versions.get(number=number))
    return set(Content.objects.filter(which).values_list("path", "added"))


def test_it_works(repository: Repository) -> None:
    assert [paths(repository, number) for number in (1, 2)] == [{("changes", 1)}, set()]
    assert [unneeded.bytes_of_version(repository.versions.get(number=number)) for number in (1, 2)] == [2, 0]


def test_neighbours_count_however_far_their_numbers_are_apart(repository: Repository) -> None:
    repository.versions.get(number=2).delete()
    assert paths(repository, 1) == {("changes", 1), ("goes", 1)}


def test_a_version_in_the_making_is_no_neighbour(repository: Repository) -> None:
    repository.versions.filter(number=3).update(complete=False)
    repository.versions.get(number=2)
    assert paths(repository, 1) == {("changes", 1)}


def test_bytes_at_two_paths_count_once(repository: Repository) -> None:
    factories.version(repository, {"x": b"new", "y": b"new"})
    factories.version(repository, {"x": None, "y": None})
    assert unneeded.bytes_of_version(repository.versions.get(number=4)) == len(b"new")


def test_bytes_that_an_upload_put_elsewhere_are_needed(repository: Repository) -> None:
    other = factories.repository("other", "other")
    scenes.an_ended_job(other, "canceled").changes.create(path="x", artifact=factories.artifact(b"22"))
    assert unneeded.bytes_of_version(repository.versions.get(number=1)) == 0
    assert unneeded.bytes_of_repository(repository) == 1 + 3 + 4
    # A change that removes a file needs no bytes.
    assert unneeded.bytes_of_repository(other) == 0
    other.jobs.get().changes.create(path="y", artifact=None)
    assert unneeded.bytes_of_repository(repository) == 1 + 3 + 4


def test_metadata_is_needed_like_any_file(repository: Repository) -> None:
    publication = factories.publication(repository.versions.get(number=2))
    size = publication.metadata.get().artifact.size
    assert unneeded.bytes_of_publication(publication) == size
    assert unneeded.bytes_of_version(publication.version) == size
    factories.version(factories.repository("other", "other"), {"copy": b""})
    copied = publication.metadata.get().artifact
    Content.objects.update(artifact=copied)
    assert unneeded.bytes_of_publication(publication) == 0


def test_nothing_to_delete_writes_nothing(repository: Repository) -> None:
    with CaptureQueriesContext(connection) as queries:
        unneeded.delete_content(Q(repository=0))
    assert len(queries) == 1
