"""Files that fail: all listed; and the repository's choice to go on without them."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from repos import by_hand, causes, chain, jobs
from repos.compare import Change, Kind
from repos.errors.refusals import Refused
from repos.errors.upstreams import FetchFailed, FilesFailed
from repos.failures import Failures
from repos.models import FailedFile, Job, Remote, Repository, RepositoryVersion, SyncState
from repos.progress import Progress
from repos.sources import source_of
from repos.worklist import Worklist
from tests import scenes
from tests.misbehaviour import Corrupt, Shorter, Status
from tests.running import files, run, served
from tests.terminal import call, rows
from tests.upstream import EVERY_FILE, Upstream


@pytest.fixture
def skipping(repository: Repository) -> Repository:
    """It goes on without files that fail."""
    Repository.objects.update(skip_failed_files=True)
    repository.refresh_from_db()
    return repository


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    for name in "abcd":
        upstream.write(name, name.encode())
    return upstream


def newest(repository: Repository) -> RepositoryVersion:
    return Repository.objects.get(pk=repository.pk).latest_version()


def ended(asked: jobs.Requested) -> Job:
    chain.run(asked.job.pk, "test")
    return Job.objects.get(pk=asked.job.pk)


def test_it_works(stocked: Upstream, skipping: Repository) -> None:
    stocked.fail("b", Status(404))
    job = run(skipping)
    assert (job.state, job.failed, job.failed_files.get().path) == ("completed", 1, "b")
    assert job.version
    assert (job.version.files, job.version.failed, job.version.added) == (3, 1, 3)
    assert served("files") == {"a": b"a", "c": b"c", "d": b"d"}
    stocked.heal()
    job = run(skipping)
    assert job.version
    assert (job.failed, job.version.failed, job.version.added) == (0, 0, 1)
    assert served("files") == stocked.files


def test_by_default_one_failed_file_keeps_a_sync_from_making_a_version(
    stocked: Upstream, repository: Repository
) -> None:
    stocked.fail("b", Status(404))
    job = run(repository)
    assert (job.state, job.failed, newest(repository).number) == ("failed", 1, 0)


def test_each_is_listed_with_cause_tries_what_was_expected_what_came_and_what_to_do(
    stocked: Upstream, skipping: Repository
) -> None:
    stocked.fail("a", Status(404))
    stocked.fail("b", Corrupt())
    stocked.write("c", b"long enough")
    stocked.fail("c", Shorter(4))
    found = {one.path: one for one in run(skipping).failed_files.all()}
    assert {path: (one.cause, one.url) for path, one in found.items()} == {
        "a": ("404", f"{stocked.url}a"),
        "b": ("digest", f"{stocked.url}b"),
        "c": ("size", f"{stocked.url}c"),
    }
    assert all(one.advice == causes.advice_on_file(one.cause) for one in found.values())
    assert (found["b"].actual_size, found["c"].actual_size, found["c"].expected_size) == (1, 7, 11)
    assert found["b"].actual_sha256 not in ("", found["b"].expected_sha256)
    assert (found["a"].tries, found["b"].tries) == (1, 4)


def test_all_paths_with_the_same_bytes_are_left_out_and_listed(stocked: Upstream, skipping: Repository) -> None:
    for path in ("one", "two", "three"):
        stocked.write(path, b"the same")
        stocked.fail(path, Status(404))
    job = run(skipping)
    assert job.version
    assert (job.failed, job.version.failed, job.version.files) == (3, 3, 4)
    found = {one.path: one.message for one in job.failed_files.all()}
    assert set(found) == {"one", "two", "three"}
    assert found["two"] == "it has the same bytes as “one”, which failed"


def test_a_changed_file_that_fails_keeps_its_old_bytes(stocked: Upstream, skipping: Repository) -> None:
    run(skipping)
    stocked.write("a", b"other")
    stocked.write("b", b"new")
    stocked.fail("a", Status(500))
    job = run(skipping)
    assert job.version
    assert files(job.version) == {"a": b"a", "b": b"new", "c": b"c", "d": b"d"}
    assert (job.version.failed, job.version.changed, job.version.size) == (1, 1, 6)


def test_a_mirror_still_removes_what_vanished(stocked: Upstream, skipping: Repository) -> None:
    Repository.objects.update(mirror=True)
    run(skipping)
    stocked.remove("d")
    stocked.write("e", b"e")
    stocked.write("f", b"f")
    stocked.fail("e", Status(404))
    run(skipping)
    version = newest(skipping)
    assert (set(files(version)), version.removed, version.failed) == ({"a", "b", "c", "f"}, 1, 1)


def test_the_same_failures_again_make_no_version_but_a_job_that_says_so(
    stocked: Upstream, skipping: Repository
) -> None:
    stocked.fail("b", Status(404))
    run(skipping)
    job = run(skipping)
    assert (job.state, job.failed, job.version, newest(skipping).number) == ("completed", 1, None, 1)
    assert job.failed_files.get().path == "b"
    messages = [report.message for report in job.reports.all()]
    assert "1 file failed, and no other is different since version 1" in messages


def test_a_sync_with_failures_is_not_remembered_as_agreeing(stocked: Upstream, skipping: Repository) -> None:
    stocked.fail("b", Status(404))
    run(skipping)
    skipping.refresh_from_db()
    assert skipping.synced_at is None
    assert not SyncState.objects.exists()


def test_agreement_is_noted_with_a_version_without_one_and_when_the_list_is_the_same(
    stocked: Upstream, repository: Repository
) -> None:
    seen = []
    for path in ("e", "", "f"):
        if path:
            stocked.write(path, path.encode())
        run(repository)
        repository.refresh_from_db()
        seen.append(repository.synced_at)
        Repository.objects.update(synced_at=timezone.now() - timedelta(days=1))
    assert all(at and at > timezone.now() - timedelta(minutes=1) for at in seen)


def test_a_failed_sync_leaves_the_freshness_as_it_was(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    run(repository)
    repository.refresh_from_db()
    assert repository.synced_at is None


@pytest.mark.parametrize("fault", [Status(404), Status(500)])
def test_where_every_file_fails_nothing_is_made(stocked: Upstream, skipping: Repository, fault: Status) -> None:
    stocked.fail(EVERY_FILE, fault)
    job = run(skipping)
    assert (job.state, job.error_code, job.failed, newest(skipping).number) == ("failed", "files", 4, 0)


def test_where_the_way_to_all_that_is_new_is_cut_off_nothing_is_removed(
    stocked: Upstream, skipping: Repository
) -> None:
    """A mirror would else lose what vanished, and get nothing of what came in its place."""
    Repository.objects.update(mirror=True)
    run(skipping)
    stocked.remove("d")
    stocked.write("e", b"e")
    stocked.fail("e", Status(403))
    assert run(skipping).state == "failed"
    assert newest(skipping).number == 1


def test_what_our_own_disk_did_not_take_is_never_gone_on_without(repository: Repository, tmp_path: Path) -> None:
    remote = Remote.objects.get()
    with Worklist(tmp_path) as work:
        work.add_entries([("a", "0" * 64, 1), ("b", "1" * 64, 1)])
        work.add_changes([Change(Kind.ADDED, "a", "0" * 64, 1), Change(Kind.ADDED, "b", "1" * 64, 1)])
        failures = Failures(None, source_of(remote), work, Progress())
        failures.add(("a", "0" * 64, 1), FetchFailed("http://up.example/a", "disk", "it could not be stored"))
        failures.complete()
        with pytest.raises(FilesFailed):
            failures.refuse_to_go_on(repository.latest_version(), skip=True)


def test_a_new_version_by_hand_still_goes_without_them(stocked: Upstream, skipping: Repository) -> None:
    stocked.fail("b", Status(404))
    run(skipping)
    job = ended(by_hand.remove(skipping, ["a"]))
    assert job.version
    assert job.version.failed == 1


def test_a_restored_version_goes_without_what_it_went_without(stocked: Upstream, skipping: Repository) -> None:
    stocked.fail("b", Status(404))
    run(skipping)
    stocked.heal()
    run(skipping)
    job = ended(by_hand.restore(skipping, 1))
    assert job.version
    assert (job.version.number, job.version.failed) == (3, 1)
    job = ended(by_hand.restore(skipping, 2))
    assert job.version
    assert job.version.failed == 0


def test_what_is_gone_upstream_is_not_missed_any_more(stocked: Upstream, skipping: Repository) -> None:
    stocked.fail("b", Status(404))
    run(skipping)
    stocked.remove("b")
    run(skipping)
    skipping.refresh_from_db()
    assert skipping.synced_at
    job = ended(by_hand.remove(skipping, ["a"]))
    assert job.version
    assert job.version.failed == 0


# ---- fetched again ----


def test_a_retry_fetches_only_what_failed(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    first = run(repository)
    stocked.heal()
    stocked.reset_log()
    job = ended(jobs.retry(first))
    assert job.state == "completed"
    assert [one.path for one in stocked.requests] == ["PULP_MANIFEST", "b"]
    assert served("files") == stocked.files


def test_a_retry_is_refused_where_a_later_sync_got_them(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    first = run(repository)
    stocked.heal()
    second = run(repository)
    with pytest.raises(Refused, match=f"Job {second.pk} came later and got every file"):
        jobs.retry(first)
    with pytest.raises(Refused, match="No file failed in job"):
        jobs.retry(second)


@pytest.mark.any_database
def test_the_page_has_a_button_for_it(stocked: Upstream, repository: Repository, admin_client: Client) -> None:
    stocked.fail("b", Status(404))
    first = run(repository)
    assert "Retry failed files" in admin_client.get(f"/jobs/{first.pk}/").content.decode()
    answer = admin_client.post(f"/jobs/{first.pk}/retry/")
    asked = Job.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, f"/jobs/{asked.pk}/")
    chain.run(asked.pk, "test")
    stocked.heal()
    run(repository)
    refused = admin_client.post(f"/jobs/{first.pk}/retry/")
    assert refused.status_code == 409
    assert "came later and got every file" in refused.content.decode()


@pytest.mark.any_database
def test_a_terminal_lists_all_and_fetches_again(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    first = run(repository)
    listed = rows("job", "failed", f"{first.pk}")
    assert [(row[0], row[1], row[2]) for row in listed] == [("b", "404", "1")]
    stocked.heal()
    status, said = call("job", "retry", f"{first.pk}")
    assert status == 0
    assert "version 1" in said


# ---- shown ----


@pytest.mark.any_database
def test_a_version_says_so_wherever_it_is_shown(stocked: Upstream, skipping: Repository, admin_client: Client) -> None:
    stocked.fail("b", Status(404))
    job = run(skipping)
    distribution, publication = skipping.distributions.get(), job.publication
    assert publication
    pk = skipping.pk
    for path in (
        *("/", f"/repositories/{pk}/", f"/repositories/{pk}/versions/1/", f"/jobs/{job.pk}/", "/jobs/"),
        *("/distributions/", f"/distributions/{distribution.pk}/"),
        *("/publications/", f"/publications/{publication.pk}/"),
        *(f"/storage/{pk}/versions/", f"/repositories/{pk}/upload/"),
    ):
        text = admin_client.get(path).content.decode().replace("\N{NO-BREAK SPACE}", " ")
        assert "without 1 file" in text, path
    for path in (f"/jobs/{job.pk}/", "/jobs/"):
        assert "badge-partial" in admin_client.get(path).content.decode(), path


@pytest.mark.any_database
def test_a_terminal_says_so_too(stocked: Upstream, skipping: Repository) -> None:
    stocked.fail("b", Status(404))
    status, said = call("sync", "files")
    assert (status, "version 1, without 1 file" in said) == (0, True)
    assert "b: there is no such file (404)" in said
    # By their columns.
    for place, listed in (
        (6, ("repository", "list")),
        (7, ("repository", "versions", "files")),
        (5, ("distribution", "list")),
        (5, ("publication", "list", "files")),
        (6, ("job", "list")),
    ):
        assert rows(*listed)[0][place] == "1", listed


@pytest.mark.any_database
def test_many_failures_have_pages_and_are_counted_by_cause(repository: Repository, admin_client: Client) -> None:
    job = scenes.a_failed_job(repository, failures=70)
    Job.objects.filter(pk=job.pk).update(failed=70)
    text = admin_client.get(f"/jobs/{job.pk}/").content.decode()
    assert "digest: 24 · 404: 23 · size: 23" in text
    assert text.count('id="failed-') == 50


@pytest.mark.any_database
def test_thousands_are_all_listed(skipping: Repository, upstream: Upstream) -> None:
    upstream.write("good", b"good")
    for number in range(700):
        upstream.write(f"{number:04}", f"{number}".encode())
        upstream.fail(f"{number:04}", Status(404))
    job = run(skipping, publish=False, distribute=False)
    assert (job.failed, FailedFile.objects.count(), newest(skipping).failed) == (700, 700, 700)


def test_a_job_that_is_taken_up_anew_counts_anew(skipping: Repository, stocked: Upstream) -> None:
    job = jobs.request(skipping).job
    Job.objects.filter(pk=job.pk).update(failed=5)
    chain.run(job.pk, "test")
    job.refresh_from_db()
    assert (job.state, job.failed) == ("completed", 0)
