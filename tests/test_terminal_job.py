"""`manage.py job`: looked at, canceled, asked for again."""

import subprocess
import sys

import pytest
from pytest_django import DjangoAssertNumQueries

from repos import chain, jobs
from repos.actions import Actions
from repos.models import Job, Repository
from tests.misbehaviour import Status
from tests.running import run, served
from tests.serving import MANAGE, Millrace
from tests.terminal import call, rows
from tests.upstream import Upstream

pytestmark = pytest.mark.any_database


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    for name in "abcd":
        upstream.write(name, name.encode())
    return upstream


def facts(job: Job) -> dict[str, str]:
    return {row[0]: row[1] for row in rows("job", "show", f"{job.pk}") if len(row) == 2}


def test_it_works(stocked: Upstream, repository: Repository) -> None:
    first = run(repository, publish=False, distribute=False)
    second = run(repository)
    listed = rows("job", "list")
    assert [row[:4] for row in listed] == [
        [f"{second.pk}", "files", "sync publish distribute", "completed"],
        [f"{first.pk}", "files", "sync", "completed"],
    ]
    assert rows("job", "list", "files", "--last", "1") == listed[:1]
    shown = facts(second)
    assert (shown["state"], shown["switched"], shown["error"]) == ("completed", "files", "")
    assert facts(first)["version"] == "1"
    assert "publish    Writing PULP_MANIFEST: 4" in call("job", "show", f"{second.pk}")[1]


def test_failed_files_are_told_with_what_to_do(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    stocked.fail("c", Status(404))
    job = run(repository)
    status, said = call("job", "show", f"{job.pk}")
    assert status == 0
    assert f"  b: there is no such file (404) ({stocked.url}b, 1 try)\n" in said
    assert said.count("\n    The list names a file that is not there") == 1, "once for all of this cause"
    assert facts(job)["state"] == "failed"


def test_the_same_is_asked_for_again(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    job = run(repository)
    status, said = call("job", "again", f"{job.pk}")
    assert status == 1
    stocked.heal()
    status, said = call("job", "again", f"{job.pk}")
    assert status == 0, said
    assert served("files") == stocked.files


def test_what_the_brake_stopped_is_confirmed(stocked: Upstream, repository: Repository) -> None:
    Repository.objects.update(mirror=True)
    repository.refresh_from_db()
    run(repository)
    for name in "abc":
        stocked.remove(name)
    stopped = run(repository)
    assert call("job", "again", f"{stopped.pk}")[0] == 3
    assert call("job", "confirm", f"{Job.objects.latest('pk').pk}")[0] == 0
    assert served("files") == {"d": b"d"}
    status, said = call("job", "confirm", f"{stopped.pk}")
    assert status == 2
    assert "has changed since job" in said


def test_a_waiting_job_is_canceled_at_once(repository: Repository) -> None:
    job = jobs.request(repository).job
    assert call("job", "cancel", f"{job.pk}") == (0, f"Job {job.pk} is canceled.\n")
    assert call("job", "cancel", f"{job.pk}") == (0, f"Job {job.pk} is canceled: there is nothing to cancel.\n")
    assert facts(job)["state"] == "canceled"


def test_a_running_job_is_told_to_stop(repository: Repository) -> None:
    job = jobs.request(repository).job
    chain.claim(job.pk, "test")
    assert call("job", "cancel", f"{job.pk}") == (0, f"Job {job.pk} is told to stop.\n")
    job.refresh_from_db()
    assert job.cancel_requested_at


@pytest.mark.parametrize("verb", ["show", "cancel", "again", "confirm"])
def test_an_unknown_job_is_status_2(repository: Repository, verb: str) -> None:
    assert call("job", verb, "99999") == (2, "There is no job 99999.")


def test_what_was_not_stopped_by_the_brake_is_not_confirmed(stocked: Upstream, repository: Repository) -> None:
    job = run(repository)
    status, said = call("job", "confirm", f"{job.pk}")
    assert status == 2
    assert "was not stopped by the brake" in said


def test_a_list_takes_as_many_queries_for_many(
    repository: Repository, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        job = jobs.request(repository, actions=Actions(True, False, False)).job
        jobs.cancel(job)
    with django_assert_max_num_queries(2):
        assert len(rows("job", "list")) == 10


def test_a_terminal_needs_no_server_and_says_wrong_verbs_with_status_2(new_millrace: Millrace) -> None:
    assert new_millrace.manage("repository", "create", "tools", "--base-path", "tools").returncode == 0
    listed = new_millrace.manage("repository", "list")
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "tools\tadditive\t\t0\t0\t0\t0\n", "")
    for wrong in (
        ["repository"],
        ["repository", "paint"],
        ["job", "show"],
        ["sync", "tools", "--only-sync", "--publish"],
    ):
        answer = new_millrace.manage(*wrong)
        assert answer.returncode == 2
        assert "usage: manage.py" in answer.stderr
    assert new_millrace.manage("job", "show", "1").returncode == 2


@pytest.mark.any_database
@pytest.mark.parametrize("noun", ["job", "distribution", "publish_settings"])
def test_who_only_looks_does_not_wait_for_what_is_not_needed(millrace: Millrace, noun: str) -> None:
    command = [sys.executable, "-X", "importtime", *MANAGE[1:], noun, "list"]
    looked = subprocess.run(command, env=millrace.env(), capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in looked.stderr.splitlines()}
    assert "repos.models.job" in imported
    assert not imported & {"requests", "cryptography", "huey", "rich", "dashboard.views.repositories"}
