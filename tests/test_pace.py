"""How fast a report goes on, and when it will be done."""

import pytest

from dashboard.pace import FIRST, seconds_left, speeds
from repos.samples import Sample, Speed

MB = 1_000_000


def steady(seconds: int, files: int, size: int) -> list[Sample]:
    """So many files, and bytes, each second."""
    return [Sample(float(second), files * second, size * second) for second in range(seconds + 1)]


def test_it_works() -> None:
    assert speeds(steady(3, 1, MB)) == [(1.0, MB), (2.0, MB), (3.0, MB)]
    assert seconds_left(steady(10, 1, MB), 20, 20 * MB) == pytest.approx(10)


def test_what_takes_longer_counts() -> None:
    assert seconds_left(steady(10, 1, MB), 20, 110 * MB) == pytest.approx(100)
    assert seconds_left(steady(10, 1, MB), 110, 20 * MB) == pytest.approx(100)


def test_nothing_is_said_at_first() -> None:
    assert seconds_left([], 10, 10) is None
    assert seconds_left(steady(int(FIRST) - 1, 1, MB), 20, 20 * MB) is None


def test_nothing_is_said_of_what_stands_still() -> None:
    still = [*steady(10, 1, MB), *(Sample(10.0 + second, 10, 10 * MB) for second in range(1, 60))]
    assert seconds_left(still, 20, 20 * MB) is None


def test_one_big_file_is_told_by_its_bytes() -> None:
    kept = [Sample(float(second), 0, MB * second) for second in range(21)]
    assert seconds_left(kept, 1, 40 * MB) == pytest.approx(20)


def test_a_stutter_of_a_second_moves_it_little() -> None:
    kept = steady(60, 1, MB)
    before = seconds_left(kept, None, 120 * MB)
    after = seconds_left([*kept, Sample(61.0, 60, 60 * MB)], None, 120 * MB)
    assert before and after
    assert after == pytest.approx(before, rel=0.1)


def test_a_new_speed_is_believed_after_a_while() -> None:
    slow = [Sample(60.0 + second, 0, 60 * MB + MB // 10 * second) for second in range(1, 31)]
    left = seconds_left([*steady(60, 0, MB), *slow], None, 120 * MB)
    assert left == pytest.approx(570, rel=0.05)


def test_small_files_that_come_together_make_no_peaks() -> None:
    """Some count every three seconds, when they are whole. The speed in figures is that of the chart."""
    came = [(second / 2, 3 * MB * int(second / 2 // 3)) for second in range(121)]
    drawn = speeds([Sample(seconds, 0, size) for seconds, size in came])
    beside = Speed(0)
    told = [beside.add(seconds, size) for seconds, size in came]
    assert told[1:] == [int(speed) for _, speed in drawn]
    assert max(told) <= 1.3 * MB
    assert min(told[20:]) >= 0.7 * MB


def test_speeds_are_never_less_than_nothing() -> None:
    """Bytes that were in vain are taken back."""
    assert all(speed >= 0 for _, speed in speeds([Sample(0, 0, 0), Sample(1, 0, MB), Sample(2, 0, 0)]))
