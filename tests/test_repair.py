"""Repair: what is damaged is had anew from wherever it can be had."""

import pytest
from pytest_django.fixtures import Settings

from repos import chain, conf, jobs, pool, transport
from repos.actions import VERIFY, Details
from repos.create import make_repository
from repos.damage import LOST, may_be_repaired
from repos.distributions import make_distribution
from repos.errors.storage import SecretLost
from repos.models import Damage, Job, Remote, Repository
from tests import decay, factories, running
from tests.misbehaviour import Corrupt, Fault, Status
from tests.upstream import Upstream

pytestmark = pytest.mark.django_db(transaction=True)
A, B, C = b"one", b"the second", b"and a third one"
FILES = {"a": A, "deep/b c": B, "c": C}


@pytest.fixture
def synced(upstream: Upstream, repository: Repository) -> Repository:
    """All files of the upstream, published and served."""
    for path, data in FILES.items():
        upstream.write(path, data)
    assert running.run(repository).state == "completed"
    return repository


def repair(repository: Repository | None = None) -> Job:
    job = jobs.request(repository, actions=VERIFY, details=Details(may_repair=True)).job
    chain.run(job.pk, "test")
    return Job.objects.get(pk=job.pk)


def spoil_all() -> None:
    decay.flip(A)
    decay.truncate(B)
    decay.delete(C)


def test_it_works(synced: Repository, upstream: Upstream) -> None:
    spoil_all()
    before = sum(upstream.count(path) for path in FILES)
    job = repair()
    assert (job.state, job.failed, Damage.objects.count()) == ("completed", 0, 0)
    assert "3 damaged, 3 repaired" in job.outcome
    assert all(decay.is_whole(data) for data in FILES.values())
    # What is whole is not fetched.
    assert sum(upstream.count(path) for path in FILES) == before + 3


def test_a_repositorys_repair_leaves_others_alone(synced: Repository) -> None:
    factories.serve(factories.repository("other", "other"), {"x": b"of another"})
    decay.delete(b"of another")
    spoil_all()
    assert repair(synced).state == "completed"
    assert not decay.is_whole(b"of another")


def test_published_metadata_is_written_anew(synced: Repository, upstream: Upstream) -> None:
    manifest = factories.the_metadata(synced)
    whole = pool.path(manifest.sha256).read_bytes()
    decay.flip(whole)
    upstream.fail("*", Status(500))
    assert repair().state == "completed"
    assert decay.is_whole(whole)


def test_metadata_that_would_have_other_bytes_now_is_not_taken(synced: Repository) -> None:
    manifest = factories.the_metadata(synced)
    whole = pool.path(manifest.sha256).read_bytes()
    decay.delete(whole)
    synced.content.filter(path="a").update(path="another")
    job = repair()
    assert (job.state, job.failed) == ("failed", 1)
    assert not pool.path(manifest.sha256).exists()


def test_what_the_upstream_has_otherwise_by_now_stays_damaged_and_is_listed(
    synced: Repository, upstream: Upstream
) -> None:
    spoil_all()
    upstream.write("a", b"two")
    job = repair()
    assert (job.state, job.error_code, job.failed) == ("failed", "damaged", 1)
    assert "3 damaged, 2 repaired" in job.outcome
    failed = job.failed_files.get()
    assert (failed.path, failed.cause, failed.url) == ("a", "digest", f"{upstream.url}a")
    assert "to fetch it anew failed: its sha256 is" in failed.message
    assert "from a backup" in failed.advice


@pytest.mark.parametrize(("fault", "lost"), [(Status(404), True), (Corrupt(), True), (Status(500), False)])
def test_what_no_upstream_has_is_noted_but_not_what_could_not_be_asked_for(
    synced: Repository, upstream: Upstream, fault: Fault, lost: bool
) -> None:
    Remote.objects.update(tries=1)
    decay.flip(A)
    upstream.fail("a", fault)
    for _ in range(2):
        repair()
        assert Damage.objects.get().why.endswith(LOST) == lost
    assert may_be_repaired(Damage.objects.all()).exists() != lost
    # Why it could not be fetched says that already.
    assert LOST not in repair().failed_files.get().message
    upstream.heal()
    repair()
    assert not Damage.objects.exists()


def test_what_is_lost_may_be_had_later_from_one_who_could_not_be_asked(synced: Repository, upstream: Upstream) -> None:
    decay.delete(A)
    upstream.fail("a", Status(404))
    repair()
    Remote.objects.update(url="http://127.0.0.1:9/PULP_MANIFEST", tries=1)
    repair()
    assert not Damage.objects.get().why.endswith(LOST)


