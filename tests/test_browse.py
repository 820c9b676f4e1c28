"""The files of a version, a page at a time."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from repos import browse
from repos.browse import Found, files_of
from repos.models import Content, Repository, RepositoryVersion
from tests import factories

pytestmark = pytest.mark.django_db


def of(*paths: str) -> RepositoryVersion:
    return factories.version(factories.repository(), dict.fromkeys(paths, b"1"))


def many(count: int, *, others: int = 0) -> RepositoryVersion:
    """A version of `count` files; `others` more, in between, went before it."""
    repository = factories.repository()
    same = factories.artifact(b"same")
    rows = [Content(repository=repository, path=f"{i:06}", artifact=same, added=2) for i in range(count)]
    gone = [Content(repository=repository, path=f"{i:06}x", artifact=same, added=1, removed=2) for i in range(others)]
    Content.objects.bulk_create(rows + gone, batch_size=500)
    return repository.versions.create(number=2, complete=True, files=count, added=count)


def paths(found: Found) -> list[str]:
    return [one.path for one in found.files]


def all_pages(version: RepositoryVersion, q: str = "") -> list[str]:
    """The paths of all pages, going on to the end."""
    found = files_of(version, q=q)
    listed = paths(found)
    while found.after:
        found = files_of(version, q=q, after=found.after)
        listed += paths(found)
    return listed


def test_it_works() -> None:
    version = factories.version(factories.repository(), {"b": b"22", "a/c": b"1"})
    found = files_of(version)
    assert [(one.path, one.artifact.size, one.added) for one in found.files] == [("a/c", 1, 1), ("b", 2, 1)]
    assert (found.after, found.partly) == ("", False)


def test_each_version_has_its_own() -> None:
    repository = factories.repository()
    first = factories.version(repository, {"a": b"1", "b": b"2"})
    second = factories.version(repository, {"a": b"changed", "b": None, "c": b"3"})
    assert (paths(files_of(first)), paths(files_of(second))) == (["a", "b"], ["a", "c"])
    assert [one.artifact.size for one in files_of(first).files] == [1, 1]
    assert paths(files_of(repository.versions.get(number=0))) == []


def test_they_come_in_the_order_of_their_bytes() -> None:
    names = ["a/x", "a.txt", "Z", "é", "a b", "😀", "ﬀ", "_", "%"]
    assert paths(files_of(of(*names))) == sorted(names, key=str.encode)


@pytest.mark.parametrize("count", [99, 100, 101, 250])
def test_pages_have_each_file_once(count: int) -> None:
    assert all_pages(many(count)) == [f"{i:06}" for i in range(count)]


def test_the_last_page_leads_nowhere() -> None:
    assert files_of(many(100)).after == ""
    assert files_of(Repository.objects.get().latest_version(), after="000099") == Found([])


# ---- searching ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("nux", ["linux/a", "linux/b"]),
        ("LINUX", ["linux/a", "linux/b"]),
        ("x/a", ["linux/a"]),
        ("_", ["a_b"]),
        ("%", ["50%"]),
        ("\\", []),
        ("nothing", []),
        (" ", ["with space"]),
        ("ä", ["größe/änderung"]),
        ("GRÖ", []),
        ("GRö", ["größe/änderung"]),
    ],
)
def test_a_part_of_the_path_is_found_without_regard_to_case(q: str, found: list[str]) -> None:
    version = of("linux/a", "linux/b", "a_b", "axb", "50%", "50x", "with space", "größe/änderung")
    assert paths(files_of(version, q=q)) == found


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("/linux", ["linux-next", "linux/a", "linux/😀"]),
        ("/linux/", ["linux/a", "linux/😀"]),
        ("/Linux", []),
        ("/inux", []),
        ("/", ["a/linux", "linux-next", "linux/a", "linux/😀"]),
    ],
)
def test_with_a_slash_in_front_the_beginning_of_the_path_is_found(q: str, found: list[str]) -> None:
    assert paths(files_of(of("linux/a", "linux/😀", "linux-next", "a/linux"), q=q)) == found


@pytest.mark.parametrize("q", ["", "/00001", "3", "/00002", "zzz", "/zzz"])
def test_what_is_found_has_pages_too(q: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "FILES", 3)
    monkeypatch.setattr(browse, "MOST", 7)
    expected = [f"{i:06}" for i in range(40)]
    found = [one for one in expected if (one.startswith(q[1:]) if q.startswith("/") else q in one)]
    assert all_pages(many(40, others=15), q) == found


def test_it_stops_when_it_has_looked_at_enough_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "MOST", 10)
    version = many(25)
    first = files_of(version, q="000024")
    assert (first.files, first.after, first.partly) == ([], "000009", True)
    second = files_of(version, q="000024", after=first.after)
    third = files_of(version, q="000024", after=second.after)
    assert (paths(third), third.after, third.partly) == (["000024"], "", False)


def test_a_cursor_before_the_beginning_is_looked_for_does_no_harm() -> None:
    assert paths(files_of(of("a", "b1", "b2", "c"), q="/b", after="a")) == ["b1", "b2"]
    assert paths(files_of(of_again(), q="/b", after="b1")) == ["b2"]
    assert paths(files_of(of_again(), q="/b", after="c")) == []


def of_again() -> RepositoryVersion:
    return Repository.objects.get().latest_version()


# ---- what it costs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [10, 5000])
@pytest.mark.parametrize("q", ["", "7", "/0000"])
def test_a_page_takes_four_queries_however_many_files(
    count: int, q: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version = many(count)
    with django_assert_num_queries(4):
        files_of(version, q=q)


def test_no_more_rows_are_read_than_a_page_has() -> None:
    version = many(1000)
    with CaptureQueriesContext(connection) as queries:
        files_of(version, after="000500")
    # Each has a limit, but the artifacts of the files of one page.
    assert sum(" LIMIT " in one["sql"] for one in queries) == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="is about SQLite's planner")
@pytest.mark.parametrize("q", ["", "7", "/0000"])
def test_files_are_found_by_their_path(q: str) -> None:
    version = many(10)
    with CaptureQueriesContext(connection) as queries:
        files_of(version, q=q, after="000003")
    for query in queries.captured_queries[:2]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = "\n".join(row[3] for row in cursor.fetchall())
        assert "(repository_id=? AND path>?" in plan
        assert "TEMP B-TREE" not in plan
