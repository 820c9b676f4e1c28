"""What each earlier release left behind, made by its own code (see tests/upgrade), goes on with the code of today."""

import contextlib
import hashlib
import json
import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import requests

from tests.running import until
from tests.serving import Millrace
from tests.settings import POSTGRESQL
from tests.upstream import Upstream

RELEASES = sorted(path for path in (Path(__file__).parent / "upgrade").iterdir() if (path / "pool.json").exists())
UPSTREAM = re.compile(r"http://127\.0\.0\.1:\d+/")


def bring(release: Path, into: Millrace, upstream: Upstream) -> None:
    """Puts the data of `release` where `into` will look for it, its upstream's address replaced by today's."""
    pool = json.loads((release / "pool.json").read_text())
    for sha256, text in pool.items():
        file = into.data / "pool" / sha256[:2] / sha256
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    dump = UPSTREAM.sub(upstream.url, (release / f"{'postgresql' if POSTGRESQL else 'sqlite'}.sql").read_text())
    if POSTGRESQL:
        with psycopg.connect(into.database_url) as database:
            database.execute(dump.encode())
    else:
        with contextlib.closing(sqlite3.connect(into.data / "millrace.sqlite3")) as file:
            file.executescript(dump)


def fetched(millrace: Millrace, base_path: str) -> dict[str, bytes]:
    """All that is served there, by path, each verified by its line of the list."""
    root = f"{millrace.address}/content/{base_path}/"
    lines = [line.rsplit(",", 2) for line in requests.get(f"{root}PULP_MANIFEST", timeout=5).text.splitlines()]
    files = {}
    for path, sha256, size in lines:
        body = requests.get(root + quote(path), timeout=5).content
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (sha256, int(size))
        files[path] = body
    return files


@pytest.mark.server
@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_what_a_release_left_is_served_and_goes_on(new_millrace: Millrace, upstream: Upstream, release: Path) -> None:
    new_millrace.data.mkdir()
    bring(release, new_millrace, upstream)
    for name in ("two.txt", "folder/three.txt"):
        upstream.write(name, f"the first {name}\n".encode())
    upstream.write("one.txt", b"the second one.txt\n")
    upstream.write("four.txt", b"")
    upstream.write("five.txt", b"came later\n")

    new_millrace.start()
    # What was cut short goes on by itself, and fetches only what is new.
    until(lambda: not new_millrace.query("SELECT 1 FROM repos_job WHERE state IN ('waiting', 'running')"), "jobs end")
    assert new_millrace.query("SELECT state FROM repos_job ORDER BY id DESC LIMIT 2") == [("completed",)] * 2
    assert {one.path for one in upstream.requests} == {"PULP_MANIFEST", "five.txt"}

    now = {"one.txt": b"the second one.txt\n", "two.txt": b"the first two.txt\n", "five.txt": b"came later\n"}
    now |= {"folder/three.txt": b"the first folder/three.txt\n", "four.txt": b""}
    assert fetched(new_millrace, "docs") == now
    assert fetched(new_millrace, "pub/stable")["one.txt"] == b"the first one.txt\n"
    assert fetched(new_millrace, "up") == {
        "a/käse & more.txt": b"by hand\n",
        "a/shared.txt": b"the first two.txt\n",
    }


@pytest.mark.server
def test_people_keep_their_passwords_and_what_they_may(new_millrace: Millrace, upstream: Upstream) -> None:
    new_millrace.data.mkdir()
    bring(RELEASES[0], new_millrace, upstream)
    assert new_millrace.manage("migrate", "-v", "0").returncode == 0
    check = (
        "from django.contrib.auth import authenticate as of; from dashboard.roles import role_of; "
        "print([role_of(of(username=name, password=f'secret of {name}')).name for name in ('admin', 'anna')])"
    )
    told = new_millrace.manage("shell", "-v", "0", "-c", check)
    assert told.stdout.strip() == "['ADMINISTRATOR', 'OPERATOR']", told.stderr
