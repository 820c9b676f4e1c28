"""`manage.py repository` and `manage.py publication`: made, changed, looked at, deleted."""

import pytest
from pytest_django import DjangoAssertNumQueries

from repos import remotes
from repos.models import Distribution, Job, Publication, Remote, Repository, RepositoryVersion
from tests import factories
from tests.terminal import call, rows

pytestmark = [pytest.mark.usefixtures("transactional_db", "bell"), pytest.mark.any_database]


def facts(*arguments: str) -> dict[str, str]:
    return {row[0]: row[1] for row in rows(*arguments)}


def test_it_works() -> None:
    made = call(
        "repository", "create", "docs", "--url", "http://up.example/", "--base-path", "docs", "--mode", "mirror"
    )
    assert made == (0, "Made repository “docs” (mirror).\n")
    assert facts("repository", "show", "docs") == {
        "name": "docs",
        "mode": "mirror",
        "brake": "50",
        "remote": "docs",
        "url": "http://up.example/",
        "auto-publish": "yes",
        "auto-distribute": "yes",
        "skip-failed": "no",
        "stale-days": "7",
        "keep-versions": "",
        "keep-days": "",
        "synced": "",
        "manifest": "PULP_MANIFEST",
        "checksums": "",
        "version": "0",
        "files": "0",
        "size": "0",
        "failed-files": "0",
        "followed-at": "docs",
    }
    assert not Job.objects.exists(), "nothing is run yet"
    kept = ("--keep-versions", "3", "--keep-days", "30", "--stale-days", "none", "--skip-failed")
    assert call("repository", "edit", "docs", *kept)[0] == 0
    shown = facts("repository", "show", "docs")
    assert [shown[name] for name in ("keep-versions", "keep-days", "stale-days", "skip-failed")] == [
        "3",
        "30",
        "",
        "yes",
    ]
    assert call("repository", "edit", "docs", "--keep-versions", "none", "--no-skip-failed")[0] == 0
    shown = facts("repository", "show", "docs")
    assert (shown["keep-versions"], shown["keep-days"], shown["skip-failed"]) == ("", "30", "no")
    status, said = call("repository", "edit", "docs", "--stale-days", "0")
    assert (status, "stale-days: Give a whole number of days from 1 to 100,000, or none at all." in said) == (2, True)
    edited = call("repository", "edit", "docs", "--name", "books", "--mode", "additive", "--no-auto-distribute")
    assert edited[0] == 0
    assert rows("repository", "list") == [["books", "additive", "http://up.example/", "0", "0", "0", "0"]]
    assert call("repository", "delete", "books", "--with-remote", "--yes")[0] == 0
    assert (Repository.objects.count(), Remote.objects.count(), Distribution.objects.count()) == (0, 0, 0)


def test_without_an_upstream_its_files_are_uploaded() -> None:
    assert call("repository", "create", "tools", "--manifest", "", "--checksums", "SHA256SUMS")[0] == 0
    made = Repository.objects.get()
    assert (made.remote, made.mirror, str(made.publish_settings)) == (None, False, "SHA256SUMS")


def test_it_can_have_a_remote_that_is_there() -> None:
    remote = remotes.make(name="upstream", url="http://up.example/")
    assert call("repository", "create", "one", "--remote", "upstream", "--brake", "10", "--no-auto-distribute")[0] == 0
    made = Repository.objects.get()
    assert (made.remote, made.brake, made.auto_publish, made.auto_distribute) == (remote, 10, True, False)


