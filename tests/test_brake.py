"""The safety brake of mirrors: what would remove too much stops before a version is made, and asks."""

import contextlib
import os
import pty
import subprocess

import pytest
from django.test import Client

from repos import chain, jobs
from repos.errors.refusals import Refused
from repos.models import Job, Repository
from tests.running import PATIENCE, files, run, served
from tests.serving import MANAGE, Millrace
from tests.upstream import MANIFEST, Upstream


@pytest.fixture
def mirror(repository: Repository, upstream: Upstream) -> Repository:
    """A mirror with ten files, all served."""
    repository.mirror = True
    repository.save()
    for number in range(10):
        upstream.write(f"{number}.txt", b"%d" % number)
    assert run(repository).state == "completed"
    return repository


def remove(upstream: Upstream, count: int) -> None:
    for number in range(count):
        upstream.remove(f"{number}.txt")


def test_it_works(mirror: Repository, upstream: Upstream) -> None:
    remove(upstream, 6)
    job = run(mirror)
    assert (job.state, job.error_code, job.would_remove) == ("failed", "brake", 6)
    what = f"The sync with the list at {upstream.manifest_url} would remove 6 of 10 files"
    assert job.error.startswith(f"{what} (“0.txt”, “1.txt”, “2.txt”, …). ")
    assert mirror.latest_version().number == 1
    confirmed = jobs.confirm(job).job
    chain.run(confirmed.pk, "test")
    assert Job.objects.get(pk=confirmed.pk).state == "completed"
    assert served("files") == upstream.files
    assert len(upstream.files) == 4


@pytest.mark.parametrize(("brake", "removed", "stopped"), [(50, 5, False), (50, 6, True), (0, 1, True), (90, 9, False)])
def test_the_limit_is_a_percentage_of_the_files_that_are_there(
    mirror: Repository, upstream: Upstream, brake: int, removed: int, stopped: bool
) -> None:
    Repository.objects.update(brake=brake)
    remove(upstream, removed)
    assert (run(mirror).error_code == "brake") == stopped


def test_an_empty_list_asks_whatever_the_limit(mirror: Repository, upstream: Upstream) -> None:
    Repository.objects.update(brake=100)
    upstream.manifest = b"\n"
    job = run(mirror)
    assert (job.error_code, job.would_remove) == ("brake", 10)
    assert job.error.startswith(f"The list at {upstream.manifest_url} is empty: the sync would remove 10 of 10 files")
    assert len(served("files") or {}) == 10
    chain.run(jobs.confirm(job).job.pk, "test")
    assert files(mirror.latest_version()) == {}


def test_what_changes_is_not_removed(mirror: Repository, upstream: Upstream) -> None:
    for number in range(10):
        upstream.write(f"{number}.txt", b"other")
    assert run(mirror).state == "completed"


def test_an_additive_repository_needs_no_brake(mirror: Repository, upstream: Upstream) -> None:
    Repository.objects.update(mirror=False)
    remove(upstream, 9)
    assert run(mirror).state == "completed"
    assert mirror.latest_version().files == 10


def test_nothing_is_fetched_before_it_asks(mirror: Repository, upstream: Upstream) -> None:
    remove(upstream, 9)
    upstream.write("new.txt", b"new")
    upstream.reset_log()
    assert run(mirror).error_code == "brake"
    assert [request.path for request in upstream.requests] == [MANIFEST]


def test_a_confirmation_is_for_so_many_files_and_no_more(mirror: Repository, upstream: Upstream) -> None:
    remove(upstream, 6)
    confirmed = jobs.confirm(run(mirror)).job
    remove_more = [f"{number}.txt" for number in (6, 7)]
    for path in remove_more:
        upstream.remove(path)
    chain.run(confirmed.pk, "test")
    confirmed.refresh_from_db()
    assert (confirmed.error_code, confirmed.would_remove) == ("brake", 8)


def test_two_confirmations_are_one_job(mirror: Repository, upstream: Upstream) -> None:
    remove(upstream, 6)
    job = run(mirror)
    first, second = jobs.confirm(job), jobs.confirm(job)
    assert (first.joined, second.joined) == (False, True)
    assert first.job == second.job


def test_a_confirmed_run_is_not_the_unconfirmed_one(mirror: Repository, upstream: Upstream) -> None:
    remove(upstream, 6)
    job = run(mirror)
    plain = jobs.request(mirror)
    assert not plain.joined
    assert jobs.confirm(job).job != plain.job


