"""`manage.py distribution`: where something is served, and what."""

import sys
from io import StringIO

import pytest
from pytest_django import DjangoAssertNumQueries

from repos.models import Distribution, Job, Publication, PublishSettings, Repository
from tests import factories
from tests.running import served
from tests.terminal import Terminal, call, rows

pytestmark = [pytest.mark.usefixtures("transactional_db", "bell"), pytest.mark.any_database]


@pytest.fixture
def repository() -> Repository:
    """With a version 1 and a version 2, both published, the newest served at `files`."""
    made = factories.repository()
    factories.serve(made, {"a": b"1"})
    factories.serve(made, {"b": b"2"})
    return made


def at(base_path: str) -> tuple[bool, int | None]:
    """Whether it is pinned, and the version that it serves."""
    found = Distribution.objects.get(base_path=base_path)
    return found.pinned, found.publication.version.number if found.publication else None


def test_it_works(repository: Repository) -> None:
    assert call("distribution", "create", "files", "/other/") == (0, "/content/other/ follows “files”: version 2.\n")
    assert (
        call("distribution", "pin", "other", "1", "--note", "2 is broken")[1]
        == "/content/other/ is pinned: version 1.\n"
    )
    assert at("other") == (True, 1)
    assert call("distribution", "move", "other", "there")[1] == "/content/there/ is pinned: version 1.\n"
    assert call("distribution", "follow", "there", "--note", "2 is mended")[0] == 0
    assert at("there") == (False, 2)
    assert [row[1:] for row in rows("distribution", "history", "there")] == [
        ["1", "2", "", "", "2 is mended"],
        ["1", "1", "", "", "base path changed from “other” to “there”"],
        ["2", "1", "", "", "2 is broken"],
        ["", "2", "", "", "follows, now at version 2"],
    ]
    assert call("distribution", "delete", "there", "--yes")[0] == 0
    assert [row[:4] for row in rows("distribution", "list")] == [["files", "files", "follows", "2"]]


def test_what_one_serves_is_promoted_to_another(repository: Repository) -> None:
    call("distribution", "create", "files", "stable", "--pin", "1")
    said = call("distribution", "promote", "stable", "files", "--note", "tested")
    assert said == (0, "/content/stable/ is pinned: version 2.\n")
    newest, *_ = rows("distribution", "history", "stable")
    assert newest[1:] == ["1", "2", "", "", "tested"]


def test_a_list_can_be_of_one_repository(repository: Repository) -> None:
    factories.repository("empty", "nothing/yet")
    assert [row[0] for row in rows("distribution", "list")] == ["files", "nothing/yet"]
    assert rows("distribution", "list", "empty") == [["nothing/yet", "empty", "follows", "", "", "", "open"]]


def test_a_distribution_is_protected_and_opened(repository: Repository) -> None:
    assert call("distribution", "create", "files", "closed", "--protected")[0] == 0
    assert [row[-1] for row in rows("distribution", "list")] == ["protected", "open"]
    status, said = call("distribution", "change", "closed", "--open")
    assert (status, said) == (0, "From /content/closed/ may download: all.\n")
    assert "those who are signed in" in call("distribution", "change", "files", "--protected")[1]
    assert [row[-1] for row in rows("distribution", "list")] == ["open", "protected"]
    assert rows("distribution", "history", "files")[0][1:] == [
        "2",
        "2",
        "",
        "",
        "protected: it takes a sign-in or a token",
    ]
    assert call("distribution", "change", "files")[0] != 0


def test_a_history_has_its_newest_lines_first(repository: Repository) -> None:
    assert [row[2] for row in rows("distribution", "history", "files")] == ["2", "1"]
    assert [row[2] for row in rows("distribution", "history", "files", "--last", "1")] == ["2"]


