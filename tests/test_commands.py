"""The terminal: the same verbs, run here where there is no server."""

from datetime import timedelta
from io import StringIO
from threading import Thread

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from repos import chain, jobs
from repos.actions import Actions
from repos.create import make_repository
from repos.management import display
from repos.models import Distribution, Job, ProgressReport, Publication, Repository, Worker
from tests.misbehaviour import Status
from tests.running import PATIENCE, run, running, served, until
from tests.terminal import Terminal, call
from tests.upstream import MANIFEST, Upstream

pytestmark = pytest.mark.usefixtures("transactional_db", "bell")


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    upstream.write("a", b"1")
    upstream.write("b", b"2")
    return upstream


def test_it_works(stocked: Upstream) -> None:
    status, said = call("mirror", stocked.url, "files", "some/files")
    assert status == 0
    assert "Made repository “files” (additive)." in said
    assert f"Job {Job.objects.get().pk} completed in" in said
    assert "version 1, now served at /content/some/files/." in said
    assert served("some/files") == stocked.files


def test_an_unchanged_upstream_is_no_failure(stocked: Upstream) -> None:
    call("mirror", stocked.url, "files", "files")
    status, said = call("sync", "files")
    assert status == 0
    assert "nothing was new" in said


def test_mirror_mode_is_chosen_by_an_option(stocked: Upstream) -> None:
    call("mirror", stocked.url, "files", "files", "--mode", "mirror")
    assert Repository.objects.get().mirror


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ([], ("PULP_MANIFEST", "")),
        (["--checksums", "SHA256SUMS"], ("PULP_MANIFEST", "SHA256SUMS")),
        (["--manifest", "", "--checksums", "sums"], ("", "sums")),
    ],
)
def test_publish_settings_are_chosen_by_options(stocked: Upstream, options: list[str], values: tuple[str, str]) -> None:
    assert call("mirror", stocked.url, "files", "files", *options)[0] == 0
    settings = Repository.objects.get().publish_settings
    assert (settings.manifest, settings.checksums) == values
    assert Publication.objects.get().settings == settings


@pytest.mark.parametrize(
    ("option", "publications", "is_served"),
    [("--only-sync", 0, False), ("--no-distribute", 1, False)],
)
def test_sync_does_less_when_asked(
    stocked: Upstream, repository: Repository, option: str, publications: int, is_served: bool
) -> None:
    assert call("sync", "files", option)[0] == 0
    assert Publication.objects.count() == publications
    assert (served("files") is not None) == is_served


def test_publish_and_distribute_go_on_from_there(stocked: Upstream, repository: Repository) -> None:
    call("sync", "files", "--only-sync")
    assert call("publish", "files")[0] == 0
    assert (Publication.objects.count(), served("files")) == (1, None)
    assert call("distribute", "files")[0] == 0
    assert served("files") == stocked.files


def test_a_failed_job_is_status_1_and_names_the_files(stocked: Upstream, repository: Repository) -> None:
    stocked.fail("b", Status(404))
    status, said = call("sync", "files")
    assert status == 1
    assert f"b: there is no such file (404) ({stocked.url}b, 1 try)" in said
    assert f"Job {Job.objects.get().pk} failed after" in said


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["sync", "nothing"], "There is no repository called “nothing” in"),
        (["mirror", "ftp://host/", "name", "path"], "must begin with http:// or https://"),
        (["mirror", "http://user:pass@host/", "name", "path"], "has a user name or a password in it"),
        (["mirror", "http://host/", "name", "../path"], "has an empty part, “.” or “..”"),
        (["mirror", "http://host/", "files", "other"], "already a repository called “files”"),
        (["mirror", "http://host/", "name", "files/below"], "overlaps with the distribution at “files”"),
        (["mirror", "http://host/", "name", "path", "--checksums", "a/b"], "without a folder"),
        (["mirror", "http://host/", "name", "path", "--checksums", "PULP_MANIFEST"], "cannot be two files"),
    ],
)
def test_bad_arguments_are_status_2_and_change_nothing(
    repository: Repository, arguments: list[str], answer: str
) -> None:
    status, said = call(*arguments)
    assert status == 2
    assert answer in said
    assert (Repository.objects.count(), Distribution.objects.count(), Job.objects.count()) == (1, 1, 0)


def test_a_refused_run_is_status_2(repository: Repository) -> None:
    Distribution.objects.all().delete()
    status, said = call("sync", "files")
    assert status == 2
    assert "No distribution follows" in said


def test_an_identical_job_of_a_worker_that_is_alive_is_followed(stocked: Upstream, repository: Repository) -> None:
    Worker.objects.create(name="server", pid=1, threads=1)
    job = jobs.request(repository).job
    gate = stocked.hold(MANIFEST)
    said = StringIO()

    def let_go_when_followed() -> None:
        until(lambda: f"Job {job.pk} does the same already" in said.getvalue())
        gate.release()

    with running(job):
        assert gate.reached.wait(PATIENCE)
        thread = Thread(target=let_go_when_followed)
        thread.start()
        assert call("sync", "files", out=said)[0] == 0
        thread.join()
    assert Job.objects.get().worker == "test"


def test_an_identical_job_of_the_dead_is_taken_up(
    stocked: Upstream, repository: Repository, settings: Settings
) -> None:
    settings.MILLRACE_SILENCE_SECONDS = 0.5
    job = jobs.request(repository).job
    chain.claim(job.pk, "a terminal that was killed")
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    status, said = call("sync", "files")
    assert status == 0
    assert f"Job {job.pk} completed" in said
    assert served("files") == stocked.files


def test_a_publication_is_something_new(stocked: Upstream, repository: Repository) -> None:
    call("sync", "files", "--only-sync")
    assert "published version 1." in call("publish", "files")[1]
    assert "nothing was new" in call("publish", "files")[1]


def test_what_waits_before_it_is_run_first(stocked: Upstream, repository: Repository) -> None:
    earlier = jobs.request(repository, actions=Actions(True, False, False)).job
    assert call("sync", "files")[0] == 0
    earlier.refresh_from_db()
    assert earlier.state == "completed"
    assert earlier.pk < Job.objects.latest("pk").pk


def test_a_job_that_waits_says_for_which(repository: Repository) -> None:
    first = jobs.request(repository, actions=Actions(True, False, False)).job
    second = jobs.request(repository).job
    out = StringIO()
    lines = display.Lines(out)
    lines.show(second)
    lines.show(second)
    assert out.getvalue() == f"waiting for job {first.pk} (files)\n"


def test_amounts_are_told_in_their_units() -> None:
    report = ProgressReport(done=3412, total=10000, bytes_done=35_200_000, bytes_total=120_000_000, rate=12_100_000)
    assert display.amounts(report) == "3,412 of 10,000, 35.2 MB of 120 MB, 12.1 MB/s"
    report.finished_at = timezone.now()
    report.suffix = "2 failed"
    assert display.amounts(report) == "3,412 of 10,000, 35.2 MB of 120 MB, 2 failed"


def test_on_a_terminal_there_are_bars(repository: Repository, stocked: Upstream) -> None:
    job = run(repository)
    with display.display(Terminal()) as shown:
        shown.show(job)
        assert isinstance(shown, display.Bars)


def test_two_repositories_can_be_made_of_one_upstream(stocked: Upstream) -> None:
    make_repository(url=stocked.url, name="one", base_path="one")
    assert call("mirror", stocked.url, "two", "two")[0] == 0
    until(lambda: served("two") == stocked.files)