def test_what_the_brake_did_not_stop_cannot_be_confirmed(mirror: Repository) -> None:
    with pytest.raises(Refused, match="not stopped by the brake"):
        jobs.confirm(run(mirror))


def test_a_confirmation_that_comes_too_late_is_refused(mirror: Repository, upstream: Upstream) -> None:
    remove(upstream, 6)
    job = run(mirror)
    for number in range(6):
        upstream.write(f"{number}.txt", b"back")
    assert run(mirror).state == "completed"
    with pytest.raises(Refused, match="has changed since job"):
        jobs.confirm(job)


def test_a_confirmation_that_comes_too_late_leads_to_the_repository(
    mirror: Repository, upstream: Upstream, admin_client: Client
) -> None:
    remove(upstream, 6)
    job = run(mirror)
    for number in range(6):
        upstream.write(f"{number}.txt", b"back")
    run(mirror)
    answer = admin_client.post(f"/jobs/{job.pk}/confirm/")
    assert answer.status_code == 409
    assert f'see what it would remove now. <a href="/repositories/{mirror.pk}/">' in answer.content.decode()


def test_the_job_page_asks(mirror: Repository, upstream: Upstream, admin_client: Client) -> None:
    remove(upstream, 6)
    job = run(mirror)
    page = admin_client.get(f"/jobs/{job.pk}/").content.decode()
    assert "Let it remove 6\N{NO-BREAK SPACE}files" in page
    # It names a few of them; a dry run shows all.
    assert f'action="/repositories/{mirror.pk}/dry-run/"' in page
    answer = admin_client.post(f"/jobs/{job.pk}/confirm/")
    made = Job.objects.latest("pk")
    assert answer.headers["Location"] == f"/jobs/{made.pk}/"
    assert made.may_remove == 6
    assert "may remove 6\N{NO-BREAK SPACE}files" in admin_client.get(f"/jobs/{made.pk}/").content.decode()


def test_the_job_page_says_that_it_is_too_late(mirror: Repository, admin_client: Client) -> None:
    answer = admin_client.post(f"/jobs/{run(mirror).pk}/confirm/")
    assert answer.status_code == 409
    assert "not stopped by the brake" in answer.content.decode()


@pytest.fixture
def terminal_mirror(millrace: Millrace, upstream: Upstream) -> Millrace:
    """A mirror made in a terminal, whose upstream has then lost six of its ten files."""
    for number in range(10):
        upstream.write(f"{number}.txt", b"%d" % number)
    assert millrace.manage("mirror", upstream.url, "docs", "docs", "--mode", "mirror").returncode == 0
    remove(upstream, 6)
    return millrace


def newest_version(millrace: Millrace) -> int:
    return int(millrace.query("SELECT max(number) FROM repos_repositoryversion")[0][0])


@pytest.mark.any_database
@pytest.mark.server
def test_a_script_is_told_what_to_say(terminal_mirror: Millrace) -> None:
    stopped = terminal_mirror.manage("sync", "docs")
    assert stopped.returncode == 3
    assert "manage.py sync docs --remove-up-to 6" in stopped.stderr
    assert terminal_mirror.manage("sync", "docs", "--remove-up-to", "5").returncode == 3
    assert terminal_mirror.manage("sync", "docs", "--remove-up-to", "-1").returncode == 2
    assert newest_version(terminal_mirror) == 1
    assert terminal_mirror.manage("sync", "docs", "--remove-up-to", "6").returncode == 0
    assert newest_version(terminal_mirror) == 2


@pytest.mark.any_database
@pytest.mark.server
@pytest.mark.parametrize(("said", "status", "version"), [("n", 3, 1), ("y", 0, 2)])
def test_a_person_is_asked(terminal_mirror: Millrace, said: str, status: int, version: int) -> None:
    person, terminal = pty.openpty()
    process = subprocess.Popen(
        [*MANAGE, "sync", "docs"], env=terminal_mirror.env(), stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(person, 4096)
    os.write(person, said.encode() + b"\n")
    with contextlib.suppress(OSError):
        while os.read(person, 4096):
            pass
    assert process.wait(PATIENCE) == status
    os.close(person)
    assert newest_version(terminal_mirror) == version
