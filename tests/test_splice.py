"""A list made from an earlier one is the list that would be made anew."""

import io

import hypothesis
import pytest
from hypothesis import strategies as st

from repos import splice
from repos.splice import blocks, spliced
from tests.fuzzing import rules

RULES = rules(80)

# Few names and few bytes, so that lists have much in common; names that are easily put in the wrong order.
names = st.sampled_from(["A", "a", "a/b", "a.b", "a,b", "a0", "é", "\uffff", "😀", " "]) | st.text("ab/.,", min_size=1)
lists = st.dictionaries(names, st.integers(0, 2), max_size=12)


def line(path: str, size: int) -> bytes:
    return f"{path},{size}\n".encode()


def path_of(line: bytes) -> bytes:
    return line.rpartition(b",")[0]


def whole(files: dict[str, int]) -> bytes:
    return b"".join(line(path, files[path]) for path in sorted(files))


def made(old: dict[str, int], new: dict[str, int]) -> bytes:
    changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    changes = [(path.encode(), line(path, new[path]) if path in new else b"") for path in changed]
    return b"".join(spliced(blocks(io.BytesIO(whole(old))), changes, path_of))


def test_it_works() -> None:
    assert made({"a": 1, "b": 1, "d": 1}, {"a": 1, "b": 2, "c": 1, "e": 1}) == b"a,1\nb,2\nc,1\ne,1\n"


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@RULES
@hypothesis.given(old=lists, new=lists)
def test_it_is_what_would_be_made_anew(block: int, old: dict[str, int], new: dict[str, int]) -> None:
    before, splice._BLOCK = splice._BLOCK, block
    try:
        assert made(old, new) == whole(new)
    finally:
        splice._BLOCK = before


def test_a_few_changes_among_many_lines() -> None:
    old = {f"{number:06}": 1 for number in range(0, 200_000, 2)}
    new = {path: size for path, size in old.items() if not path.endswith("0000")}
    new |= {"000001": 2, "123456": 3, "199999": 4}
    assert made(old, new) == whole(new)


def test_what_is_no_list_raises_an_error() -> None:
    with pytest.raises(ValueError, match="not found"):
        list(spliced([b"z,1"], [(b"a", b"a,1\n")], path_of))
