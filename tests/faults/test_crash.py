"""Killed at any moment, it comes right by itself: see bench/crash.py, which also says how to repeat what fails here."""

import pytest

from tests.harness import SERVERS, figures_of


@pytest.mark.server
@pytest.mark.any_database
def test_it_works() -> None:
    """The worker, the server, and both: once each. A worker that hangs is in test_presumed_dead.py."""
    figures = figures_of("bench.crash", "--rounds", "3", "--seed", "2", "--in-turn")
    assert (figures["killed"], figures["jobs"], figures["violations"], figures["refetched"]) == (3, 6, 0, 0)


@pytest.mark.faults
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("seed", ["101", "102"])
def test_hundreds_of_kills_leave_no_trace(server: str, seed: str) -> None:
    figures = figures_of("bench.crash", "--rounds", "60", "--seed", seed, "--database", server)
    assert figures["killed"] >= 60
    assert (figures["violations"], figures["refetched"]) == (0, 0)
