"""A job's progress as rows, its heartbeat, and what it hears."""

from functools import partial

import pytest

from repos import chain, jobs, samples, tracking
from repos.errors.stops import Canceled, GivenBack, Lost
from repos.models import Job, LogLine, ProgressReport, Repository
from repos.progress import InHand
from repos.tracking import JobProgress
from tests.running import until


@pytest.fixture
def job(repository: Repository) -> Job:
    claimed = chain.claim(jobs.request(repository).job.pk, "test")
    assert claimed
    return claimed


def states(job: Job) -> list[tuple[str, str]]:
    return list(job.reports.values_list("code", "state"))


def check_for_ever(progress: JobProgress) -> None:
    while True:
        progress.check()


def test_it_works(job: Job) -> None:
    with JobProgress(job) as progress, progress.step("sync", "sync.parsing.metadata", "Reading", total=7) as report:
        report.done, report.suffix = 3, "and counting"
        until(lambda: job.reports.filter(done=3).exists(), "the progress is written while it runs")
    row = ProgressReport.objects.get()
    assert (row.action, row.message, row.done, row.total, row.suffix) == ("sync", "Reading", 3, 7, "and counting")
    assert row.state == "completed"
    assert row.finished_at and row.started_at < row.finished_at


def test_what_ends_between_two_beats_is_written_too(job: Job) -> None:
    with JobProgress(job) as progress:
        for number in range(5):
            with progress.step("sync", f"step.{number}", "quick"):
                pass
    assert states(job) == [(f"step.{number}", "completed") for number in range(5)]


def test_a_failed_step_says_so(job: Job) -> None:
    with pytest.raises(ValueError, match="no"), JobProgress(job) as progress, progress.step("sync", "bad", "bad"):
        raise ValueError("no")
    assert states(job) == [("bad", "failed")]


def test_a_canceled_step_says_so(job: Job) -> None:
    with pytest.raises(Canceled), JobProgress(job) as progress, progress.step("sync", "long", "long"):
        jobs.cancel(job)
        check_for_ever(progress)
    assert states(job) == [("long", "canceled")]


def test_what_was_skipped_says_why(job: Job) -> None:
    with JobProgress(job) as progress:
        progress.skipped("publish", "it is there")
    row = ProgressReport.objects.get()
    assert (row.code, row.state, row.message) == ("publish.was_skipped", "skipped", "it is there")


def test_the_heart_beats_while_nothing_is_reported(job: Job) -> None:
    assert job.heartbeat_at
    with JobProgress(job):
        until(lambda: Job.objects.filter(pk=job.pk, heartbeat_at__gt=job.heartbeat_at).exists(), "a heartbeat")
    assert Job.objects.get(pk=job.pk).state == "running"


def test_a_closing_process_asks_for_the_job_back(job: Job) -> None:
    with JobProgress(job) as progress:
        progress.check()
        tracking.closing.set()
        try:
            with pytest.raises(GivenBack):
                progress.check()
        finally:
            tracking.closing.clear()


def test_a_job_that_went_to_another_is_lost(job: Job) -> None:
    with JobProgress(job) as progress:
        Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
        with pytest.raises(Lost):
            progress.confirm()
        with pytest.raises(Lost):
            check_for_ever(progress)
        progress.skipped("sync", "nobody may read this")
    assert states(job) == []


def test_confirming_notes_what_was_made(job: Job) -> None:
    assert job.repository
    version = job.repository.versions.get()
    with JobProgress(job) as progress:
        progress.confirm(version=version)
    assert Job.objects.get(pk=job.pk).version == version


def test_speed_is_measured(job: Job) -> None:
    with JobProgress(job) as progress, progress.step("sync", "load", "load", bytes_total=10**9) as report:
        report.bytes_done = 10**8
        until(lambda: job.reports.filter(rate__gt=10**6).exists(), "a rate")
        assert job.reports.get().bytes_done == 10**8


def test_how_far_it_was_is_kept_for_a_picture(job: Job) -> None:
    with JobProgress(job) as progress, progress.step("sync", "load", "load", total=4, bytes_total=4000) as report:
        for done in range(1, 5):
            report.done, report.bytes_done = done, 1000 * done
            until(partial(job.reports.filter(done=done).exists), "a beat")
    kept = samples.read(job.reports.get().samples)
    assert (kept[0], kept[-1][1:]) == ((0, 0, 0), (4, 4000))


def test_what_counts_no_bytes_has_no_picture(job: Job) -> None:
    with JobProgress(job) as progress, progress.step("sync", "rows", "rows", total=4) as report:
        report.done = 4
    assert job.reports.get().samples == ""


def test_what_is_in_hand_is_told_while_it_runs(job: Job) -> None:
    files = [InHand("a.iso", 5, 2_000_000)]
    with JobProgress(job) as progress, progress.step("sync", "load", "load", in_hand=lambda: files):
        until(lambda: job.reports.filter(current='[["a.iso",5,2000000]]').exists(), "the file is named")
    assert job.reports.get().current == ""


def test_the_log_is_written_with_the_beat_and_by_its_own_attempt(job: Job) -> None:
    with JobProgress(job) as progress:
        progress.log("First.")
        until(lambda: LogLine.objects.exists(), "the line is written")
        Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
        progress.log("Nobody may read this.")
    assert [line.message for line in job.log.all()] == ["First."]
