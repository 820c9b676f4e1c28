"""A dry run: what a sync would do, without doing it."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from repos import chain, dry_run, freshness, jobs, lagging, leftovers, would
from repos.actions import DRY_RUN, SYNC_ONLY, Actions
from repos.errors.refusals import Refused
from repos.finding import Findings
from repos.last_runs import last_runs
from repos.models import Artifact, DryRun, Job, Repository, RepositoryVersion, SyncState
from tests.misbehaviour import Status
from tests.running import run, running, until
from tests.terminal import Terminal, call
from tests.upstream import EVERY_FILE, MANIFEST, Upstream


def ask(repository: Repository) -> Job:
    return jobs.request(repository, actions=SYNC_ONLY, details=DRY_RUN).job


def look(repository: Repository) -> Job:
    """Asks for a dry run and runs it here; returns it as it ended."""
    job = ask(repository)
    chain.run(job.pk, "test")
    return Job.objects.select_related("repository", "would").get(pk=job.pk)


def told(job: Job) -> list[tuple[str, str, bool]]:
    return [(one.kind.value, one.path, fetched) for one, fetched in dry_run.differences(job, would.files(job))]


@pytest.fixture
def synced(repository: Repository, upstream: Upstream) -> Repository:
    """A mirror whose upstream has changed since its sync."""
    Repository.objects.update(mirror=True)
    repository.refresh_from_db()
    for name, data in {"same": b"same", "gone": b"gone", "other": b"before", "more": b"m"}.items():
        upstream.write(name, data)
    assert run(repository).state == "completed"
    upstream.remove("gone")
    upstream.write("other", b"afterwards")
    upstream.write("new", b"new")
    upstream.write("copy", b"same")
    upstream.reset_log()
    repository.refresh_from_db()
    return repository


def test_it_works(synced: Repository) -> None:
    job = look(synced)
    assert (job.state, job.error) == ("completed", "")
    found = job.would
    assert (found.base, found.added, found.removed, found.changed) == (1, 2, 1, 1)
    assert (found.fetched_files, found.fetched_bytes) == (2, 13)
    assert found.growth == 3 + 4 - 4 + 4
    assert not found.brake
    assert told(job) == [
        ("added", "copy", False),
        ("removed", "gone", False),
        ("added", "new", True),
        ("changed", "other", True),
    ]
    assert job.outcome == "A sync would add 2 files, remove 1 file, change 1 file, and fetch 2 files (13 B)."


def test_no_file_is_fetched_and_nothing_is_remembered(synced: Repository, upstream: Upstream) -> None:
    before = everything(synced)
    look(synced)
    assert [request.path for request in upstream.requests] == [MANIFEST]
    assert everything(synced) == before


def everything(repository: Repository) -> list[object]:
    repository.refresh_from_db()
    states = list(SyncState.objects.values())
    versions = list(RepositoryVersion.objects.values())
    return [repository.synced_at, states, versions, list(Artifact.objects.order_by("pk").values())]


def test_what_it_says_is_what_a_sync_then_does(synced: Repository) -> None:
    found = look(synced).would
    version = run(synced).version
    assert version is not None
    assert (version.added, version.removed, version.changed) == (found.added, found.removed, found.changed)


def test_a_list_that_has_not_changed_is_not_read(repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    run(repository)
    job = look(repository)
    assert (job.would.added, job.would.fetched_bytes) == (0, 0)
    assert job.outcome == "A sync would change nothing."
    assert [one.state for one in job.reports.all()] == ["completed", "skipped"]
    assert told(job) == []


def test_the_first_one_finds_all_files(repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    upstream.write("b", b"1")
    found = look(repository).would
    assert (found.base, found.added, found.fetched_files, found.fetched_bytes) == (0, 2, 1, 1)


def test_an_additive_repository_keeps_what_vanished(synced: Repository) -> None:
    Repository.objects.update(mirror=False)
    job = look(synced)
    assert job.would.removed == 0
    assert job.outcome.endswith("13 B). 1 file vanished upstream and would be kept.")


def test_it_says_whether_the_brake_would_stop_the_sync(synced: Repository) -> None:
    Repository.objects.update(brake=0)
    job = look(synced)
    assert job.would.brake
    assert job.outcome.endswith(" The brake would stop it.")
    assert (job.state, job.would_remove) == ("completed", None)


def test_what_the_list_lacks_is_its_own_failure(synced: Repository, upstream: Upstream) -> None:
    upstream.fail(MANIFEST, Status(404))
    job = look(synced)
    assert job.state == "failed"
    assert not DryRun.objects.exists()


def test_it_is_no_run_that_tells_how_the_repository_is(synced: Repository, upstream: Upstream) -> None:
    last = Job.objects.get()
    upstream.fail(MANIFEST, Status(404))
    assert look(synced).state == "failed"
    waiting = ask(synced)
    telling = list(Job.objects.telling([synced.pk]))
    assert telling == [last]
    assert freshness.freshness(synced, telling) == freshness.FRESH
    assert last_runs([synced.pk], 9)[synced.pk][-1].pk == last.pk
    lagging.look(found := Findings(), 10)
    assert not found
    assert waiting.is_active


def test_it_does_not_count_as_a_later_sync_that_got_every_file(repository: Repository, upstream: Upstream) -> None:
    upstream.write("a", b"1")
    upstream.fail(EVERY_FILE, Status(404))
    failed = run(repository)
    look(repository)
    assert not jobs.retry(failed).joined


def test_it_waits_in_line_and_an_identical_one_is_joined(synced: Repository) -> None:
    first = ask(synced)
    run_after = jobs.request(synced).job
    assert jobs.request(synced, actions=SYNC_ONLY, details=DRY_RUN).joined
    assert not jobs.request(synced, actions=SYNC_ONLY).joined
    assert list(Job.objects.in_the_way_of(run_after)) == [first]


def test_run_again_it_is_dry_again(synced: Repository) -> None:
    assert jobs.again(look(synced)).job.dry_run


def test_it_can_be_canceled(synced: Repository, upstream: Upstream) -> None:
    job, gate = ask(synced), upstream.hold(MANIFEST)
    with running(job):
        until(gate.reached.is_set)
        jobs.cancel(job)
    gate.release()
    assert Job.objects.get(pk=job.pk).state == "canceled"
    assert not DryRun.objects.exists()


def test_it_does_nothing_but_sync(synced: Repository) -> None:
    with pytest.raises(Refused, match="A dry run tells what a sync would do"):
        jobs.request(synced, actions=Actions(), details=DRY_RUN)
    Repository.objects.update(remote=None, mirror=False)
    synced.refresh_from_db()
    with pytest.raises(Refused, match="has no remote to sync from"):
        ask(synced)


# ---- its files ----


def test_only_the_newest_keeps_its_files(synced: Repository) -> None:
    first, second = look(synced), look(synced)
    assert (would.is_there(first), would.is_there(second)) == (False, True)
    assert DryRun.objects.count() == 2
    with pytest.raises(FileNotFoundError):
        would.page(first)


def test_a_clean_up_takes_files_of_which_nobody_knows(synced: Repository, data: Path) -> None:
    job = look(synced)
    (stray := data / "dry_runs" / "4711.sqlite3").write_bytes(b"")
    assert would.orphans() == [stray]
    assert stray in leftovers.folders(job.requested_at.replace(year=2999))
    Job.objects.filter(pk=job.pk).delete()
    assert len(would.orphans()) == 2


def test_its_files_are_asked_for_by_kind_by_path_and_in_pages(synced: Repository) -> None:
    job = look(synced)
    assert [one.path for one in would.page(job, kind="added").files] == ["copy", "new"]
    assert [one.path for one in would.page(job, q="OP").files] == ["copy"]
    assert [one.path for one in would.page(job, q="_").files] == []
    first = would.page(job, limit=3)
    assert (len(first.files), first.after) == (3, "new")
    assert [one.path for one in would.page(job, after=first.after).files] == ["other"]


def test_a_search_through_too_much_goes_on_from_where_it_stopped(
    synced: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(would, "MOST", 2)
    found = would.page(look(synced), q="other")
    assert (found.files, found.after, found.partly) == ([], "gone", True)


# ---- the terminal ----


def test_a_terminal_says_what_a_sync_would_do(synced: Repository) -> None:
    status, said = call("sync", "files", "--dry-run", out=Terminal())
    assert status == 0
    assert "A sync would add 2 files, remove 1 file, change 1 file" in said
    assert said.splitlines()[-4:] == ["+ copy  4 B", "- gone  4 B", "+ new  3 B", "~ other  6 B → 10 B"]
    assert synced.latest_version().number == 1


def test_a_terminal_tells_it_from_a_sync(synced: Repository) -> None:
    look(synced)
    assert "sync --dry-run" in call("job", "list")[1]


def test_a_pipe_gets_the_files_alone(synced: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync", "files", "--dry-run", "--limit", "2")
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(mark, path, old, new) for mark, path, _, old, _, new in lines] == [
        ("+", "copy", "", "4"),
        ("-", "gone", "4", ""),
    ]


def test_a_program_gets_one_object(synced: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync", "files", "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["added"], told["fetched_bytes"], told["brake"]) == (1, 2, 13, False)
    assert [one["kind"] for one in told["files"]] == ["added", "removed", "added", "changed"]


@pytest.mark.parametrize("option", ["--publish", "--distribute", "--only-sync", "--remove-up-to=3"])
def test_what_changes_something_does_not_go_with_it(synced: Repository, option: str) -> None:
    status, said = call("sync", "files", "--dry-run", option)
    assert (status, "changes nothing" in said) == ((0, False) if option == "--only-sync" else (2, True))


def test_its_options_do_not_go_without_it(synced: Repository) -> None:
    assert call("sync", "files", "--json")[0] == 2
