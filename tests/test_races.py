"""Many at once: see bench/races.py for the real server, and tests/faults/test_rules.py for all rules in all orders."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.test import Client

from bench.ledger import Ledger
from dashboard.forms.publish_settings import EditForm
from repos import deletion, jobs, pool, publish_settings
from repos.create import make_repository
from repos.errors.refusals import Stale
from repos.models import Artifact, Job, PublishSettings, Repository
from tests.harness import SERVERS, figures_of
from tests.running import PATIENCE, files, run, running, served
from tests.serving import Millrace
from tests.upstream import EVERY_FILE, Upstream

NEW = {f"new/{number}": b"%d of the new ones" % number for number in range(40)}
SHARED = {f"shared/{number}": data for number, data in enumerate(list(NEW.values())[10:])}


@pytest.fixture
def other_upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture
def others(repository: Repository, other_upstream: Upstream) -> Repository:
    """Another repository, a mirror of another upstream."""
    return make_repository(url=other_upstream.manifest_url, name="others", base_path="others", mirror=True)


def stored() -> list[str]:
    """The digests of the files that are in the pool, each as often as there is a file of it."""
    return sorted(file.name for file in pool.path("00").parent.parent.glob("*/*"))


def both_at_once(*which: tuple[Repository, Upstream]) -> list[Job]:
    """Runs both when both have seen that the files are missing, and have asked for them."""
    requested = [jobs.request(repository).job for repository, _ in which]
    gates = [upstream.hold(EVERY_FILE) for _, upstream in which]
    with ExitStack() as stack:
        for job in requested:
            stack.enter_context(running(job))
        assert all(gate.reached.wait(PATIENCE) for gate in gates)
        for gate in gates:
            gate.release()
    return [Job.objects.get(pk=job.pk) for job in requested]


def test_two_that_sync_the_same_new_files_at_once_store_them_once(
    repository: Repository, others: Repository, upstream: Upstream, other_upstream: Upstream
) -> None:
    for path, data in NEW.items():
        upstream.write(path, data)
    for path, data in SHARED.items():
        other_upstream.write(path, data)
    ended = both_at_once((repository, upstream), (others, other_upstream))
    assert [(job.state, job.error) for job in ended] == [("completed", "")] * 2
    assert (files(repository.latest_version()), files(others.latest_version())) == (NEW, SHARED)
    assert (served("files"), served("others")) == (NEW, SHARED)
    known = list(Artifact.objects.order_by("sha256").values_list("sha256", flat=True))
    assert stored() == known
    assert len(known) == len(NEW) + 2, "the files, and a manifest for each of the two"


def test_what_one_has_stored_the_other_fetches_no_more(
    repository: Repository, others: Repository, upstream: Upstream, other_upstream: Upstream
) -> None:
    for path, data in NEW.items():
        upstream.write(path, data)
        other_upstream.write(path, data)
    assert [run(repository).state, run(others).state] == ["completed"] * 2
    assert [one.path for one in other_upstream.requests] == ["PULP_MANIFEST"]
    assert files(others.latest_version()) == NEW


def opened(settings: PublishSettings, checksums: str) -> EditForm:
    """The form of these settings as two people may send it in the same moment: neither has stored anything yet."""
    users = " ".join(str(one.pk) for one in settings.repositories.order_by("pk"))
    data = {"manifest": "PULP_MANIFEST", "checksums": checksums, "users": users}
    form = EditForm(data, settings=settings, repository=None, opened_on=settings.pk)
    assert form.is_valid()
    assert not form.stale
    return form


def test_of_two_edits_of_the_same_settings_only_one_is_taken(repository: Repository, others: Repository) -> None:
    settings = repository.publish_settings
    forms = [opened(settings, "SHA256SUMS"), opened(settings, "CHECKSUM")]
    publish_settings.change(settings, repositories=forms[0].repositories, **forms[0].publish_values())
    with pytest.raises(Stale):
        publish_settings.change(settings, repositories=forms[1].repositories, **forms[1].publish_values())
    assert {one.publish_settings.checksums for one in Repository.objects.all()} == {"SHA256SUMS"}


@pytest.mark.parametrize("page", ["", "edit/", "delete/", "running/", "upload/", "add/", "remove/", "files/"])
def test_a_repository_that_is_being_deleted_is_no_mistake_of_ours(
    repository: Repository, admin_client: Client, page: str
) -> None:
    """Its deletion takes its versions first, and may take a while."""
    deletion._take_apart(repository, with_remote=True)
    assert admin_client.get(f"/repositories/{repository.pk}/{page}").status_code in (200, 302, 404)
    assert admin_client.get(f"/storage/{repository.pk}/{page and 'versions/'}").status_code in (200, 404)


# ---- the real server ----


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("edits", "last", "lost"),
    [
        ([("7", "8"), ("8", "9")], "9", False),
        ([("8", "9"), ("7", "8")], "9", False),
        ([("7", "8"), ("7", "9")], "9", True),
        ([("7", "8"), ("8", "9")], "8", True),
        ([("7", "8")], "7", True),
    ],
)
def test_the_ledger_finds_a_lost_edit(edits: list[tuple[str, str]], last: str, lost: bool) -> None:
    ledger = Ledger()
    for before, after in edits:
        ledger.edited(("stale_days", 1), before, after)
    assert bool(list(ledger.lost({"stale_days": "7"}, {("stale_days", 1): last}))) == lost


@pytest.mark.server
@pytest.mark.any_database
def test_a_few_people_at_a_real_server(started_once: Millrace, tmp_path: Path) -> None:
    shutil.copytree(started_once.data, tmp_path / "home/data")
    figures = figures_of("bench.races", "--seconds", "1.5", "--clients", "3", "--home", str(tmp_path / "home"))
    assert figures["violations"] == 0
    assert figures["jobs"]["completed"] > 3


@pytest.mark.faults
@pytest.mark.parametrize("server", SERVERS)
def test_twenty_people_for_a_minute(server: str) -> None:
    figures = figures_of("bench.races", "--database", server)
    assert figures["violations"] == 0
    assert min(figures["sets"], figures["acknowledged"]) > 20
