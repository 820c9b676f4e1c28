"""The changes between two sets of files, held against sets and dictionaries."""

from itertools import count

import hypothesis
from hypothesis import strategies as st

from repos.compare import Change, Kind, compare
from repos.manifest import Entry
from tests.fuzzing import rules

RULES = rules(80)

Files = dict[str, tuple[str, int]]

# Few names and few bytes, so that sets have much in common; names whose order is easily got wrong.
odd = st.sampled_from(["A", "a", "a/b", "a.b", "a0", "é", "e\u0301", "\uffff", "😀", " ", "z"])
names = odd | st.text(min_size=1, max_size=3)
sets = st.dictionaries(names, st.tuples(st.sampled_from(["1" * 64, "2" * 64]), st.integers(0, 2)), max_size=8)


def listed(files: Files) -> list[Entry]:
    """The files in path order, by the bytes of their names."""
    return [(path, *files[path]) for path in sorted(files, key=lambda path: path.encode())]


def expected(old: Files, new: Files) -> set[Change]:
    added = {Change(Kind.ADDED, path, *new[path]) for path in new.keys() - old.keys()}
    removed = {Change(Kind.REMOVED, path, old_size=old[path][1]) for path in old.keys() - new.keys()}
    both = {path for path in old.keys() & new.keys() if old[path] != new[path]}
    return added | removed | {Change(Kind.CHANGED, path, *new[path], old_size=old[path][1]) for path in both}


def test_it_works() -> None:
    old = {"gone": ("1", 10), "other": ("2", 20), "same": ("3", 30)}
    new = {"new": ("4", 40), "other": ("5", 50), "same": ("3", 30)}
    assert list(compare(listed(old), listed(new))) == [
        Change(Kind.REMOVED, "gone", old_size=10),
        Change(Kind.ADDED, "new", "4", 40),
        Change(Kind.CHANGED, "other", "5", 50, old_size=20),
    ]


@RULES
@hypothesis.given(sets, sets)
def test_the_changes_are_those_of_the_sets(old: Files, new: Files) -> None:
    changes = list(compare(listed(old), listed(new)))
    assert set(changes) == expected(old, new)
    assert len(changes) == len(set(changes))


@RULES
@hypothesis.given(sets, sets)
def test_changes_come_in_path_order(old: Files, new: Files) -> None:
    found = [change.path for change in compare(listed(old), listed(new))]
    assert found == sorted(found, key=lambda path: path.encode())


@RULES
@hypothesis.given(sets, sets)
def test_applied_to_the_old_files_they_give_the_new_ones(old: Files, new: Files) -> None:
    files = dict(old)
    for change in compare(listed(old), listed(new)):
        if change.kind == Kind.REMOVED:
            del files[change.path]
        else:
            files[change.path] = (change.sha256, change.size)
    assert files == new


@RULES
@hypothesis.given(sets)
def test_a_set_differs_from_itself_in_nothing(files: Files) -> None:
    assert list(compare(listed(files), listed(files))) == []


def test_the_same_bytes_under_another_size_are_a_change() -> None:
    assert [change.kind for change in compare([("a", "1", 1)], [("a", "1", 2)])] == [Kind.CHANGED]


def test_no_more_is_read_than_the_next_change_needs() -> None:
    endless = ((f"{number:09}", "1", 1) for number in count())
    changes = compare(iter([]), endless)
    assert [next(changes).path for _ in range(3)] == ["000000000", "000000001", "000000002"]