def test_what_is_not_named_stays_as_it_is() -> None:
    remote = remotes.make(name="upstream", url="http://up.example/")
    call("repository", "create", "one", "--brake", "10", "--no-auto-publish", "--no-auto-distribute")
    call("repository", "edit", "one", "--remote", "upstream")
    made = Repository.objects.get()
    assert (made.remote, made.brake, made.auto_publish) == (remote, 10, False)
    call("repository", "edit", "one", "--no-remote", "--auto-publish")
    made.refresh_from_db()
    assert (made.remote, made.brake, made.auto_publish) == (None, 10, True)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["create", "files"], "already a repository called “files”"),
        (["create", " "], "A name has 1 to 200 characters"),
        (["create", "new", "--mode", "mirror"], "mirror: A mirror is exactly its upstream, so it needs one."),
        (["create", "new", "--brake", "101"], "brake: The brake is a percentage."),
        (["create", "new", "--no-auto-publish"], "auto-distribute: Only what is published can be distributed."),
        (["create", "new", "--remote", "nothing"], "There is no remote called “nothing”"),
        (["create", "new", "--url", "http://ada:hush@host/"], "has a user name or a password in it"),
        (["create", "new", "--base-path", "files/below"], "overlaps with the distribution at “files”"),
        (["create", "new", "--checksums", "a/b"], "checksums: The file lies at the top"),
        (["show", "nothing"], "There is no repository called “nothing”"),
        (["edit", "nothing", "--brake", "1"], "There is no repository called “nothing”"),
        (["edit", "files"], "Say what is to be other"),
        (["edit", "files", "--name", ""], "A name has 1 to 200 characters"),
        (["edit", "files", "--no-remote", "--mode", "mirror"], "mirror: A mirror is exactly its upstream"),
        (["versions", "nothing"], "There is no repository called “nothing”"),
        (["delete", "nothing", "--yes"], "There is no repository called “nothing”"),
        (["delete-version", "files", "7", "--yes"], "“files” has no version 7 any more, or never had."),
        (["delete-version", "files", "0", "--yes"], "Version 0 is the empty one"),
    ],
)
def test_bad_arguments_are_status_2_and_change_nothing(arguments: list[str], answer: str) -> None:
    factories.repository()
    status, said = call("repository", *arguments)
    assert status == 2, said
    assert answer in said
    assert "hush" not in said
    only = Repository.objects.get()
    assert (only.name, only.mirror, only.brake, Distribution.objects.count()) == ("files", False, 50, 1)


def test_upstreams_exclude_each_other() -> None:
    assert call("repository", "create", "one", "--url", "http://up.example/", "--remote", "upstream")[0]
    assert not Repository.objects.exists()


def test_what_is_served_is_not_deleted() -> None:
    factories.serve(factories.repository(), {"a": b"1"})
    status, said = call("repository", "delete", "files", "--yes")
    assert status == 2
    assert "It is served at “files”. Delete what serves it first." in said


def test_a_remote_that_others_use_stays_with_its_repository() -> None:
    made = factories.repository()
    Repository.objects.create(name="other", remote=made.remote, publish_settings=made.publish_settings)
    status, said = call("repository", "delete", "files", "--with-remote", "--yes")
    assert status == 2
    assert "Its remote is used by “other” too" in said
    assert Repository.objects.count() == 2


def test_versions_and_publications_are_listed_and_deleted() -> None:
    repository = factories.repository()
    for changes in ({"a": b"1"}, {"b": b"22"}, {"c": b"3"}):
        factories.serve(repository, changes, days_ago=10)
    first, second, third = Publication.objects.order_by("pk")
    assert [row[:6] for row in rows("repository", "versions", "files")] == [
        ["3", "3", "4", "1", "0", "0"],
        ["2", "2", "3", "1", "0", "0"],
        ["1", "1", "1", "1", "0", "0"],
        ["0", "0", "0", "0", "0", "0"],
    ]
    assert [row[0] for row in rows("repository", "versions", "files", "--last", "1")] == ["3"]
    listed = [(row[0], *row[1:3], row[4]) for row in rows("publication", "list", "files")]
    assert listed[0] == (f"{third.pk}", "3", "PULP_MANIFEST", "files")
    assert listed[2] == (f"{first.pk}", "1", "PULP_MANIFEST", "")
    status, said = call("publication", "delete", f"{first.pk}", "--yes")
    assert status == 0
    assert "goes with it: Its metadata: “PULP_MANIFEST”." in said
    assert call("repository", "delete-version", "files", "2", "--yes")[0] == 0
    assert not Publication.objects.filter(pk=second.pk).exists()
    assert list(RepositoryVersion.objects.values_list("number", flat=True)) == [0, 1, 3]


@pytest.mark.parametrize(
    ("number", "answer"), [("0", "There is no publication 0."), ("{pk}", "It is served at “files”")]
)
def test_a_publication_that_is_served_is_not_deleted(number: str, answer: str) -> None:
    publication = factories.serve(factories.repository(), {"a": b"1"})
    status, said = call("publication", "delete", number.format(pk=publication.pk), "--yes")
    assert status == 2
    assert answer in said
    assert Publication.objects.exists()


@pytest.mark.parametrize("command", [["repository", "list"], ["publication", "list", "files"]])
def test_a_list_takes_as_many_queries_for_many(
    command: list[str], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    repository = factories.repository()
    for number in range(10):
        factories.repository(f"{number}", f"{number}")
        factories.serve(repository, {f"{number}": b""})
    with django_assert_max_num_queries(4):
        assert len(rows(*command)) >= 10
