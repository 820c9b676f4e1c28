"""The scratch file of a sync."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from repos import worklist
from repos.compare import Change, Kind
from repos.manifest import Entry
from repos.pipeline import SMALL
from repos.worklist import Totals, Worklist

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64
# In the order of their UTF-8 bytes; UTF-16 would have the last two the other way round.
ORDERED = ["A", "a", "a b", "a,b", "a/b", "a0", "e\u0301", "é", "\uffff", "😀"]


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Worklist]:
    with Worklist(tmp_path) as work:
        yield work


def test_it_works(work: Worklist) -> None:
    work.add_entries([("b", TWO, 2), ("a", ONE, 1)])
    assert list(work.entries()) == [("a", ONE, 1), ("b", TWO, 2)]
    work.add_changes([Change(Kind.ADDED, "a", ONE, 1), Change(Kind.REMOVED, "c", old_size=5)])
    assert work.totals() == Totals(added=1, removed=1, changed=0, growth=-4)
    assert list(work.arriving_bytes()) == [("a", ONE, 1)]
    assert work.arriving_totals() == (1, 1)


def test_an_empty_one_has_nothing_to_do(work: Worklist) -> None:
    assert not [*work.entries(), *work.added(), *work.changed(), *work.leaving(), *work.arriving_bytes()]
    assert work.contradiction() is None
    assert work.totals() == Totals(0, 0, 0, 0)
    assert not work.totals()
    assert work.arriving_totals() == (0, 0)


def test_entries_come_in_the_order_of_their_bytes(work: Worklist) -> None:
    assert sorted(ORDERED, key=lambda path: path.encode()) == ORDERED
    work.add_entries((path, f"{number:064}", 1) for number, path in enumerate(reversed(ORDERED)))
    assert [path for path, _, _ in work.entries()] == ORDERED


def test_a_path_named_twice_with_the_same_bytes_is_one_entry(work: Worklist) -> None:
    work.add_entries([("a", ONE, 1), ("a", ONE, 1)])
    work.add_entries([("a", ONE, 1)])
    assert list(work.entries()) == [("a", ONE, 1)]
    assert work.contradiction() is None


@pytest.mark.parametrize("second", [("a", TWO, 1), ("a", ONE, 2)])
def test_a_path_named_twice_with_different_bytes_is_a_contradiction(work: Worklist, second: Entry) -> None:
    work.add_entries([("a", ONE, 1), ("b", ONE, 1)])
    work.add_entries([second])
    assert work.contradiction() == "a"


def test_a_contradiction_is_not_forgotten_when_the_first_bytes_come_again(work: Worklist) -> None:
    work.add_entries([("a", ONE, 1), ("a", TWO, 1), ("a", ONE, 1)])
    assert work.contradiction() == "a"


def test_totals_count_each_kind_and_the_growth(work: Worklist) -> None:
    work.add_changes(
        [
            Change(Kind.ADDED, "a", ONE, 100),
            Change(Kind.ADDED, "b", ONE, 100),
            Change(Kind.CHANGED, "c", TWO, 10, old_size=7),
            Change(Kind.REMOVED, "d", old_size=50),
        ]
    )
    assert work.totals() == Totals(added=2, removed=1, changed=1, growth=153)


@pytest.mark.parametrize("kind", list(Kind))
def test_totals_of_any_change_are_something_to_do(work: Worklist, kind: Kind) -> None:
    work.add_changes([Change(kind, "a")])
    assert work.totals()


def test_what_arrives_is_added_or_changed(work: Worklist) -> None:
    work.add_changes([Change(Kind.ADDED, "a", ONE, 1), Change(Kind.CHANGED, "b", TWO, 2), Change(Kind.REMOVED, "c")])
    assert list(work.added()) == [("a", ONE, 1)]
    assert list(work.changed()) == [("b", TWO, 2)]


def test_what_leaves_is_changed_or_removed(work: Worklist) -> None:
    work.add_changes([Change(Kind.ADDED, "a", ONE, 1), Change(Kind.CHANGED, "b", TWO, 2), Change(Kind.REMOVED, "c")])
    assert sorted(work.leaving()) == ["b", "c"]


def test_the_same_bytes_at_many_paths_arrive_once(work: Worklist) -> None:
    work.add_changes(Change(Kind.ADDED, path, ONE, 1) for path in ("b", "a", "c"))
    work.add_changes([Change(Kind.ADDED, "d", TWO, 1), Change(Kind.REMOVED, "e")])
    assert list(work.arriving_bytes()) == [("a", ONE, 1), ("d", TWO, 1)]
    assert work.arriving_totals() == (2, 2)


def test_one_digest_under_two_sizes_is_asked_for_twice(work: Worklist) -> None:
    work.add_changes([Change(Kind.ADDED, "a", ONE, 1), Change(Kind.ADDED, "b", ONE, 2)])
    assert list(work.arriving_bytes()) == [("a", ONE, 1), ("b", ONE, 2)]
    assert work.arriving_totals() == (2, 3)


def test_what_arrives_comes_in_the_order_of_paths_the_small_before_the_big(work: Worklist) -> None:
    small, big = ORDERED[::2], ORDERED[1::2]
    work.add_changes(Change(Kind.ADDED, path, f"{number:064}", SMALL + 1) for number, path in enumerate(reversed(big)))
    work.add_changes(Change(Kind.ADDED, path, f"{number:064}", SMALL) for number, path in enumerate(reversed(small)))
    assert [path for path, _, _ in work.arriving_bytes()] == [*small, *big]
    assert work.arriving_totals() == (len(ORDERED), len(small) * SMALL + len(big) * (SMALL + 1))


def test_one_table_is_read_while_the_next_is_written(work: Worklist) -> None:
    work.add_entries((f"{number:05}", f"{number:064}", number) for number in range(3000))
    for entry in work.entries():
        work.add_changes([Change(Kind.ADDED, *entry)])
    for entry in work.arriving_bytes():
        work.fail([(entry, "404")])
    assert work.failed_files() == 3000


def test_sizes_beyond_32_bits_are_kept(work: Worklist) -> None:
    work.add_changes([Change(Kind.ADDED, "a", ONE, 10**17), Change(Kind.ADDED, "b", TWO, 10**17)])
    assert work.totals().growth == 2 * 10**17


def test_a_source_that_fails_midway_passes_its_error_on(work: Worklist) -> None:
    def failing() -> Iterator[Entry]:
        yield "a", ONE, 1
        raise OSError("the list broke off")

    with pytest.raises(OSError, match="the list broke off"):
        work.add_entries(failing())
    work.add_entries([("b", ONE, 1)])


def test_it_is_closed_on_the_way_out(tmp_path: Path) -> None:
    with Worklist(tmp_path) as work:
        work.add_entries([("a", ONE, 1)])
    with pytest.raises(sqlite3.ProgrammingError):
        work.totals()


def test_all_of_it_lies_in_the_folder(tmp_path: Path) -> None:
    (folder := tmp_path / "work").mkdir()
    with Worklist(folder) as work:
        work.add_entries((f"{number}", THREE, 1) for number in range(1000))
    assert [file.name for file in folder.iterdir()] == ["worklist.sqlite3"]


@pytest.mark.parametrize("files", [0, 1, 2, 3, 4, 6, 7])
def test_all_of_a_list_comes_where_nothing_was(work: Worklist, files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklist, "_AT_ONCE", 3)
    listed = [(f"{number}", f"{number:064}", number) for number in range(files)]
    work.add_entries(listed)
    work.add_all(lambda: None)
    assert list(work.added()) == listed
    assert work.totals() == (files, 0, 0, sum(range(files)))
