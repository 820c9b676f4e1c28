"""Who waits for whom, and who hears that it may begin."""

from repos import chain, jobs, reservations
from repos.actions import Actions
from repos.create import make_repository
from repos.distributions import make_distribution
from repos.models import Job, Repository
from tests.upstream import Upstream

SYNC = Actions(True, False, False)
SYNC_PUBLISH = Actions(True, True, False)


def test_it_works(repository: Repository) -> None:
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


def test_a_lost_bell_is_noticed(repository: Repository) -> None:
    first = jobs.request(repository, actions=SYNC).job
    jobs.request(repository)
    assert reservations.overlooked() == [first.pk]
