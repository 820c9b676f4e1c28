"""Long streams in pieces."""

from itertools import count

import hypothesis
from hypothesis import strategies as st

from repos.chunks import ROWS, chunks

RULES = hypothesis.settings(deadline=None, database=None, derandomize=True)


def test_it_works() -> None:
    assert list(chunks("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


@RULES
@hypothesis.given(st.lists(st.integers(), max_size=50), st.integers(1, 12))
def test_nothing_is_lost_and_all_but_the_last_are_full(items: list[int], length: int) -> None:
    pieces = list(chunks(items, length))
    assert [item for piece in pieces for item in piece] == items
    assert all(len(piece) == length for piece in pieces[:-1])
    assert all(0 < len(piece) <= length for piece in pieces[-1:])


def test_an_empty_stream_has_no_chunks() -> None:
    assert list(chunks([])) == []


def test_a_stream_is_read_a_chunk_at_a_time() -> None:
    numbers = count()
    assert len(next(chunks(numbers))) == ROWS
    assert next(numbers) == ROWS


def test_a_chunk_fits_a_statement_of_sqlite() -> None:
    assert ROWS < 999
