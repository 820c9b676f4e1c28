"""Requests for runs: made, joined, refused, canceled, and who waits for whom."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from repos import chain, jobs
from repos.create import make_distribution, make_repository
from repos.distribute import pin
from repos.errors import Refused
from repos.jobs import Actions
from repos.models import Distribution, Job, Repository
from tests.running import run
from tests.upstream import Upstream

SYNC = Actions(True, False, False)
PUBLISH = Actions(False, True, False)
SYNC_PUBLISH = Actions(True, True, False)
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
    assert jobs.of(jobs.request(repository).job) == actions


def test_a_run_overrides_the_toggles_either_way(repository: Repository) -> None:
    repository.auto_publish = repository.auto_distribute = False
    assert jobs.of(jobs.request(repository, actions=ALL).job) == ALL
    repository.auto_publish = repository.auto_distribute = True
    assert jobs.of(jobs.request(repository, actions=SYNC).job) == SYNC


def test_distribute_without_publish_is_refused(repository: Repository) -> None:
    with pytest.raises(Refused, match="without publishing"):
        jobs.request(repository, actions=Actions(True, False, True))
    with pytest.raises(IntegrityError, match="job_distribute_needs_publish"), transaction.atomic():
        Job.objects.create(repository=repository, request="-", with_sync=True, with_publish=False, with_distribute=True)
    assert not Job.objects.exists()


def test_a_run_that_does_nothing_is_refused(repository: Repository) -> None:
    with pytest.raises(Refused, match="has to do something"):
        jobs.request(repository, actions=Actions(False, False, False))


def test_distributing_to_nobody_is_refused_early(repository: Repository, bell: list[int]) -> None:
    Distribution.objects.all().delete()
    with pytest.raises(Refused, match="No distribution follows “files”"):
        jobs.request(repository)
    assert not Job.objects.exists()
    assert bell == []


def test_a_pinned_distribution_does_not_follow(repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    run(repository)
    distribution = Distribution.objects.get()
    assert distribution.publication
    pin(distribution, distribution.publication, reason="hold")
    with pytest.raises(Refused, match="No distribution follows"):
        jobs.request(repository)


def test_syncing_without_a_remote_is_refused(repository: Repository) -> None:
    repository.remote = None
    with pytest.raises(Refused, match="no remote"):
        jobs.request(repository)


def test_publishing_what_was_never_synced_is_refused(repository: Repository, upstream: Upstream) -> None:
    for actions in (PUBLISH, Actions(False, True, True)):
        with pytest.raises(Refused, match="has no files yet, so there is nothing to publish"):
            jobs.request(repository, actions=actions)
    upstream.write("a", b"1")
    run(repository, publish=False, distribute=False)
    assert not jobs.request(repository, actions=PUBLISH).joined


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


def test_a_job_waits_for_an_earlier_one_on_the_same_repository(repository: Repository) -> None:
    first = jobs.request(repository, actions=SYNC).job
    second = jobs.request(repository).job
    assert chain.claim(second.pk, "test") is None
    assert [job.pk for job in Job.objects.in_the_way_of(second)] == [first.pk]
    assert chain.claim(first.pk, "test")
    assert chain.claim(second.pk, "test") is None


def test_the_end_of_a_job_rings_for_those_that_waited(repository: Repository, bell: list[int]) -> None:
    first = jobs.request(repository, actions=SYNC).job
    second = jobs.request(repository, actions=SYNC_PUBLISH).job
    bell.clear()
    chain.run(first.pk, "test")
    assert bell == [second.pk]
    assert chain.claim(second.pk, "test")


def test_jobs_of_other_repositories_run_side_by_side(repository: Repository, upstream: Upstream) -> None:
    other = make_repository(url=upstream.manifest_url, name="other", base_path="other")
    assert chain.claim(jobs.request(repository).job.pk, "test")
    assert chain.claim(jobs.request(other).job.pk, "test")


def test_a_distribution_that_came_after_the_request_is_reserved_too(repository: Repository) -> None:
    job = jobs.request(repository).job
    distribution = make_distribution(repository, "late")
    chain.claim(job.pk, "test")
    assert job.reservations.filter(resource=f"distribution:{distribution.pk}", held=True).exists()


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


def test_an_obstacle_names_the_reason_and_the_job(repository: Repository) -> None:
    assert jobs.obstacle(repository, ALL) is None
    job = jobs.request(repository).job
    found = jobs.obstacle(repository, ALL)
    assert found and found.job == job
    assert found.reason == "The same run is already waiting."
    Distribution.objects.all().delete()
    refused = jobs.obstacle(repository, ALL)
    assert refused and refused.job is None
    assert "No distribution follows" in refused.reason


def test_a_lost_bell_is_noticed(repository: Repository) -> None:
    first = jobs.request(repository, actions=SYNC).job
    jobs.request(repository)
    assert jobs.overlooked() == [first.pk]
