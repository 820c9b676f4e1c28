"""Keeps what this checkout leaves behind: `python -m tests.upgrade tests/upgrade/0.1.0`, before a release goes out.

It runs a story through the real commands, on SQLite and on PostgreSQL, then writes the two databases as SQL, and the
pool's few bytes as JSON. tests/test_upgrade.py opens them with the code of its day.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.upstream import Upstream

PYTHON = sys.executable
POSTGRESQL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")

USERS = """
from django.contrib.auth.models import User
User.objects.create_superuser("admin", password="secret of admin")
User.objects.create_user("anna", password="secret of anna")
"""
# Jobs as a power cut leaves them: one that nobody runs any more, and one that waits for it.
CUT_SHORT = """
from django.contrib.auth.models import User
from django.utils import timezone
from repos import jobs
from repos.models import Job, Repository, Reservation
anna = User.objects.get(username="anna")
running = jobs.request(Repository.objects.get(name="docs"), by=anna).job
now = timezone.now()
Job.objects.filter(pk=running.pk).update(state="running", worker="gone", attempt=1, started_at=now, heartbeat_at=now)
Reservation.objects.filter(job=running).update(held=True)
jobs.request(Repository.objects.get(name="docs"), actions=jobs.Actions(distribute=False), by=anna)
"""


class Home:
    """A Millrace of this checkout on data of its own."""

    def __init__(self, data: Path, database: str) -> None:
        self.data = data
        self._environment = os.environ | {"MILLRACE_DATA": str(data), "DATABASE_URL": database}

    def run(self, *words: str, status: int = 0) -> None:
        command = [PYTHON, "manage.py", *words]
        ended = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if ended.returncode != status:
            raise SystemExit(f"{words} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")


def tell(home: Home, upstream: Upstream, files: Path) -> None:
    """Mirrors that grow, fail and brake; uploads; a roll back; jobs that were cut short."""
    home.run("migrate", "-v", "0")
    home.run("shell", "-v", "0", "-c", USERS)
    for name in ("one.txt", "two.txt", "folder/three.txt"):
        upstream.write(name, f"the first {name}\n".encode())
    home.run("mirror", upstream.manifest_url, "docs", "docs", "--mode", "mirror", "--checksums", "SHA256SUMS")
    upstream.write("one.txt", b"the second one.txt\n")
    upstream.write("four.txt", b"")
    home.run("sync", "docs")
    home.run("sync", "docs")
    home.run("distribution", "create", "docs", "pub/stable")
    home.run("distribution", "pin", "pub/stable", "1")
    listed = upstream.manifest
    upstream.manifest = listed + b"gone.txt," + b"0" * 64 + b",7\n"
    home.run("sync", "docs", status=1)
    upstream.manifest = b""
    home.run("sync", "docs", status=3)
    upstream.manifest = listed
    home.run("repository", "create", "uploads", "--base-path", "up")
    (files / "käse & more.txt").write_text("by hand\n")
    (files / "shared.txt").write_text("the first two.txt\n")
    home.run("upload", "uploads", f"{files}/", "--into", "a")
    home.run("remove", "uploads", "a/shared.txt")
    home.run("restore", "uploads", "1")
    home.run("shell", "-v", "0", "-c", CUT_SHORT)


def sqlite_dump(home: Home) -> str:
    database = sqlite3.connect(home.data / "millrace.sqlite3")
    return "\n".join(database.iterdump()) + "\n"


def postgresql_dump(url: str) -> str:
    command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--no-comments", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Neither what only psql understands, nor settings that other releases of the server do not have.
    lines = [
        line
        for line in text.splitlines()
        if not re.match(r"\\|--|SET |SELECT pg_catalog.set_config|CREATE SCHEMA", line)
    ]
    return "\n".join(line for line in lines if line) + "\n"


def pool_of(home: Home) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted((home.data / "pool").glob("??/*"))}


def main(into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    name = f"millrace_upgrade_{os.getpid()}"
    url = f"{POSTGRESQL.rpartition('/')[0]}/{name}"
    with tempfile.TemporaryDirectory() as scratch:
        for kind, database in (("sqlite", ""), ("postgresql", url)):
            home = Home(Path(scratch) / kind, database)
            files = Path(scratch) / f"files-{kind}"
            files.mkdir()
            if database:
                subprocess.run(["psql", "-q", POSTGRESQL, "-c", f"CREATE DATABASE {name}"], check=True)
            try:
                with Upstream() as upstream:
                    tell(home, upstream, files)
                dump = postgresql_dump(url) if database else sqlite_dump(home)
            finally:
                if database:
                    subprocess.run(["psql", "-q", POSTGRESQL, "-c", f"DROP DATABASE IF EXISTS {name}"], check=True)
            (into / f"{kind}.sql").write_text(dump)
            (into / "pool.json").write_text(json.dumps(pool_of(home), indent=1, ensure_ascii=False) + "\n")


main(Path(sys.argv[1]))
