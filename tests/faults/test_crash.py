"""Killed at any moment, it comes right by itself: see bench/crash.py, which also says how to repeat what fails here."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.settings import BASE_DIR, POSTGRESQL_URL

SERVER = [pytest.param("", id="sqlite"), pytest.param(POSTGRESQL_URL, id="postgresql")]


def crash(*words: str) -> dict[str, Any]:
    """Runs the harness to its end; returns its figures."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "DJANGO_"))}
    command = [sys.executable, "-m", "bench.crash", *words]
    result = subprocess.run(command, cwd=BASE_DIR, env=kept, stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(result.stdout)
    assert result.returncode == 0, result.stdout
    figures: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return figures


@pytest.mark.server
@pytest.mark.any_database
def test_it_works() -> None:
    """The worker, the server, and both: once each. A worker that hangs is in test_presumed_dead.py."""
    figures = crash("--rounds", "3", "--seed", "2", "--in-turn")
    assert (figures["killed"], figures["jobs"], figures["violations"], figures["refetched"]) == (3, 6, 0, 0)


@pytest.mark.faults
@pytest.mark.parametrize("server", SERVER)
@pytest.mark.parametrize("seed", ["101", "102"])
def test_hundreds_of_kills_leave_no_trace(server: str, seed: str) -> None:
    figures = crash("--rounds", "60", "--seed", seed, "--database", server)
    assert figures["killed"] >= 60
    assert (figures["violations"], figures["refetched"]) == (0, 0)
