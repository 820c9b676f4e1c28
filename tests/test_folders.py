"""The folders of a version, a page at a time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from repos import folders
from repos.folders import Listed, listed
from repos.models import Content, RepositoryVersion
from tests import factories

pytestmark = pytest.mark.django_db


def of(*paths: str) -> RepositoryVersion:
    return factories.version(factories.repository(), dict.fromkeys(paths, b"1"))


def names(found: Listed) -> tuple[list[str], list[str]]:
    return found.folders, [one.path for one in found.files]


def all_pages(version: RepositoryVersion, folder: str = "") -> list[str]:
    """The names of all entries, going on to the end."""
    found = listed(version, folder)
    entries = found.folders + [one.path for one in found.files]
    while found.after:
        found = listed(version, folder, after=found.after)
        entries += found.folders + [one.path for one in found.files]
    return entries


def test_it_works() -> None:
    version = of("a", "d/b", "d/e/c", "d/e/d", "z")
    assert names(listed(version)) == (["d/"], ["a", "z"])
    assert names(listed(version, "d/")) == (["e/"], ["d/b"])
    assert names(listed(version, "d/e/")) == ([], ["d/e/c", "d/e/d"])


def test_each_version_has_its_own() -> None:
    repository = factories.repository()
    first = factories.version(repository, {"a/1": b"1", "b/2": b"2", "c": b"3"})
    second = factories.version(repository, {"a/1": None, "c": None, "d/4": b"4"})
    assert names(listed(first)) == (["a/", "b/"], ["c"])
    assert names(listed(second)) == (["b/", "d/"], [])
    assert names(listed(repository.versions.get(number=0))) == ([], [])


def test_a_version_in_the_making_is_not_seen() -> None:
    version = of("a")
    there = Content.objects.get()
    Content.objects.create(repository=version.repository, path="b/new", artifact=there.artifact, added=2)
    assert names(listed(version)) == ([], ["a"])


@pytest.mark.parametrize("folder", ["x/", "a/", "d", "d/e/f/", "/", "\U0010ffff/"])
def test_what_is_no_folder_has_nothing(folder: str) -> None:
    assert listed(of("a", "dd/b"), folder) == Listed([], [])


def test_names_come_in_the_order_of_their_bytes() -> None:
    paths = ["a/x", "a.txt", "a0", "Z", "é/x", "a b/x", "😀", "ﬀ", "_", "%/x", "a-/x", "a/y"]
    found = listed(of(*paths))
    assert found.folders == ["%/", "a b/", "a-/", "a/", "é/"]
    assert [one.path for one in found.files] == sorted((path for path in paths if "/" not in path), key=str.encode)


def test_a_folder_beside_a_file_of_nearly_its_name_is_jumped_over_alone() -> None:
    # Around the slash: what comes before it, and the zero, which comes right behind it.
    version = of("f.x", "f/1", "f/2", "f0", "f0/1", "f/\x7f", "g")
    assert names(listed(version)) == (["f/", "f0/"], ["f.x", "f0", "g"])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_pages_have_each_entry_once(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "ENTRIES", 3)
    paths = [f"top/{n}" if n % 2 else f"top/{n}/deep/{m}" for n in range(count) for m in range(3 if n % 2 == 0 else 1)]
    version = of(*paths, "a", "z")
    expected = {f"top/{n}" if n % 2 else f"{n}/" for n in range(count)}
    found = all_pages(version, "top/")
    assert (len(found), set(found)) == (count, expected)


def test_a_page_has_its_files_with_their_bytes_and_what_is_damaged(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    version = of("a", "b", "c/d")
    with django_assert_num_queries(4):
        shown = [(one.artifact.size, hasattr(one.artifact, "damage")) for one in listed(version).files]
    assert shown == [(1, False), (1, False)]


def test_what_lies_deeper_is_not_read() -> None:
    """The plan enters the index at each step, and reads nothing but it."""
    version = of(*(f"{n % 3}/{n}" for n in range(50)))
    with CaptureQueriesContext(connection) as queries:
        listed(version)
    steps = queries.captured_queries[0]["sql"]
    assert steps.count("LIMIT 1") == 2
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {steps}")
            plan = "\n".join(row[3] for row in cursor.fetchall())
        assert plan.count("(repository_id=? AND path>? AND path<?)") == 2
