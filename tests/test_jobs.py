"""Requests for runs: made, joined, made again, canceled."""

import threading

import pytest
from django.db import connection

from repos import chain, jobs
from repos.actions import Actions, Details
from repos.errors.refusals import Refused
from repos.models import Distribution, Job, Publication, PublishSettings, Repository
from tests.running import run, served
from tests.upstream import Upstream

SYNC = Actions(True, False, False)
PUBLISH = Actions(False, True, False)
ALL = Actions(True, True, True)


def test_it_works(repository: Repository, bell: list[int]) -> None:
    requested = jobs.request(repository)
    assert not requested.joined
    assert requested.job.state == "waiting"
    assert requested.job.actions == ["sync", "publish", "distribute"]
    assert bell == [requested.job.pk]


@pytest.mark.parametrize(
    ("auto_publish", "auto_distribute", "actions"),
    [(True, True, ALL), (True, False, Actions(True, True, False)), (False, False, SYNC)],
)
def test_the_toggles_give_the_default(
    repository: Repository, auto_publish: bool, auto_distribute: bool, actions: Actions
) -> None:
    repository.auto_publish, repository.auto_distribute = auto_publish, auto_distribute
    assert Actions.of(jobs.request(repository).job) == actions


def test_a_run_overrides_the_toggles_either_way(repository: Repository) -> None:
    repository.auto_publish = repository.auto_distribute = False
    assert Actions.of(jobs.request(repository, actions=ALL).job) == ALL
    repository.auto_publish = repository.auto_distribute = True
    assert Actions.of(jobs.request(repository, actions=SYNC).job) == SYNC


def test_distributing_to_nobody_is_refused_early(repository: Repository, bell: list[int]) -> None:
    Distribution.objects.all().delete()
    with pytest.raises(Refused, match="No distribution follows “files”"):
        jobs.request(repository)
    assert not Job.objects.exists()
    assert bell == []


def test_an_identical_request_is_joined(repository: Repository, bell: list[int]) -> None:
    first = jobs.request(repository).job
    second = jobs.request(repository)
    assert second.joined
    assert second.job == first
    assert bell == [first.pk]


def test_a_running_identical_job_is_joined(repository: Repository) -> None:
    first = jobs.request(repository).job
    assert chain.claim(first.pk, "test")
    assert jobs.request(repository).job == first


def test_another_choice_of_actions_is_another_job(repository: Repository) -> None:
    assert jobs.request(repository, actions=SYNC).job != jobs.request(repository, actions=ALL).job


def test_after_its_end_the_same_request_is_a_new_job(repository: Repository) -> None:
    assert run(repository).pk != jobs.request(repository).job.pk


def test_many_at_once_get_one_job(repository: Repository) -> None:
    got: list[int] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait()
        try:
            got.append(jobs.request(Repository.objects.get()).job.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1
    assert Job.objects.count() == 1


def test_canceling_a_waiting_job_ends_it_at_once(repository: Repository, bell: list[int]) -> None:
    first = jobs.request(repository, actions=SYNC).job
    second = jobs.request(repository).job
    bell.clear()
    assert jobs.cancel(first)
    first.refresh_from_db()
    assert first.state == "canceled"
    assert first.finished_at
    assert bell == [second.pk]
    assert not jobs.cancel(first)


def test_canceling_a_running_job_tells_it(repository: Repository) -> None:
    job = jobs.request(repository).job
    chain.claim(job.pk, "test")
    assert jobs.cancel(job)
    job.refresh_from_db()
    assert job.state == "running"
    assert job.cancel_requested_at
    assert not jobs.cancel(job)


# ---- what a run is about --------------------------------------------------------------------------------------


@pytest.fixture
def two_versions(repository: Repository, upstream: Upstream) -> Repository:
    """Version 1 has `a`, version 2 has `a` and `b`; the second is served."""
    upstream.write("a", b"1")
    run(repository)
    upstream.write("b", b"2")
    run(repository)
    return repository


def finish(requested: jobs.Requested) -> Job:
    chain.run(requested.job.pk, "test")
    return Job.objects.get(pk=requested.job.pk)


def test_any_version_is_published_with_any_settings(two_versions: Repository) -> None:
    sums = PublishSettings.objects.matching(checksums="SHA256SUMS")
    details = Details(of_version=1, publish_settings=sums)
    job = finish(jobs.request(two_versions, actions=PUBLISH, details=details))
    assert job.publication is not None
    assert (job.publication.version.number, job.publication.settings) == (1, sums)
    assert set(served("files") or {}) == {"a", "b"}


def test_a_version_that_was_deleted_meanwhile_fails_the_job(two_versions: Repository) -> None:
    requested = jobs.request(two_versions, actions=PUBLISH, details=Details(of_version=1))
    Distribution.objects.update(publication=None)
    two_versions.versions.get(number=1).delete()
    assert finish(requested).error == "Version 1 was deleted before it could be published."


def test_requests_about_different_things_are_different(two_versions: Repository) -> None:
    sums = PublishSettings.objects.matching(checksums="SHA256SUMS")
    wanted = [Details(), Details(of_version=1), Details(publish_settings=sums), Details(1, sums)]
    made = {jobs.request(two_versions, actions=PUBLISH, details=details).job for details in wanted}
    assert len(made) == len(wanted)
    assert all(jobs.request(two_versions, actions=PUBLISH, details=details).joined for details in wanted)


RESTORE = Actions(sync=False, modify=True)


def test_restoring_makes_a_new_version_that_is_served(two_versions: Repository) -> None:
    job = finish(jobs.request(two_versions, actions=RESTORE, details=Details(of_version=1)))
    assert job.version is not None
    assert (job.version.number, job.version.removed) == (3, 1)
    assert served("files") == {"a": b"1"}


def test_what_became_a_mirror_meanwhile_is_not_changed_either(two_versions: Repository) -> None:
    requested = jobs.request(two_versions, actions=RESTORE, details=Details(of_version=1))
    Repository.objects.update(mirror=True)
    assert "mirror by now" in finish(requested).error
    assert two_versions.latest_version().number == 2


def test_changes_by_hand_are_never_joined(two_versions: Repository) -> None:
    wanted = [("b", None)]
    first = jobs.request(two_versions, actions=RESTORE, changes=wanted)
    second = jobs.request(two_versions, actions=RESTORE, changes=wanted)
    assert first.job != second.job
    assert finish(first).version is not None
    assert finish(second).version is None


def test_again_is_the_same_once_more(two_versions: Repository) -> None:
    changed = finish(jobs.request(two_versions, actions=RESTORE, changes=[("b", None)]))
    repeated = jobs.again(changed).job
    assert [(one.path, one.artifact) for one in repeated.changes.all()] == [("b", None)]
    published = finish(jobs.request(two_versions, actions=PUBLISH, details=Details(of_version=1)))
    assert jobs.again(published).job.of_version == 1


def test_what_was_published_with_deleted_settings_is_not_published_with_others(two_versions: Repository) -> None:
    sums = PublishSettings.objects.matching(checksums="SHA256SUMS")
    job = finish(jobs.request(two_versions, actions=PUBLISH, details=Details(publish_settings=sums)))
    Publication.objects.filter(settings=sums).delete()
    sums.delete()
    job.refresh_from_db()
    with pytest.raises(Refused, match="were deleted"):
        jobs.again(job)


def test_a_repository_without_a_remote_does_not_sync_by_default(two_versions: Repository) -> None:
    Repository.objects.update(remote=None)
    two_versions.refresh_from_db()
    job = finish(jobs.request(two_versions))
    assert (job.actions, job.state) == (["publish", "distribute"], "completed")
