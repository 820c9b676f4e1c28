import hashlib
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from repos import published
from repos.models import Content, RepositoryVersion
from repos.published import Entry, File, Folder, Missing, find
from tests import factories

pytestmark = pytest.mark.django_db


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def found(path: str) -> File:
    """The file at `path`; anything else is a failure."""
    file = find(path)
    assert isinstance(file, File), file
    return file


def listed(path: str) -> list[str]:
    """The paths that the folder lists, in its order."""
    return [entry.path for entry in entries(path)]


def entries(path: str) -> list[Entry]:
    folder = find(path)
    assert isinstance(folder, Folder), folder
    return list(folder.entries)


def why(path: str) -> str:
    missing = find(path)
    assert isinstance(missing, Missing), missing
    return missing.why


def many(count: int, *, folder: str = "") -> None:
    """A served repository of `count` files with the same bytes, made in bulk."""
    files = factories.repository()
    version = files.versions.create(number=1, complete=True, files=count, added=count)
    same = factories.artifact(b"same")
    rows = (Content(repository=files, path=f"{folder}{i:06}", artifact=same, added=1) for i in range(count))
    Content.objects.bulk_create(rows, batch_size=500)
    factories.switch(files.distributions.get(), factories.publication(version))


def test_it_works() -> None:
    publication = factories.serve(factories.repository(), {"a/b.txt": b"hello"})
    assert find("files/a/b.txt") == File(sha256(b"hello"), 5, publication.version.created_at)
    assert listed("files/") == ["PULP_MANIFEST", "a/"]
    assert listed("") == ["files/"]


# ---- files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["a b", "ä/ö", "100%", "a?b#c", "x,y", "'\"<&>", "日本/😀", "a%2Fb"])
def test_any_legal_name_is_found(path: str) -> None:
    factories.serve(factories.repository(), {path: b"1"})
    assert found(f"files/{path}").sha256 == sha256(b"1")


def test_base_path_may_have_several_parts() -> None:
    factories.serve(factories.repository(base_path="linux/x86/stable"), {"a": b"1"})
    assert found("linux/x86/stable/a").size == 1


def test_distributions_are_told_apart_by_whole_parts() -> None:
    factories.serve(factories.repository("one", "a/b"), {"f": b"1"})
    factories.serve(factories.repository("two", "a/bc"), {"f": b"2"})
    assert (found("a/b/f").sha256, found("a/bc/f").sha256) == (sha256(b"1"), sha256(b"2"))
    assert why("a/bcd/f") == "No distribution has this base path."


def test_base_path_is_compared_with_case() -> None:
    factories.serve(factories.repository(base_path="a/b"), {"f": b"1"})
    assert isinstance(find("A/b/f"), Missing)
    assert isinstance(find("A/"), Missing)


def test_longest_base_path_is_found() -> None:
    base_path = "b" * 254
    factories.serve(factories.repository(base_path=base_path), {"a" * 1024: b"1"})
    assert found(f"{base_path}/{'a' * 1024}").size == 1
    factories.serve(factories.repository("two", "c" * 255), {"a": b"1"})
    assert found(f"{'c' * 255}/a").size == 1
    assert isinstance(find(f"{'c' * 256}/a"), Missing)


def test_file_of_an_earlier_version_has_its_date() -> None:
    files = factories.repository()
    first = factories.serve(files, {"a": b"1"})
    RepositoryVersion.objects.filter(pk=first.version_id).update(created_at=timezone.now() - timedelta(days=9))
    factories.serve(files, {"b": b"2"})
    assert found("files/a").modified < timezone.now() - timedelta(days=8) < found("files/b").modified


def test_file_whose_first_version_was_deleted_has_the_date_of_the_version_that_is_served() -> None:
    files = factories.repository()
    first = factories.version(files, {"a": b"1", "d/a": b"1"})
    second = factories.serve(files, {"b": b"2"}).version
    before = found("files/a")
    RepositoryVersion.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(days=5))
    second.refresh_from_db()
    first.delete()
    file = found("files/a")
    assert (file.sha256, file.modified, file.is_metadata) == (before.sha256, second.created_at, False)
    assert [entry.file for entry in entries("files/d/")] == [file]
    assert found("files/PULP_MANIFEST").is_metadata


def test_changed_file_is_served_with_its_new_bytes() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1"})
    factories.serve(files, {"a": b"2"})
    assert found("files/a").sha256 == sha256(b"2")


def test_what_is_not_published_yet_is_not_served() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1"})
    factories.publication(factories.version(files, {"a": b"2", "b": b"3"}))
    assert found("files/a").sha256 == sha256(b"1")
    assert isinstance(find("files/b"), Missing)


def test_metadata_has_the_date_of_its_publication() -> None:
    publication = factories.serve(factories.repository(), {"a": b"1"})
    manifest = found("files/PULP_MANIFEST")
    assert (manifest.modified, manifest.is_metadata) == (publication.created_at, True)


