"""The differences between two versions."""

import random
from collections.abc import Iterator

import pytest

from repos import comparing
from repos.compare import Kind
from repos.comparing import Difference, Totals
from repos.models import Content, Repository, RepositoryVersion
from tests import factories

pytestmark = pytest.mark.django_db

Changes = dict[str, bytes | None]


@pytest.fixture
def repository() -> Repository:
    return factories.repository()


def version(repository: Repository, changes: Changes) -> RepositoryVersion:
    return factories.version(repository, changes)


def told(found: list[Difference]) -> list[tuple[str, str]]:
    return [(one.kind.value, one.path) for one in found]


def test_it_works(repository: Repository) -> None:
    old = version(repository, {"same": b"0", "gone": b"12", "other": b"123"})
    new = version(repository, {"gone": None, "other": b"1234", "new": b"12345"})
    found = comparing.page(old, new).differences
    assert told(found) == [("removed", "gone"), ("added", "new"), ("changed", "other")]
    assert [(one.old and one.old.size, one.new and one.new.size) for one in found] == [(2, None), (None, 5), (3, 4)]
    assert comparing.totals(old, new) == Totals(1, 1, 1, bytes_in=9, bytes_out=5)


def test_the_other_way_round_what_came_goes(repository: Repository) -> None:
    old = version(repository, {"gone": b"12", "other": b"123"})
    new = version(repository, {"gone": None, "other": b"1234", "new": b"12345"})
    assert told(comparing.page(new, old).differences) == [("added", "gone"), ("removed", "new"), ("changed", "other")]
    assert comparing.totals(new, old) == Totals(1, 1, 1, bytes_in=5, bytes_out=9)
    assert told(comparing.page(new, old, kind="added").differences) == [("added", "gone")]


def test_a_version_does_not_differ_from_itself(repository: Repository) -> None:
    only = version(repository, {"a": b"1"})
    assert comparing.page(only, only) == comparing.Page([])
    assert not comparing.totals(only, only).files


def test_what_went_and_came_again_as_it_was_does_not_differ(repository: Repository) -> None:
    old = version(repository, {"a": b"1", "b": b"2"})
    version(repository, {"a": None, "b": b"22"})
    new = version(repository, {"a": b"1", "b": b"2"})
    assert comparing.page(old, new).differences == []
    assert comparing.totals(old, new) == Totals()


def test_what_came_and_went_in_between_does_not_differ(repository: Repository) -> None:
    old = version(repository, {"a": b"1"})
    version(repository, {"b": b"2"})
    new = version(repository, {"b": None, "c": b"3"})
    assert told(comparing.page(old, new).differences) == [("added", "c")]


def test_files_of_other_repositories_do_not_count(repository: Repository) -> None:
    other = factories.repository("other", "other")
    version(other, {"a": b"1"})
    version(other, {"b": b"1"})
    old, new = version(repository, {"a": b"1"}), version(repository, {"c": b"1"})
    assert told(comparing.page(old, new).differences) == [("added", "c")]


def test_the_differences_are_asked_for_by_kind_and_by_a_part_of_the_path(repository: Repository) -> None:
    old = version(repository, {"a/gone": b"1", "a/other": b"1"})
    new = version(repository, {"a/gone": None, "a/other": b"2", "a/New_1": b"3", "b/new": b"4"})
    by_kind = {kind: told(comparing.page(old, new, kind=kind).differences) for kind in Kind}
    assert by_kind[Kind.ADDED] == [("added", "a/New_1"), ("added", "b/new")]
    assert (by_kind[Kind.REMOVED], by_kind[Kind.CHANGED]) == ([("removed", "a/gone")], [("changed", "a/other")])
    assert told(comparing.page(old, new, q="new_").differences) == [("added", "a/New_1")]
    assert told(comparing.page(old, new, kind="added", q="B/").differences) == [("added", "b/new")]


def test_pages_follow_one_another(repository: Repository) -> None:
    old = version(repository, {f"{n:02}": b"1" for n in range(9)})
    changes: Changes = {f"{n:02}": b"2" for n in range(9)}
    new = version(repository, changes | {"00": None, "99": b"3"})
    assert [len(page) for page in pages(old, new, limit=4)] == [4, 4, 2]
    assert [one.path for page in pages(old, new, limit=4) for one in page] == [f"{n:02}" for n in range(9)] + ["99"]


def pages(old: RepositoryVersion, new: RepositoryVersion, *, limit: int) -> Iterator[list[Difference]]:
    after: str | None = ""
    while after is not None:
        found = comparing.page(old, new, after=after, limit=limit)
        assert not found.partly
        yield found.differences
        after = found.after or None


WAYS = {"all at once": (1000, 1000), "by path": (0, 1000), "where by path there is nothing": (0, 1)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_each_way_of_looking_finds_the_same(
    repository: Repository, seed: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, near = WAYS[way]
    monkeypatch.setattr(comparing, "FEW", few)
    monkeypatch.setattr(comparing, "NEAR", near)
    chance = random.Random(seed)
    versions = [repository.latest_version()]
    for _ in range(3):
        paths = chance.sample("abcdefghijkl", 5)
        there = set(files(versions[-1]))
        changes = {path: None if path in there and chance.random() < 0.4 else chance.choice(BYTES) for path in paths}
        versions.append(version(repository, changes))
    for old in versions:
        for new in versions:
            assert list(comparing.differences(old, new)) == expected(old, new)
            assert [one for page in pages(old, new, limit=2) for one in page] == expected(old, new)
            for kind in Kind:
                by_kind = [one for one in expected(old, new) if one.kind == kind]
                assert list(comparing.differences(old, new, kind=kind)) == by_kind
                assert comparing.totals(old, new).of(kind) == len(by_kind)
            totals = comparing.totals(old, new)
            assert totals.bytes_in == sum(one.new.size for one in expected(old, new) if one.new)
            assert totals.bytes_out == sum(one.old.size for one in expected(old, new) if one.old)


BYTES = (b"1", b"22", b"333")


def files(version: RepositoryVersion) -> dict[str, comparing.File]:
    rows = Content.objects.of(version).in_path_order()
    return {path: comparing.File(sha256, size) for path, sha256, size in rows}


def expected(old: RepositoryVersion, new: RepositoryVersion) -> list[Difference]:
    before, after = files(old), files(new)
    found = []
    for path in sorted(before.keys() | after.keys()):
        one, other = before.get(path), after.get(path)
        kind = Kind.ADDED if one is None else Kind.REMOVED if other is None else Kind.CHANGED
        if one != other:
            found.append(Difference(kind, path, one, other))
    return found


def test_a_search_through_too_much_goes_on_from_where_it_stopped(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound, value in (("FEW", 0), ("NEAR", 2), ("MOST", 3)):
        monkeypatch.setattr(comparing, bound, value)
    old = repository.latest_version()
    new = version(repository, dict.fromkeys(("a", "b", "c", "d", "e", "z"), b"1"))
    first = comparing.page(old, new, q="z")
    assert (first.differences, first.after, first.partly) == ([], "c", True)
    then = comparing.page(old, new, q="z", after="c")
    assert (told(then.differences), then.partly) == ([("added", "z")], True)
