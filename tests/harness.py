"""The long harnesses of bench/ as tests run them: in a process of their own, by what they print at their end."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.settings import BASE_DIR, POSTGRESQL_URL

# What a harness is told as `--database`.
SERVERS = [pytest.param("", id="sqlite"), pytest.param(POSTGRESQL_URL, id="postgresql")]


def figures_of(module: str, *words: str) -> dict[str, Any]:
    """Runs a harness, such as “bench.crash”, to its end, which has to be a good one; returns its figures."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MILLRACE_", "DJANGO_"))}
    command = [sys.executable, "-m", module, *words]
    result = subprocess.run(command, cwd=BASE_DIR, env=kept, stdout=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(result.stdout)
    assert result.returncode == 0, result.stdout
    figures: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return figures
