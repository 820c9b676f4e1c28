"""How much is asked for at once, against upstreams that are played: seconds pass as they are told."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repos.window import DEPTH, REST, Window
from tests.fuzzing import rules

STEP = 0.005


@dataclass
class Look:
    """What was in use at a moment, and how many files had come by then."""

    now: float
    connections: int
    depth: int
    files: int


def played(
    rate_of: Callable[[int, int], float], seconds: float, window: Window | None = None, *, begin: float = 0.0
) -> list[Look]:
    """Looks at a window every few milliseconds, while an upstream brings `rate_of(connections, depth)` files/s."""
    window, looks, brought, told = window or Window(16, 0.0), [], 0.0, 0
    for turn in range(1, int(seconds / STEP) + 1):
        now = begin + turn * STEP
        brought += rate_of(window.connections, window.depth) * STEP
        if int(brought) > told:
            window.came(int(brought) - told, now)
            told = int(brought)
        looks.append(Look(now, window.connections, window.depth, told))
    return looks


def share(looks: list[Look], condition: Callable[[Look], bool]) -> float:
    """Of the time, how much it was so."""
    return sum(condition(look) for look in looks) / len(looks)


def far(round_trip: float) -> Callable[[int, int], float]:
    """An upstream that answers at once, so many seconds away."""
    return lambda connections, depth: min(connections * depth / round_trip, 20_000)


def serial(rate: float) -> Callable[[int, int], float]:
    """An upstream that can do no more, however much it is asked for."""
    return lambda connections, depth: rate


def test_it_begins_small() -> None:
    window = Window(16, 0.0)
    assert (window.connections, window.depth) == (4, 4)


def test_it_works() -> None:
    looks = played(far(0.1), 10)
    assert (looks[-1].connections, looks[-1].depth) == (16, DEPTH)


@pytest.mark.parametrize("milliseconds", [20, 100, 300])
def test_far_away_it_is_full_after_a_few_round_trips(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert share(played(far(seconds), 100 * seconds), lambda look: look.connections == 16) > 0.9


def test_far_away_it_brings_nearly_what_it_could_at_once() -> None:
    assert played(far(0.1), 10)[-1].files > 0.8 * 10 * 16 * DEPTH / 0.1


def test_a_slow_upstream_is_mostly_left_at_what_it_began_with() -> None:
    looks = played(serial(20), 120)
    assert share(looks, lambda look: look.connections <= 4 and look.depth <= 4) > 0.75
    assert max(look.connections for look in looks) <= 8


def test_it_goes_back_where_more_is_slower() -> None:
    looks = played(lambda connections, depth: 2000 / (1 + max(0, connections - 4)), 30)
    assert share(looks, lambda look: look.connections <= 4) > 0.75


def test_the_longer_more_is_no_better_the_more_seldom_it_is_tried() -> None:
    looks = played(serial(1000), 200)
    tries = [after.now for before, after in pairwise(looks) if after.depth > before.depth]
    pauses = [after - before for before, after in pairwise(tries)]
    assert len(tries) < 12
    assert pauses == sorted(pauses) or max(pauses) > 59


def test_what_became_faster_is_found_out() -> None:
    window = Window(16, 0.0)
    slow = played(serial(500), 30, window)
    assert share(slow, lambda look: look.connections <= 4) > 0.5
    played(far(0.1), 60, window, begin=30)
    assert (window.connections, window.depth) == (16, DEPTH)


def test_connections_that_each_are_slow_are_all_used() -> None:
    looks = played(lambda connections, depth: 50.0 * connections, 10)
    assert share(looks, lambda look: look.connections == 16) > 0.9


# ---- bounds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 3, 5, 16, 64])
def test_it_never_has_more_connections_than_it_may(most: int) -> None:
    looks = played(far(0.05), 10, Window(most, 0.0))
    assert max(look.connections for look in looks) == most
    assert max(look.depth for look in looks) == DEPTH


@given(
    st.integers(1, 64),
    st.lists(
        st.tuples(st.sampled_from(["came", "trouble"]), st.integers(0, 5000), st.floats(0, 5, allow_nan=False)),
        max_size=60,
    ),
)
@rules(200)
def test_whatever_happens_it_stays_within_its_bounds(most: int, deeds: list[tuple[str, int, float]]) -> None:
    window, now = Window(most, 0.0), 0.0
    for deed, files, seconds in deeds:
        now += seconds
        window.came(files, now) if deed == "came" else window.trouble(now)
        assert 1 <= window.connections <= most
        assert 1 <= window.depth <= DEPTH


# ---- trouble ---------------------------------------------------------------------------------------------


def test_trouble_halves_it_down_to_one() -> None:
    window = Window(16, 0.0)
    played(far(0.1), 10, window)
    seen = []
    for _ in range(8):
        window.trouble(10.0)
        seen.append((window.connections, window.depth))
    assert seen == [(8, 32), (4, 16), (2, 8), (1, 4), (1, 2), (1, 1), (1, 1), (1, 1)]


def test_after_trouble_it_rests_and_then_tries_again() -> None:
    window = Window(16, 0.0)
    window.trouble(0.0)
    looks = played(far(0.1), REST + 5, window)
    assert {(look.connections, look.depth) for look in looks if look.now < REST} == {(2, 2)}
    assert (looks[-1].connections, looks[-1].depth) == (16, DEPTH)


def test_trouble_again_and_again_keeps_it_small() -> None:
    window, now, seen = Window(16, 0.0), 0.0, []
    for _ in range(20):
        now += REST / 2
        window.came(10_000, now)
        window.trouble(now)
        seen.append((window.connections, window.depth))
    assert seen[5:] == [(1, 1)] * 15
