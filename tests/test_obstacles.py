"""What keeps a run from being requested."""

import pytest
from django.db import IntegrityError, transaction

from repos import jobs
from repos.actions import Actions, Details
from repos.distribute import pin
from repos.models import Distribution, Job, Repository
from repos.obstacles import obstacle, refusal
from tests.running import run
from tests.upstream import Upstream

SYNC = Actions(True, False, False)
PUBLISH = Actions(False, True, False)
SERVE = Actions(False, True, True)
ALL = Actions(True, True, True)
RESTORE = Actions(sync=False, modify=True)


@pytest.fixture
def synced(repository: Repository, upstream: Upstream) -> Repository:
    """Its version 1 is served."""
    upstream.write("a", b"1")
    run(repository)
    return repository


def test_it_works(repository: Repository) -> None:
    assert obstacle(repository, ALL) is None
    job = jobs.request(repository).job
    found = obstacle(repository, ALL)
    assert found and found.job == job
    assert found.reason == "The same run is already waiting."
    Distribution.objects.all().delete()
    refused = obstacle(repository, ALL)
    assert refused and refused.job is None
    assert "No distribution follows" in refused.reason


def test_distribute_needs_publish(repository: Repository) -> None:
    assert "without publishing" in refusal(repository, Actions(True, False, True))
    with pytest.raises(IntegrityError, match="job_distribute_needs_publish"), transaction.atomic():
        Job.objects.create(repository=repository, request="-", with_sync=True, with_publish=False, with_distribute=True)


def test_a_run_does_something(repository: Repository) -> None:
    assert "has to do something" in refusal(repository, Actions(False, False, False))


def test_only_upkeep_is_of_all_that_is_stored() -> None:
    assert "is for a repository" in refusal(None, ALL)


def test_a_pinned_distribution_does_not_follow(synced: Repository) -> None:
    distribution = Distribution.objects.get()
    assert distribution.publication
    pin(distribution, distribution.publication, reason="hold")
    found = obstacle(synced, ALL)
    assert found and "No distribution follows" in found.reason
    assert found.pinned == (distribution,)


def test_syncing_needs_a_remote(repository: Repository) -> None:
    repository.remote = None
    assert "no remote" in refusal(repository, SYNC)


def test_publishing_needs_files(repository: Repository, upstream: Upstream) -> None:
    for actions in (PUBLISH, SERVE):
        assert "has no files yet, so there is nothing to publish" in refusal(repository, actions)
    upstream.write("a", b"1")
    run(repository, publish=False, distribute=False)
    assert refusal(repository, PUBLISH) == ""


def test_an_old_version_is_not_switched_to_by_a_run(synced: Repository) -> None:
    assert "pin a distribution" in refusal(synced, SERVE, Details(of_version=1))


@pytest.mark.parametrize("number", [2, 2_000_000_000])
@pytest.mark.parametrize("actions", [PUBLISH, RESTORE, Actions(False, False, False, verify=True)])
def test_a_version_has_to_be_there(synced: Repository, actions: Actions, number: int) -> None:
    assert f"has no version {number}" in refusal(synced, actions, Details(of_version=number))
    assert refusal(synced, actions, Details(of_version=1)) == ""


def test_the_empty_version_cannot_be_published(synced: Repository) -> None:
    assert "nothing to publish" in refusal(synced, PUBLISH, Details(of_version=0))


def test_a_run_makes_its_version_by_sync_or_by_hand(synced: Repository) -> None:
    assert "one of the two" in refusal(synced, Actions(modify=True), Details(of_version=1))


def test_a_mirror_is_not_changed_by_hand(synced: Repository) -> None:
    Repository.objects.update(mirror=True)
    synced.refresh_from_db()
    assert "is a mirror" in refusal(synced, RESTORE, Details(of_version=1))
