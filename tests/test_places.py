"""How many connections there are, and how many of them make a file come faster."""

import threading
from collections.abc import Callable

import pytest

from repos.places import GAIN, MOST, SETTLE, SOON, WINDOW, Growth, Places

MB = 1_000_000


def grown(speed_of: Callable[[int], float], *, left: float = 1e15, most: int = 100) -> list[int]:
    """The numbers of connections that it has one after another, at a line with this speed for so many."""
    growth, now, arrived, had = Growth(), 0.0, 0.0, [1]
    for _ in range(400):
        wanted = growth.look(now, int(arrived), int(left - arrived), min(had[-1], most))
        if wanted != had[-1]:
            had.append(wanted)
        now += 0.1
        arrived += speed_of(min(had[-1], most)) * 0.1
    return had


def test_it_works() -> None:
    """Each connection has a limit of its own."""
    assert grown(lambda number: number * MB) == [1, 2, 4, 8]
    assert MOST == 8


def test_a_full_line_gets_no_more() -> None:
    assert grown(lambda number: 10 * MB) == [1, 2, 1]


def test_it_ends_where_the_line_is_full() -> None:
    assert grown(lambda number: min(number, 4) * MB) == [1, 2, 4, 8, 4]


def test_a_little_more_is_not_worth_it() -> None:
    assert grown(lambda number: MB * (GAIN - 0.05 if number > 1 else 1)) == [1, 2, 1]
    assert grown(lambda number: MB * (GAIN + 0.05 if number > 1 else 1)) == [1, 2, 4, 2]


def test_who_becomes_slower_by_it_is_left_alone() -> None:
    assert grown(lambda number: 10 * MB / number) == [1, 2, 1]


def test_what_is_soon_there_is_left_alone() -> None:
    assert grown(lambda number: MB * number, left=MB * SOON) == [1]


def test_what_was_not_to_be_had_is_not_judged() -> None:
    """One place is free: two connections are all that there can be, and it stays with those."""
    assert set(grown(lambda number: number * MB, most=2)[:2]) == {1, 2}
    assert max(grown(lambda number: number * MB, most=2)) <= 4


def test_nothing_is_decided_before_it_can_be_seen() -> None:
    growth = Growth()
    for tenth in range(int((SETTLE + WINDOW) * 10)):
        assert growth.look(tenth / 10, tenth * MB, 10**15, 1) == 1
    assert growth.look(SETTLE + WINDOW + 0.1, 100 * MB, 10**15, 1) == 2


def test_a_failure_ends_it() -> None:
    growth = Growth(wanted=4)
    growth.stay()
    assert growth.look(1e9, 0, 10**15, 4) == 2
    assert growth.settled


def never() -> bool:
    return False


def test_there_are_so_many_places_and_no_more() -> None:
    places = Places(2)
    assert places.take(never)
    assert places.take(never)
    assert places.used == 2
    assert not places.take(lambda: True)
    assert not places.take_if_free()
    places.leave()
    assert places.take_if_free()


@pytest.mark.parametrize("_", range(5))
def test_a_file_that_waits_gets_the_next_place(_: int) -> None:
    places = Places(1)
    assert places.take_if_free()
    waiting = threading.Thread(target=places.take, args=(never,))
    waiting.start()
    while not places.wanted:
        pass
    assert not places.take_if_free()
    places.leave()
    waiting.join(10)
    assert not waiting.is_alive()
    assert places.used == 1
    assert not places.wanted