def test_metadata_covers_a_file_of_the_same_name() -> None:
    factories.serve(factories.repository(), {"PULP_MANIFEST": b"upstream's", "a": b"1"})
    assert found("files/PULP_MANIFEST").is_metadata
    assert listed("files/") == ["PULP_MANIFEST", "a"]
    assert entries("files/")[0].file == found("files/PULP_MANIFEST")


@pytest.mark.parametrize("count", [10, 10_000])
def test_file_takes_one_query_however_many_there_are(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    many(count)
    with django_assert_num_queries(1):
        assert found("files/000007").size == 4
    with django_assert_num_queries(1):
        assert found("files/PULP_MANIFEST").is_metadata


@pytest.mark.skipif(connection.vendor != "sqlite", reason="is about SQLite's planner")
def test_file_is_found_by_its_path(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """SQLite, unless told otherwise, takes the index by `added`, and reads the whole version to find one file."""
    many(10)
    with django_assert_num_queries(1) as queries:
        found("files/000007")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        plan = "\n".join(row[3] for row in cursor.fetchall())
    assert "(repository_id=? AND path=? AND removed>?)" in plan
    assert "SCAN repos" not in plan


# ---- nothing -----------------------------------------------------------------------------------------------


def test_unknown_base_path_is_told() -> None:
    factories.serve(factories.repository(), {"a": b"1"})
    assert why("other/a") == why("other/") == why("file/a") == "No distribution has this base path."


def test_nothing_published_yet_is_told() -> None:
    factories.repository(base_path="a/b")
    assert why("a/b/f") == why("a/b/") == why("a/b") == "Nothing is published at “a/b” yet."
    assert why("a/") == "Nothing is published here yet."


def test_unknown_file_is_told_with_its_version() -> None:
    files = factories.repository("My files", "files")
    factories.serve(files, {"a": b"1"})
    factories.serve(files, {"a": b"2"})
    assert why("files/b") == "There is no such file in My files version 2."
    assert why("files/b/") == "There is no such folder in My files version 2."
    assert isinstance(find("files/a/"), Missing)


@pytest.mark.parametrize(
    "path", ["files/../a", "files//a", "files/./a", "/files", "//", "/", "files/a\0", "files/a\nb"]
)
def test_illegal_path_is_missing(path: str) -> None:
    factories.serve(factories.repository(), {"a": b"1"})
    assert why(path) == "No file can have this path."


@pytest.mark.parametrize("path", ["a/" * 30_000 + "a", "a" * 100_000, "files/" + "a/" * 600 + "b"])
def test_long_path_is_missing(path: str) -> None:
    factories.serve(factories.repository(), {"a": b"1"})
    assert isinstance(find(path), Missing)


# ---- the grace time ----------------------------------------------------------------------------------------


def test_vanished_file_is_found_within_its_grace() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1", "b": b"2"})
    factories.serve(files, {"a": None})
    assert found("files/a").sha256 == sha256(b"1")
    assert listed("files/") == ["PULP_MANIFEST", "b"]


def test_vanished_file_is_gone_after_its_grace() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1", "b": b"2"}, days_ago=9)
    factories.serve(files, {"a": None}, days_ago=3.1)
    assert isinstance(find("files/a"), Missing)


def test_grace_counts_from_the_switch_and_not_from_the_publication() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1"}, days_ago=100)
    factories.serve(files, {"a": None}, days_ago=1)
    assert found("files/a").sha256 == sha256(b"1")


def test_grace_is_a_setting(settings: Settings) -> None:
    settings.MILLRACE_GRACE_DAYS = 0
    files = factories.repository()
    factories.serve(files, {"a": b"1"}, days_ago=1)
    factories.serve(files, {"a": None}, days_ago=0.01)
    assert isinstance(find("files/a"), Missing)


def test_newest_superseded_bytes_are_found_first() -> None:
    files = factories.repository()
    for data in (b"1", b"2", None, None):
        factories.serve(files, {"a": data, "b": b"3"})
    assert found("files/a").sha256 == sha256(b"2")
    assert [file.sha256 for file in published.superseded("files/a")] == [sha256(b"2"), sha256(b"1")]


def test_rolled_back_files_are_found_within_their_grace() -> None:
    files = factories.repository()
    first = factories.serve(files, {"a": b"1"})
    factories.serve(files, {"a": b"2", "new": b"3"})
    factories.switch(files.distributions.get(), first)
    assert found("files/a").sha256 == sha256(b"1")
    assert found("files/new").sha256 == sha256(b"3")


def test_nothing_served_any_more_leaves_its_grace() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1"})
    factories.switch(files.distributions.get(), None)
    assert found("files/a").sha256 == sha256(b"1")
    assert why("files/") == "Nothing is published at “files” yet."


def test_grace_is_of_this_distribution_alone() -> None:
    files = factories.repository()
    other = files.distributions.create(base_path="other")
    factories.serve(files, {"a": b"1"})
    factories.switch(other, factories.serve(files, {"a": None}))
    files.distributions.create(base_path="third", publication=other.publication)
    assert isinstance(find("third/a"), Missing)


def test_vanished_file_goes_before_a_folder_of_its_name() -> None:
    """Whoever is downloading it must not be sent elsewhere; with its slash the folder is found."""
    files = factories.repository()
    factories.serve(files, {"a": b"1"})
    factories.serve(files, {"a": None, "a/b": b"2"})
    assert found("files/a").sha256 == sha256(b"1")
    assert listed("files/a/") == ["b"]


def test_superseded_metadata_is_among_the_superseded_files() -> None:
    files = factories.repository()
    factories.serve(files, {"a": b"1"})
    first = found("files/PULP_MANIFEST")
    factories.serve(files, {"a": b"2"})
    assert published.superseded("files/PULP_MANIFEST") == [first]


# ---- folders -----------------------------------------------------------------------------------------------


def test_folder_lists_one_level_in_the_order_of_bytes() -> None:
    names = ["a/x", "a/y/z", "a.txt", "a0", "Z", "é", "b/c", "a b", "😀", "ﬀ"]
    factories.serve(factories.repository(), dict.fromkeys(names, b"1"))
    expected = ["PULP_MANIFEST", "Z", "a b", "a.txt", "a/", "a0", "b/", "é", "ﬀ", "😀"]
    assert listed("files/") == expected == sorted(expected, key=str.encode)
    assert listed("files/a/") == ["x", "y/"]


def test_folder_is_found_without_its_slash() -> None:
    factories.serve(factories.repository(base_path="one/two"), {"a/b": b"1"})
    for path in ("one", "one/two", "one/two/a"):
        folder = find(path)
        assert isinstance(folder, Folder)
        assert folder.path == f"{path}/"


def test_entries_have_size_digest_and_date() -> None:
    publication = factories.serve(factories.repository(), {"d/a": b"hello", "d/e/f": b"1"})
    expected = File(sha256(b"hello"), 5, publication.version.created_at)
    assert entries("files/d/") == [Entry("a", expected), Entry("e")]


def test_folder_shows_only_its_version() -> None:
    files = factories.repository()
    factories.serve(files, {"a/1": b"1", "a/2": b"2", "b/3": b"3"})
    factories.serve(files, {"a/1": None, "b/3": None, "a/4": b"4"})
    factories.version(files, {"a/5": b"5", "a/2": None})
    assert listed("files/a/") == ["2", "4"]
    assert isinstance(find("files/b/"), Missing)


def test_published_repository_without_files_is_an_empty_folder() -> None:
    files = factories.repository()
    files.publish_settings.manifest = ""
    publication = files.versions.get().publications.create(settings=files.publish_settings)
    factories.switch(files.distributions.get(), publication)
    assert listed("files/") == []


def test_parts_of_base_paths_are_folders() -> None:
    factories.serve(factories.repository("one", "a/b/c"), {"f": b"1"})
    factories.serve(factories.repository("two", "a/d"), {"f": b"1"})
    factories.repository("three", "a/unpublished")
    assert (listed(""), listed("a/"), listed("a/b/")) == (["a/"], ["b/", "d/"], ["c/"])


def test_top_without_any_distribution_is_an_empty_folder() -> None:
    assert listed("") == []


def test_name_that_like_would_take_as_a_pattern_is_taken_as_it_is() -> None:
    factories.serve(factories.repository(base_path="a_/b"), {"f": b"1"})
    factories.serve(factories.repository("two", "ab/b"), {"f": b"1"})
    assert (listed("a_/"), listed("ab/")) == (["b/"], ["b/"])


@pytest.mark.parametrize("count", [10, 10_000])
def test_folders_below_are_not_read(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    many(count, folder="deep/")
    with django_assert_num_queries(4 if count > published.FEWEST else 3):
        assert listed("files/") == ["PULP_MANIFEST", "deep/"]


def test_long_listing_is_whole_and_lazy(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    many(5000)
    folder = find("files/")
    assert isinstance(folder, Folder)
    with django_assert_num_queries(2):
        assert next(folder.entries).name == "000000"
    assert [entry.name for entry in folder.entries] == [*(f"{i:06}" for i in range(1, 5000)), "PULP_MANIFEST"]


def test_many_folders_take_few_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    files = factories.repository()
    same, version = factories.artifact(b"same"), files.versions.create(number=1, complete=True, files=60_000)
    # Folders of 60 files, and files between some of them; then only files.
    paths = [f"{i:04}/{j:02}" for i in range(900) for j in range(60)] + [f"{i:04}x" for i in range(0, 900, 2)]
    paths += [f"x{i:05}" for i in range(3000)]
    rows = (Content(repository=files, path=path, artifact=same, added=1) for path in paths)
    Content.objects.bulk_create(rows, batch_size=5000)
    factories.switch(files.distributions.get(), factories.publication(version))
    names = sorted({path.partition("/")[0] + "/" * ("/" in path) for path in paths} | {"PULP_MANIFEST"})
    with django_assert_max_num_queries(30):
        assert listed("files/") == names


def test_many_folders_are_listed_whole() -> None:
    names = [f"{i:04}/{j}" for i in range(300) for j in range(i % 3 + 1)]
    factories.serve(factories.repository(), dict.fromkeys(names, b"1"))
    assert listed("files/") == [*(f"{i:04}/" for i in range(300)), "PULP_MANIFEST"]
