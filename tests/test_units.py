"""Figures for people."""

from datetime import timedelta

import hypothesis
import pytest
from hypothesis import strategies as st

from repos import units
from tests.fuzzing import rules

RULES = rules(200)
FACTORS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}


def test_it_works() -> None:
    assert units.size(35_000_000) == "35.0 MB"
    assert units.duration(timedelta(minutes=3, seconds=4)) == "3 min 04 s"


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "file", "1 file"), (0, "file", "0 files"), (2345, "file", "2,345 files"), (2, "entry", "2 entries")],
)
def test_things_are_counted_in_their_plural(count: int, noun: str, text: str) -> None:
    assert units.counted(count, noun) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1000000", 1_000_000),
        ("50MB", 50_000_000),
        (" 1.5 GB ", 1_500_000_000),
        ("250k", 250_000),
        ("16 GiB", 16 * 1024**3),
        ("64kib", 64 * 1024),
        ("2Ti", 2 * 1024**4),
        ("0.1 kB", 100),
        ("0", 0),
    ],
)
def test_a_size_is_read_in_either_unit(text: str, size: int) -> None:
    assert units.in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "1,5 GB", "-1", "50 MB/s", "1 EB", "10 iB ", "9" * 19, "99999 PB", "٣ MB"])
def test_what_is_no_size_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        units.in_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0"), (999, "999"), (1500, "1500"), (50_000_000, "50 MB"), (10**18, "1000 PB")]
)
def test_a_size_is_written_as_it_can_be_typed(size: int, text: str) -> None:
    assert units.typed_size(size) == text


@RULES
@hypothesis.given(st.integers(0, 10**18))
def test_what_is_written_is_read_as_the_same(size: int) -> None:
    assert units.in_bytes(units.typed_size(size)) == size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (999.5, "1.0 kB"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (120_000_000_000, "120 GB"),
        (2 * 10**15, "2.0 PB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_a_size_has_two_to_three_figures_and_a_unit(count: float, text: str) -> None:
    assert units.size(count) == text


@RULES
@hypothesis.given(st.integers(0, 10**17))
def test_a_size_is_right_to_five_percent_and_never_as_wide_as_1000(count: int) -> None:
    number, unit = units.size(count).split()
    assert abs(float(number) * FACTORS[unit] - count) <= max(0.05 * count, 0.5)
    assert len(number) <= 4
    assert float(number) < 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "< 0.1 s"),
        (0, "< 0.1 s"),
        (0.04, "< 0.1 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (184, "3 min 04 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (2 * 3600 + 5 * 60 + 59, "2 h 05 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"),
        (27 * 3600, "1 d 3 h"),
        (400 * 86_400, "400 d 0 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert units.duration(timedelta(seconds=seconds)) == text


def test_whole_seconds_are_a_duration_too() -> None:
    assert units.whole_seconds(184) == "3 min 04 s"
