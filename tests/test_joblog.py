"""A job's log: what happened to it, and when; kept however it ended."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from repos import chain, joblog, jobs
from repos.joblog import MOST, Unwritten
from repos.models import Job, LogLine, Repository
from repos.recover import recover
from tests.misbehaviour import StallHeaders, Status
from tests.running import run, running, until
from tests.terminal import rows
from tests.upstream import MANIFEST, Upstream


@pytest.fixture
def filled(repository: Repository, upstream: Upstream) -> Repository:
    for name in ("a/one.txt", "b.txt", "c.txt"):
        upstream.write(name, name.encode())
    return repository


def told(job: Job) -> list[str]:
    """The lines, without what differs from time to time."""
    job.refresh_from_db()
    return [re.sub(r"(in|after) (?:< )?[\d.]+ s", r"\1 a while", line.message) for line in joblog.lines_of(job)]


def test_it_works(filled: Repository) -> None:
    job = run(filled)
    assert told(job) == [
        "Requested: sync, publish, distribute.",
        "Started by the worker test.",
        "Read the upstream's list: 3 files.",
        "Compared with version 0: 3 added.",
        "Fetched 3 files, 19 B, in a while.",
        "Made version 1: 3 files, 19 B (3 added).",
        "Published version 1 with PULP_MANIFEST.",
        "“files” serves version 1 now.",
        "Completed after a while.",
    ]
    lines = joblog.lines_of(job)
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_what_had_nothing_to_do_says_why(filled: Repository) -> None:
    run(filled)
    assert told(run(filled))[2:5] == [
        "Sync: The upstream's list is the same: unchanged since version 1.",
        told(run(filled))[3],
        "Distribute: Every distribution that follows already serves version 1.",
    ]


def test_the_first_failures_are_named(filled: Repository, upstream: Upstream) -> None:
    for number in range(9):
        upstream.write(f"bad-{number}", b"1%d" % number)
        upstream.fail(f"bad-{number}", Status(404))
    job = run(filled)
    lines = joblog.lines_of(job)
    warned = [line.message for line in lines if line.level == "warning"]
    assert len(warned) == 6
    assert all("failed: there is no such file (404)." in one for one in warned[:5])
    assert warned[5] == "9 files failed in all."
    assert (lines[-1].level, lines[-1].message.partition(": ")[2]) == ("error", job.error)


def test_it_is_kept_after_a_cancel_and_says_who_asked(filled: Repository, upstream: Upstream) -> None:
    upstream.fail("b.txt", StallHeaders())
    admin = User.objects.create_user("ada")
    job = jobs.request(filled, by=admin).job
    with running(job):
        until(lambda: job.reports.filter(code="sync.downloading.artifacts").exists(), "files are fetched")
        assert jobs.cancel(job, by=admin)
    lines = told(job)
    assert lines[0] == "Requested by ada: sync, publish, distribute."
    assert lines[-2:] == ["Told to stop by ada.", "Canceled after a while."]
    assert "Read the upstream's list: 3 files." in lines


def test_one_that_is_canceled_while_it_waits_says_so(filled: Repository) -> None:
    job = jobs.request(filled).job
    jobs.cancel(job)
    assert told(job) == ["Requested: sync, publish, distribute.", "Told to stop.", "Canceled."]


def test_it_goes_on_when_another_worker_takes_the_job_up(filled: Repository) -> None:
    job = chain.claim(jobs.request(filled).job.pk, "first")
    assert job
    assert recover(dead="first", by="second") == 1
    chain.run(job.pk, "third")
    assert told(job)[1:3] == [
        "Its worker first is gone: the next one goes on with it.",
        "Taken up again by the worker third.",
    ]


def test_a_list_that_cannot_be_fetched_is_in_it(filled: Repository, upstream: Upstream) -> None:
    upstream.fail(MANIFEST, Status(404))
    job = run(filled)
    assert told(job)[-1] == f"Failed after a while: {job.error}"


def test_nobody_writes_a_book(repository: Repository) -> None:
    job, lines = jobs.request(repository).job, Unwritten()
    for number in range(1000):
        lines.add(f"Line {number}.", joblog.INFO)
    lines.written(lines.write(job))
    assert LogLine.objects.count() == MOST
    assert lines.write(job) == 0


def test_what_was_not_committed_is_written_the_next_time(repository: Repository) -> None:
    job, lines = jobs.request(repository).job, Unwritten()
    lines.add("Only one.", joblog.INFO)
    with transaction.atomic():
        lines.write(job)
        transaction.set_rollback(True)
    lines.written(lines.write(job))
    assert [line.message for line in LogLine.objects.all()] == ["Only one."]


def test_the_longest_line_is_cut(repository: Repository) -> None:
    job = jobs.request(repository).job
    joblog.note(job, "x" * 9_000)
    assert LogLine.objects.get().message == "x" * joblog.LONGEST


def test_the_terminal_shows_it(filled: Repository) -> None:
    job = run(filled)
    shown = rows("job", "log", f"{job.pk}")
    assert [row[1] for row in shown] == ["info"] * 9
    assert shown[3][2] == "Compared with version 0: 3 added."
