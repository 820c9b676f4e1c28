"""Retention: what stays, what goes, and why."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from repos import clock, deletion, jobs, retention
from repos.actions import VERIFY, Actions, Details
from repos.distribute import pin
from repos.errors.refusals import InUse
from repos.errors.stops import Canceled
from repos.models import Job, Repository, RepositoryVersion
from repos.progress import Progress
from tests import factories, running
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]

PUBLISH = Actions(sync=False, distribute=False)
RESTORE = Actions(sync=False, publish=False, distribute=False, modify=True)


@pytest.fixture
def repository(db: None) -> Repository:
    """With versions 1 to 5, each a file more; 5 is served since long ago."""
    made = factories.repository()
    for number in range(1, 5):
        factories.version(made, {f"{number}.txt": b"x" * number})
    factories.serve(made, {"5.txt": b"xxxxx"}, days_ago=30)
    return made


def keep(repository: Repository, versions: int | None = None, days: int | None = None) -> None:
    Repository.objects.filter(pk=repository.pk).update(keep_versions=versions, keep_days=days)
    repository.refresh_from_db()


def let_go(repository: Repository, progress: Progress | None = None) -> set[int]:
    """Lets go; returns the numbers of what is left."""
    retention.let_go(repository, progress=progress or Progress())
    return set(repository.versions.values_list("number", flat=True))


def age(repository: Repository, number: int, days: float) -> None:
    made = timezone.now() - timedelta(days=days)
    repository.versions.filter(number=number).update(created_at=made)


def why(repository: Repository, number: int) -> str:
    (fate,) = [one for one in retention.plan(repository) if one.version.number == number]
    return f"{'goes' if fate.goes else 'stays'}: {fate.why}"


def test_it_works(repository: Repository) -> None:
    keep(repository, versions=2)
    assert [fate.version.number for fate in retention.plan(repository) if fate.goes] == [3, 2, 1]
    assert let_go(repository) == {0, 4, 5}
    assert running.files(repository.latest_version()) == {f"{n}.txt": b"x" * n for n in range(1, 6)}


def test_with_nothing_set_all_stays(repository: Repository) -> None:
    assert why(repository, 1) == "stays: all versions are kept"
    assert let_go(repository) == {0, 1, 2, 3, 4, 5}


def test_either_of_the_two_that_are_set_keeps_a_version(repository: Repository) -> None:
    for number in range(1, 6):
        age(repository, number, days=(6 - number) * 10)
    keep(repository, versions=2, days=35)
    assert why(repository, 5) == "stays: the newest"
    assert why(repository, 4) == "stays: among the newest 2"
    assert why(repository, 3) == "stays: younger than 35 days"
    assert why(repository, 2) == "goes: not among the newest 2 and older than 35 days"
    assert let_go(repository) == {0, 3, 4, 5}


def test_days_alone_keep_the_newest_however_old(repository: Repository) -> None:
    RepositoryVersion.objects.update(created_at=timezone.now() - timedelta(days=400))
    keep(repository, days=1)
    assert why(repository, 4) == "goes: older than 1 day"
    assert let_go(repository) == {0, 5}


def test_one_version_means_the_newest(repository: Repository) -> None:
    keep(repository, versions=1)
    assert why(repository, 4) == "goes: older than the newest"
    assert let_go(repository) == {0, 5}


def test_the_empty_version_stays(repository: Repository) -> None:
    keep(repository, versions=1)
    assert why(repository, 0) == "stays: the empty one, with which every repository begins"


def test_what_is_served_or_pinned_stays(repository: Repository) -> None:
    other = repository.distributions.create(base_path="old")
    factories.switch(other, factories.publication(repository.versions.get(number=2)), days_ago=20)
    keep(repository, versions=1)
    assert why(repository, 2) == "stays: served at “old”"
    pin(other, repository.versions.get(number=2).publications.get())
    assert why(repository, 2) == "stays: pinned at “old”"
    assert let_go(repository) == {0, 2, 5}


def test_what_was_served_stays_for_its_grace_time(repository: Repository) -> None:
    distribution = repository.distributions.get()
    factories.switch(distribution, factories.publication(repository.versions.get(number=3)), days_ago=10)
    factories.switch(distribution, repository.versions.get(number=5).publications.get(), days_ago=2.9)
    keep(repository, versions=1)
    assert why(repository, 3).startswith("stays: was served at “files”, and has its grace time until 20")
    assert let_go(repository) == {0, 3, 5}
    distribution.history.update(at=timezone.now() - timedelta(days=3.1))
    assert let_go(repository) == {0, 5}


@pytest.mark.parametrize("actions", [PUBLISH, RESTORE, VERIFY])
def test_what_a_job_names_stays(repository: Repository, actions: Actions) -> None:
    keep(repository, versions=1)
    job = jobs.request(repository, actions=actions, details=Details(of_version=2)).job
    assert why(repository, 2) == f"stays: job {job.pk} is waiting, and needs it"
    assert let_go(repository) == {0, 2, 5}
    jobs.cancel(job)
    assert let_go(repository) == {0, 5}


def test_the_held_are_told_from_those_that_the_rule_keeps(repository: Repository) -> None:
    pin(repository.distributions.get(), factories.publication(repository.versions.get(number=2)))
    keep(repository, versions=2)
    held = {fate.version.number: fate.held for fate in retention.plan(repository)}
    assert held == {5: False, 4: False, 3: False, 2: True, 1: False, 0: False}


def test_what_came_to_be_needed_stays_and_fails_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication = factories.publication(repository.versions.get(number=3))
    keep(repository, versions=1)
    fates = retention.plan(repository)
    monkeypatch.setattr(retention, "plan", lambda repository: fates)
    pin(repository.distributions.get(), publication)
    assert let_go(repository) == {0, 3, 5}


def test_what_is_set_meanwhile_is_heeded(repository: Repository) -> None:
    keep(repository, versions=1)

    class Changing(Progress):
        def check(self) -> None:
            if repository.versions.count() == 4:
                Repository.objects.update(keep_versions=None)

    assert let_go(repository, Changing()) == {0, 1, 2, 5}


def test_it_stops_when_it_is_told_to(repository: Repository) -> None:
    class Canceling(Progress):
        def check(self) -> None:
            raise Canceled

    keep(repository, versions=1)
    with pytest.raises(Canceled):
        let_go(repository, Canceling())


def test_while_the_clock_is_in_doubt_nothing_goes(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(repository, versions=1)
    monkeypatch.setattr(clock, "_AT_START", clock._AT_START - 3600)
    assert let_go(repository) == {0, 1, 2, 3, 4, 5}


def test_a_person_still_has_to_wait_for_the_jobs(repository: Repository) -> None:
    jobs.request(repository)
    with pytest.raises(InUse):
        deletion.delete_version(repository.versions.get(number=2))


def test_many_are_planned_with_the_same_few_queries(repository: Repository) -> None:
    others = [factories.repository(f"r{number}", f"r{number}") for number in range(5)]
    for other in others:
        factories.serve(other, {"a": b"1"})
    Repository.objects.update(keep_versions=1)

    def queries(repositories: list[Repository]) -> int:
        with CaptureQueriesContext(connection) as counted:
            retention.plans(repositories)
        return len(counted)

    assert queries(list(Repository.objects.all())) == queries([repository])


@pytest.mark.parametrize(
    ("versions", "days", "words"),
    [
        (None, None, "keeps all versions"),
        (1, None, "keeps the newest version"),
        (5, None, "keeps the newest 5 versions"),
        (None, 30, "keeps all of the last 30 days"),
        (5, 1, "keeps the newest 5 versions, and all of the last 1 day"),
    ],
)
def test_what_is_set_is_said_in_words(
    repository: Repository, versions: int | None, days: int | None, words: str
) -> None:
    keep(repository, versions, days)
    assert retention.rule(repository) == words


# ---- as the last step of a run -----------------------------------------------------------------------------


@pytest.fixture
def synced(transactional_db: None, upstream: Upstream) -> Repository:
    """Two versions, the second of which is served."""
    made = factories.repository()
    assert made.remote
    made.remote.url = upstream.manifest_url
    made.remote.save()
    for number in range(2):
        upstream.write("a.txt", b"a" * (number + 1))
        assert running.run(made).state == "completed"
    made.distributions.get().history.update(at=timezone.now() - timedelta(days=9))
    return made


def test_a_run_ends_with_it_and_reports_it(synced: Repository, upstream: Upstream) -> None:
    keep(synced, versions=2)
    upstream.write("b.txt", b"b")
    job = running.run(synced)
    assert (job.state, job.error) == ("completed", "")
    assert set(synced.versions.values_list("number", flat=True)) == {0, 2, 3}
    (report,) = job.reports.filter(action="clean")
    assert (report.code, report.done, report.total, report.state) == ("clean.versions", 1, 1, "completed")


def test_a_run_from_which_nothing_goes_says_nothing_of_it(synced: Repository) -> None:
    keep(synced, versions=5)
    assert not running.run(synced).reports.filter(action="clean").exists()


def test_a_run_lets_go_what_it_superseded_only_after_its_grace_time(synced: Repository, upstream: Upstream) -> None:
    keep(synced, versions=1)
    upstream.write("b.txt", b"b")
    running.run(synced)
    assert set(synced.versions.values_list("number", flat=True)) == {0, 2, 3}
    synced.distributions.get().history.update(at=timezone.now() - timedelta(days=9))
    # Nothing new: the chain does nothing, but retention still comes last.
    running.run(synced)
    assert set(synced.versions.values_list("number", flat=True)) == {0, 3}


def test_jobs_and_histories_outlive_their_versions(synced: Repository) -> None:
    keep(synced, versions=1)
    let_go(synced)
    first = Job.objects.earliest("pk")
    assert (first.state, first.version, first.publication) == ("completed", None, None)
    assert [switch.later for switch in first.switches.all()] == [None]
