"""Running a job: the whole chain, its ends, and what happens when its worker dies in the middle."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repos import chain, jobs, publish_settings, tracking
from repos.actions import Details
from repos.distribute import distribute
from repos.errors.refusals import InUse
from repos.models import Content, FailedFile, Job, Publication, Repository, RepositoryVersion, Switch
from repos.publish import publish
from tests import factories
from tests.misbehaviour import Corrupt, Drip, Stall, StallHeaders, Status
from tests.running import PATIENCE, metadata, run, running, served, until
from tests.upstream import EVERY_FILE, MANIFEST, Upstream


@pytest.fixture
def filled(repository: Repository, upstream: Upstream) -> Repository:
    for number in range(20):
        upstream.write(f"folder/{number}", b"%d" % number * 50)
    return repository


def ended(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def beats(job: Job, count: int) -> None:
    """Waits for so many heartbeats."""
    for _ in range(count):
        before = ended(job).heartbeat_at
        until(lambda before=before: ended(job).heartbeat_at != before, "a heartbeat")  # type: ignore[misc]


def test_it_works(filled: Repository, upstream: Upstream) -> None:
    job = run(filled)
    assert (job.state, job.error) == ("completed", "")
    assert served("files") == upstream.files
    assert metadata("files") == {"PULP_MANIFEST": upstream.manifest}
    assert job.version and job.version.number == 1
    assert job.publication and job.publication.version == job.version
    assert [switch.distribution.base_path for switch in job.switches.all()] == ["files"]


def test_an_unchanged_upstream_gives_no_version_no_publication_no_switch(filled: Repository) -> None:
    run(filled)
    job = run(filled)
    assert job.state == "completed"
    assert (job.version, job.publication, job.switches.count()) == (None, None, 0)
    assert (RepositoryVersion.objects.count(), Publication.objects.count(), Switch.objects.count()) == (2, 1, 1)
    assert [report.state for report in job.reports.all()] == ["completed", "skipped", "skipped", "skipped"]
    assert "unchanged since version 1" in job.reports.all()[1].message


@pytest.mark.parametrize(
    ("actions", "counts"),
    [
        ({"publish": False, "distribute": False}, (2, 0, 0)),
        ({"distribute": False}, (2, 1, 0)),
        ({}, (2, 1, 1)),
    ],
)
def test_a_run_does_what_was_chosen(filled: Repository, actions: dict[str, bool], counts: tuple[int, int, int]) -> None:
    run(filled, **actions)
    assert (RepositoryVersion.objects.count(), Publication.objects.count(), Switch.objects.count()) == counts


def test_a_later_run_completes_what_an_earlier_one_left_out(filled: Repository, upstream: Upstream) -> None:
    run(filled, publish=False, distribute=False)
    upstream.reset_log()
    job = run(filled)
    assert served("files") == upstream.files
    assert (job.version, job.publication) == (None, Publication.objects.get())
    assert [request.path for request in upstream.requests] == [MANIFEST]


def test_changed_settings_are_published_though_the_upstream_is_unchanged(filled: Repository) -> None:
    run(filled)
    filled.publish_settings = type(filled.publish_settings).objects.matching(manifest="", checksums="SUMS")
    filled.save()
    job = run(filled)
    assert job.version is None
    assert list(metadata("files")) == ["SUMS"]


def test_reports_are_grouped_by_action_in_order(filled: Repository) -> None:
    job = run(filled)
    assert [report.code for report in job.reports.all()] == [
        "sync.downloading.metadata",
        "sync.parsing.metadata",
        "sync.downloading.artifacts",
        "associating.content",
        "publish.metadata",
        "distribute.switching",
    ]
    download = job.reports.get(code="sync.downloading.artifacts")
    assert (download.done, download.total) == (20, 20)
    assert download.bytes_done == download.bytes_total == sum(map(len, (served("files") or {}).values()))


def test_where_no_byte_has_to_be_fetched_it_says_of_how_many_files(filled: Repository) -> None:
    run(filled)
    other = factories.repository("other", "other")
    Repository.objects.filter(pk=other.pk).update(remote=filled.remote)
    report = run(Repository.objects.get(pk=other.pk)).reports.get(code="sync.downloading.artifacts")
    assert (report.total, report.message, report.suffix) == (0, "All bytes are here already", "20 files")


def test_a_failed_file_fails_the_job_and_changes_nothing(filled: Repository, upstream: Upstream) -> None:
    run(filled)
    before = served("files")
    upstream.write("folder/new", b"new")
    upstream.write("folder/bad", b"bad")
    upstream.fail("folder/bad", Corrupt(1))
    job = run(filled)
    assert job.state == "failed"
    assert job.error.startswith("1 file could not be fetched, so no version was made: folder/bad")
    assert served("files") == before
    assert RepositoryVersion.objects.count() == 2
    failed = FailedFile.objects.get()
    assert (failed.path, failed.cause, failed.tries) == ("folder/bad", "digest", 4)
    assert failed.expected_sha256 == upstream.digests["folder/bad"]
    assert failed.actual_sha256 not in ("", failed.expected_sha256)
    assert failed.url == f"{upstream.url}folder/bad"


def test_every_failed_file_is_listed(filled: Repository, upstream: Upstream) -> None:
    upstream.fail(EVERY_FILE, Status(404))
    job = run(filled)
    assert job.failed_files.count() == 20
    assert {failed.cause for failed in job.failed_files.all()} == {"404"}


def test_an_error_of_ours_fails_the_job_and_says_so(filled: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(chain, "publish", broken)
    job = run(filled)
    assert (job.state, job.error_code) == ("failed", "bug")
    assert "ZeroDivisionError" in job.error


def test_the_working_directory_is_gone_however_it_ends(filled: Repository, upstream: Upstream, data: Path) -> None:
    run(filled)
    upstream.write("bad", b"bad")
    upstream.fail("bad", Status(404))
    assert run(filled).state == "failed"
    assert list((data / "work").iterdir()) == []


@pytest.mark.parametrize("fault", [Stall(10), StallHeaders(), Drip(1, 0.02)], ids=["body", "headers", "drip"])
@pytest.mark.parametrize("path", [MANIFEST, EVERY_FILE])
def test_cancel_stops_within_two_seconds_wherever_the_upstream_hangs(
    filled: Repository, upstream: Upstream, data: Path, path: str, fault: Any
) -> None:
    upstream.fail(path, fault)
    job = jobs.request(filled).job
    with running(job):
        until(lambda: upstream.requests, "the upstream is asked")
        until(lambda: ended(job).state == "running")
        started = time.monotonic()
        jobs.cancel(job)
    assert time.monotonic() - started < 2
    job = ended(job)
    assert job.state == "canceled"
    assert not job.reports.filter(state="running").exists()
    assert list((data / "work").iterdir()) == []
    assert (RepositoryVersion.objects.count(), Content.objects.count()) == (1, 0)
    assert not job.reservations.filter(held=True).exists()


def test_cancel_while_the_version_is_recorded_leaves_no_trace(
    filled: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.request(filled).job
    seen: list[int] = []

    def one_by_one(items: Iterable[Any], length: int = 1) -> Iterator[list[Any]]:
        for item in items:
            yield [item]
            seen.append(Content.objects.count())
            jobs.cancel(job)
            beats(job, 2)

    monkeypatch.setattr("repos.versions.chunks", one_by_one)
    chain.run(job.pk, "test")
    assert seen == [1]
    assert ended(job).state == "canceled"
    assert (RepositoryVersion.objects.count(), Content.objects.count()) == (1, 0)


def test_a_closing_worker_gives_the_job_back(
    filled: Repository, upstream: Upstream, bell: list[int], data: Path
) -> None:
    gate = upstream.hold("folder/7")
    job = jobs.request(filled).job
    try:
        with running(job):
            assert gate.reached.wait(PATIENCE)
            until(lambda: len(list((data / "pool").glob("*/*"))) == 19, "all others are in the pool")
            tracking.closing.set()
    finally:
        tracking.closing.clear()
    assert (ended(job).state, ended(job).deaths) == ("waiting", 0)
    assert bell[-1] == job.pk
    gate.release()
    upstream.reset_log()
    chain.run(job.pk, "another")
    assert ended(job).state == "completed"
    assert served("files") == upstream.files
    # All but the file at the gate had been fetched, and are not fetched again.
    assert sorted(request.path for request in upstream.requests) == [MANIFEST, "folder/7"]


def test_a_closing_worker_begins_nothing(filled: Repository) -> None:
    job = jobs.request(filled).job
    tracking.closing.set()
    try:
        chain.run(job.pk, "test")
    finally:
        tracking.closing.clear()
    assert (ended(job).state, ended(job).attempt) == ("waiting", 0)


def test_what_was_lost_in_the_transaction_itself_is_undone(filled: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last moment: the job is given to another just before the switch."""
    job = jobs.request(filled).job

    def steal(*args: Any, **options: Any) -> Any:
        Job.objects.filter(pk=job.pk).update(attempt=99)
        return distribute(*args, **options)

    monkeypatch.setattr(chain, "distribute", steal)
    chain.run(job.pk, "test")
    assert served("files") is None
    assert ended(job).state == "running"


