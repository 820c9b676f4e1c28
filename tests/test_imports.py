"""A command imports what it needs when it needs it: what it says comes at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings import BASE_DIR

pytestmark = pytest.mark.any_database

# What takes long to import: fetching, secrets, bars, the queue, other databases, icons, and all pages.
HEAVY = {
    *("requests", "urllib3", "cryptography", "rich", "huey", "redis", "psycopg", "boto3", "waitress"),
    *("heroicons", "zipfile", "django.contrib.auth.forms", "django.test", "repos.fetch", "repos.chain"),
    *("dashboard.urls", "dashboard.admin", "dashboard.views.overview", "dashboard.tasks"),
}
ALL_COMMANDS = """
from django.core.management import get_commands, load_command_class
ours = {name: app for name, app in get_commands().items() if app in ("repos", "dashboard")}
for name, app in ours.items():
    if name != "worker":
        load_command_class(app, name).create_parser("manage.py", name)
"""
TO_RING = "import dashboard.tasks"
A_LIST = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
for words in ("repository list", "job list", "remote list", "distribution list", "attention", "storage"):
    call_command(*words.split())
"""


def imported(code: str, data: Path) -> set[str]:
    """What is imported by `code` in a process of its own, whose settings and models are ready."""
    before = f"import json, sys, django; sys.path.insert(0, {str(BASE_DIR)!r}); django.setup()\n"
    after = "\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    environment = {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "MILLRACE_DATA": str(data), "DATABASE_URL": ""}
    command = [sys.executable, "-c", before + code + after]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stderr.splitlines()[-1]))


@pytest.mark.parametrize("code", ["", ALL_COMMANDS, A_LIST], ids=["the models", "all commands", "lists"])
def test_nothing_heavy_is_imported_for(code: str, tmp_path: Path) -> None:
    assert imported(code, tmp_path) & HEAVY == set()


def test_who_rings_the_bell_needs_only_the_queue(tmp_path: Path) -> None:
    assert imported(TO_RING, tmp_path) & HEAVY == {"dashboard.tasks", "huey"}


def test_a_worker_is_ready_before_its_first_job(tmp_path: Path) -> None:
    assert "repos.chain" in imported("import dashboard.management.commands.worker", tmp_path)


def test_what_huey_was_spared_can_be_imported_afterwards(tmp_path: Path) -> None:
    assert {"psycopg", "redis"} <= imported(f"{TO_RING}\nimport psycopg, redis", tmp_path)