def test_a_list_takes_as_many_queries_for_many(
    repository: Repository, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(10):
        repository.distributions.create(base_path=f"more/{number}")
    with django_assert_max_num_queries(2):
        assert len(rows("distribution", "list")) == 11


def test_it_can_be_made_pinned(repository: Repository) -> None:
    assert call("distribution", "create", "files", "old", "--pin", "1", "--note", "for ever")[0] == 0
    assert at("old") == (True, 1)


def test_a_version_is_pinned_as_the_repository_publishes_it(repository: Repository) -> None:
    version = repository.versions.get(number=1)
    own = Publication.objects.get(version=version)
    other = PublishSettings.objects.matching(manifest="", checksums="SUMS")
    newer = Publication.objects.create(version=version, settings=other)
    call("distribution", "pin", "files", "1")
    assert Distribution.objects.get().publication == own
    Repository.objects.update(publish_settings=other)
    call("distribution", "pin", "files", "1")
    assert Distribution.objects.get().publication == newer
    Repository.objects.update(publish_settings=PublishSettings.objects.matching(manifest="third"))
    call("distribution", "pin", "files", "1")
    assert Distribution.objects.get().publication == newer, "the newest where its own is none"


def test_a_version_that_is_not_published_says_what_to_do(repository: Repository) -> None:
    factories.version(repository, {"c": b"3"})
    status, said = call("distribution", "pin", "files", "3")
    assert status == 2
    assert "not published. Do that first: manage.py publish files --version 3" in said


def test_it_is_refreshed_to_the_end(repository: Repository) -> None:
    Repository.objects.update(remote=None, auto_publish=False, auto_distribute=False)
    factories.version(repository, {"c": b"3"})
    status, said = call("distribution", "refresh", "files")
    assert status == 0
    assert "now served at /content/files/" in said
    assert served("files") == {"a": b"1", "b": b"2", "c": b"3"}


def test_what_is_deleted_is_said_and_asked_before(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    status, said = call("distribution", "delete", "files", out=Terminal())
    assert status == 1
    assert "stops working: All downloads from “files”, where files version 2 with 2 files is served now." in said
    assert "Nothing was deleted." in said
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert call("distribution", "delete", "files", out=Terminal())[0] == 0
    assert not Distribution.objects.exists()


def test_where_nobody_can_answer_nothing_is_deleted(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("y\n"))
    status, said = call("distribution", "delete", "files")
    assert status == 2
    assert "Say --yes" in said
    assert Distribution.objects.exists()


def test_one_that_a_job_may_move_is_not_deleted(repository: Repository) -> None:
    job = Job.objects.create(
        repository=repository, with_sync=True, with_publish=True, with_distribute=True, request="sync"
    )
    job.reservations.create(resource=f"distribution:{Distribution.objects.get().pk}")
    job.state, job.worker, job.started_at, job.heartbeat_at = "running", "test", job.requested_at, job.requested_at
    job.save()
    status, said = call("distribution", "delete", "files", "--yes")
    assert status == 2
    assert f"Job {job.pk} is running, and may move “files”" in said


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["list", "nothing"], "There is no repository called “nothing”"),
        (["create", "nothing", "path"], "There is no repository called “nothing”"),
        (["create", "files", "files/below"], "overlaps with the distribution at “files”"),
        (["create", "files", "a b"], "has a space in it"),
        (["create", "files", "other", "--pin", "0"], "Version 0 is the empty one"),
        (["create", "files", "other", "--pin", "7"], "has no version 7 any more, or never had"),
        (["move", "nothing", "path"], "There is no distribution at “nothing”."),
        (["move", "files", "../path"], "has an empty part, “.” or “..”"),
        (["pin", "nothing", "1"], "There is no distribution at “nothing”."),
        (["pin", "files", "99999999999999999"], "has no version 99999999999999999"),
        (["pin", "files", "1", "--note", "x" * 501], "A note has 500 characters at most."),
        (["follow", "nothing"], "There is no distribution at “nothing”."),
        (["history", "nothing"], "There is no distribution at “nothing”."),
        (["delete", "nothing", "--yes"], "There is no distribution at “nothing”."),
        (["refresh", "nothing"], "There is no distribution at “nothing”."),
    ],
)
def test_bad_arguments_are_status_2_and_change_nothing(
    repository: Repository, arguments: list[str], answer: str
) -> None:
    status, said = call("distribution", *arguments)
    assert status == 2, said
    assert answer in said
    assert at("files") == (False, 2)
    assert (Distribution.objects.count(), Job.objects.count()) == (1, 0)


def test_a_pinned_one_is_not_refreshed(repository: Repository) -> None:
    call("distribution", "pin", "files", "1")
    status, said = call("distribution", "refresh", "files")
    assert status == 2
    assert "is pinned, so no run moves it" in said
