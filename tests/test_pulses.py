"""How long signs of life have stood still, by a clock that the test turns."""

import pytest

from repos.pulses import MOST, Pulses

pytestmark = pytest.mark.any_database


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulses(clock: Clock) -> Pulses:
    return Pulses(clock)


def test_it_works(pulses: Pulses, clock: Clock) -> None:
    assert pulses.still({"a": 1, "b": 1}) == {"a": 0, "b": 0}
    clock.now += 2
    assert pulses.still({"a": 1, "b": 2}) == {"a": 2, "b": 0}
    clock.now += 3
    assert pulses.still({"a": 1, "b": 2}) == {"a": 5, "b": 3}


def test_a_sign_that_changes_begins_anew_though_it_goes_back(pulses: Pulses, clock: Clock) -> None:
    pulses.still({"a": 9})
    clock.now += 3
    assert pulses.still({"a": 1}) == {"a": 0}


def test_what_was_not_named_is_forgotten(pulses: Pulses, clock: Clock) -> None:
    pulses.still({"a": 1})
    clock.now += 1
    pulses.still({})
    clock.now += 1
    assert pulses.still({"a": 1}) == {"a": 0}


def test_who_was_held_up_has_not_been_looking_on(pulses: Pulses, clock: Clock) -> None:
    """As a process that was stopped and goes on: that it saw the same twice tells nothing of the hour between."""
    pulses.still({"a": 1})
    clock.now += 3600
    assert pulses.still({"a": 1}) == {"a": MOST}


def test_the_first_look_counts_for_nothing(pulses: Pulses, clock: Clock) -> None:
    clock.now += 3
    assert pulses.still({"a": 1}) == {"a": 0}