def test_a_verify_that_finds_what_is_lost_proposes_no_repair(synced: Repository, upstream: Upstream) -> None:
    decay.delete(A)
    upstream.fail("a", Status(404))
    repair()
    job = jobs.request(None, actions=VERIFY).job
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert "Verify again with repair" not in job.error
    assert "from a backup" in job.failed_files.get().advice


def test_a_remote_that_cannot_help_is_followed_by_one_that_can(
    synced: Repository, upstream: Upstream, bell: list[int]
) -> None:
    with Upstream() as mirror:
        mirror.write("elsewhere/a", A)
        other = make_repository(url=mirror.manifest_url, name="other", base_path="other")
        assert running.run(other).state == "completed"
        upstream.fail("*", Corrupt())
        decay.delete(A)
        assert repair(synced).state == "completed"
        assert mirror.count("elsewhere/a") == 1
    assert decay.is_whole(A)


def test_a_file_that_was_removed_since_is_asked_for_where_it_was(synced: Repository, upstream: Upstream) -> None:
    synced.content.filter(path="c").update(removed=2)
    decay.delete(C)
    assert repair().state == "completed"


def test_the_same_bytes_are_asked_for_at_each_of_their_paths(synced: Repository, upstream: Upstream) -> None:
    upstream.write("a again", A)
    assert running.run(synced).state == "completed"
    upstream.fail("a", Status(404))
    decay.delete(A)
    assert repair().state == "completed"


def test_an_upstream_that_is_away_is_asked_once(synced: Repository, upstream: Upstream) -> None:
    Remote.objects.update(url="http://127.0.0.1:9/PULP_MANIFEST", tries=1)
    spoil_all()
    job = repair()
    assert (job.state, job.failed) == ("failed", 3)
    assert {one.tries for one in job.failed_files.all()} == {1}


def test_without_any_remote_it_says_what_to_do(bell: list[int]) -> None:
    made = factories.repository()
    Repository.objects.update(remote=None)
    factories.serve(made, {"a": A})
    decay.delete(A)
    job = repair()
    failed = job.failed_files.get()
    assert (failed.path, failed.url, failed.tries) == ("a", "", 0)
    assert "upload the same bytes again" in failed.advice
    assert "from a backup" in job.error


def test_what_nothing_needs_is_left_to_a_clean_up(bell: list[int]) -> None:
    factories.artifact(A)
    decay.delete(A)
    assert "a clean-up takes it away" in repair().failed_files.get().advice


def test_a_secret_that_cannot_be_opened_is_told(synced: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(remote: Remote) -> None:
        raise SecretLost("the key file is missing")

    monkeypatch.setattr(transport, "of", lost)
    decay.delete(A)
    assert "the key file is missing" in repair().failed_files.get().message


def test_what_is_served_is_whole_again(synced: Repository, upstream: Upstream) -> None:
    make_distribution(synced, "second")
    spoil_all()
    repair()
    assert running.served("files") == FILES


def test_it_leaves_nothing_behind(synced: Repository) -> None:
    spoil_all()
    before = {path for path in conf.data().rglob("*") if path.is_file()}
    repair()
    after = {path for path in conf.data().rglob("*") if path.is_file()}
    assert {path.parent.name for path in after - before} == {"quarantine", *(decay.place(C).parent.name,)}
    assert list((conf.data() / "work").iterdir()) == []


def test_a_sync_heals_what_it_stores_anew(synced: Repository, upstream: Upstream) -> None:
    decay.flip(A)
    job = jobs.request(None, actions=VERIFY).job
    chain.run(job.pk, "test")
    assert Damage.objects.count() == 1
    upstream.write("new name", A)
    running.run(synced)
    assert Damage.objects.count() == 0
    assert decay.is_whole(A)


def test_what_does_not_fit_is_not_fetched_and_stays_known_as_damaged(
    synced: Repository, upstream: Upstream, settings: Settings
) -> None:
    spoil_all()
    before = len(upstream.requests)
    settings.MILLRACE_RESERVE_BYTES = 10**18
    job = repair()
    assert (job.state, job.error_code, Damage.objects.count()) == ("failed", "disk", 3)
    assert "Make room on the disk, then try again." in job.error
    assert len(upstream.requests) == before
    settings.MILLRACE_RESERVE_BYTES = 0
    assert repair().state == "completed"