def test_a_job_that_is_gone_or_claimed_is_left_alone(filled: Repository) -> None:
    chain.run(4711, "test")
    job = run(filled)
    chain.run(job.pk, "late")
    assert ended(job).worker == "test"
    assert ended(job).attempt == 1


def test_nothing_half_done_is_served(filled: Repository, upstream: Upstream) -> None:
    run(filled)
    before = served("files")
    for number in range(20):
        upstream.write(f"folder/{number}", b"after %d" % number)
    gate = upstream.hold("folder/19")
    with running(jobs.request(filled).job):
        assert gate.reached.wait(PATIENCE)
        assert served("files") == before
        gate.release()
    assert served("files") == upstream.files


def test_a_job_publishes_with_the_settings_that_the_repository_has_by_then(
    repository: Repository, upstream: Upstream
) -> None:
    upstream.write("a", b"1")
    job = chain.claim(jobs.request(repository).job.pk, "test")
    assert job
    former = repository.publish_settings
    publish_settings.change(former, manifest="LIST")
    publish_settings.delete(former)
    chain._run(job)
    job.refresh_from_db()
    assert (job.state, job.error) == ("completed", "")
    assert set(metadata("files")) == {"LIST"}


def test_the_settings_that_a_job_publishes_with_cannot_be_deleted(
    repository: Repository, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.write("a", b"1")
    former = repository.publish_settings
    refused: list[str] = []

    def meddle(*args: Any, **options: Any) -> Any:
        publish_settings.change(former, manifest="LIST")
        with pytest.raises(InUse) as raised:
            publish_settings.delete(former)
        refused.append(str(raised.value))
        return publish(*args, **options)

    monkeypatch.setattr(chain, "publish", meddle)
    job = run(repository)
    assert (job.state, job.error) == ("completed", "")
    assert set(metadata("files")) == {"PULP_MANIFEST"}
    assert f"1 job ({job.pk})" in refused[0]
    # It was not asked for these: run again, it takes what the repository has then.
    assert Details.of(job).publish_settings is None


def test_a_job_whose_distributions_are_gone_says_so(repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    job = jobs.request(repository).job
    repository.distributions.all().delete()
    chain.run(job.pk, "test")
    last = ended(job).reports.last()
    assert last and (last.state, last.message) == ("skipped", "No distribution follows the repository any more")
