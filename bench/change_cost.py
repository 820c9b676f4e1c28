"""What a job costs by how much has changed: time, memory, database and disk, for lists of any length.

.venv/bin/python -m bench.change_cost [--files 10000 100000 1000000] [--digests 16] [--database postgres://…] [--pages]

For each length, one after another: the first run; the same list when the upstream says 304, and when it does not but
the bytes are the same; another list of the same files; 1 % changed; 100 % changed; and publishing all again with other
settings. The files are of few digests, so that rows are measured and not downloads, unless `--digests` says otherwise.
"""

import argparse
import hashlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, processes
from bench.browser import Browser
from bench.dashboard_latency import PASSWORD, server
from bench.millrace import Instance, Job
from bench.trees import MANIFEST
from bench.upstream import Upstream, free_port

SIZE = 1024
MB = 1e6
PAGES = {
    "overview": "/",
    "repository": "/repositories/{repository}/",
    "version": "/repositories/{repository}/versions/2/",
    "its top folder": "/repositories/{repository}/versions/2/files/",
    "a part of the path, not found": "/repositories/{repository}/versions/2/files/?q=no-such-file",
    "a folder deep inside": "/repositories/{repository}/versions/2/files/?folder=set-000/5/",
    "publication": "/publications/{publication}/",
    "storage, all counted": "/storage/?counted",
    "storage of the repository": "/storage/{repository}/",
    "deleting the version": "/repositories/{repository}/versions/1/delete/",
    "deleting the repository": "/repositories/{repository}/delete/",
    "listing of the top folder": "/content/bench/",
    "listing of a folder of 1,000": "/content/bench/set-000/0/",
    "the published list": "/content/bench/PULP_MANIFEST",
}


class Database(Protocol):
    """What is asked of the database beside the jobs."""

    url: str

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...

    def size(self) -> int:
        """Bytes that it takes, all told."""

    def written(self) -> int:
        """Bytes that its own processes have written to its log so far; 0 where the job writes them itself."""


class Sqlite:
    url = ""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=20)) as database:
            return database.execute(query).fetchall()

    def size(self) -> int:
        (pages,), (free,), (page,) = (
            self.rows(f"PRAGMA {what}")[0] for what in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page)

    def written(self) -> int:
        return 0


class PostgreSQL:
    """A database of its own on that server, gone at the end."""

    def __init__(self, server: str) -> None:
        import psycopg

        base, _, _ = server.rpartition("/")
        self._admin = psycopg.connect(f"{base}/postgres", autocommit=True)
        self._name = f"millrace_bench_{os.getpid()}"
        self._admin.execute(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
        self._admin.execute(f'CREATE DATABASE "{self._name}"')
        self.url = f"{base}/{self._name}"
        self._connection = psycopg.connect(self.url, autocommit=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode()).fetchall()

    def size(self) -> int:
        return int(self.rows("SELECT pg_database_size(current_database())")[0][0])

    def written(self) -> int:
        return int(self.rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")[0][0])

    def drop(self) -> None:
        self._connection.close()
        self._admin.execute(f'DROP DATABASE "{self._name}" WITH (FORCE)')
        self._admin.close()


class Measured(Instance):
    """A Millrace on a database that is looked into."""

    def __init__(self, data: Path, database: Database) -> None:
        # Without a grace time, so that the page that deletes a version has something to count.
        extra = {"DATABASE_URL": database.url, "MILLRACE_ADMIN_PASSWORD": PASSWORD, "MILLRACE_GRACE_DAYS": "0"}
        super().__init__(data, extra)
        self.database = database

    def last_job(self) -> Job | None:
        found = self.database.rows(
            "SELECT id, state, started_at, finished_at, error FROM repos_job ORDER BY id DESC LIMIT 1"
        )
        return Job(found[0][0], found[0][1], at(found[0][2]), at(found[0][3]), found[0][4]) if found else None

    def steps(self) -> Iterator[tuple[str, float]]:
        """The steps of the newest job, by code, and their seconds."""
        found = self.database.rows(
            "SELECT code, started_at, finished_at FROM repos_progressreport "
            "WHERE job_id = (SELECT max(id) FROM repos_job) ORDER BY id"
        )
        for code, begun, ended in found:
            yield code, (datetime.fromisoformat(str(ended)) - datetime.fromisoformat(str(begun))).total_seconds()

    def content(self) -> int:
        return int(self.database.rows("SELECT count(*) FROM repos_content")[0][0])


def at(moment: object) -> datetime | None:
    return datetime.fromisoformat(str(moment)) if moment else None


@dataclass(frozen=True)
class Row:
    """One line of the table. Bytes; `rows` are those of files that came to the database."""

    files: int
    what: str
    seconds: float
    cpu_seconds: float
    peak_mb: float
    written: float
    growth: int
    rows: int
    steps: list[tuple[str, float]]

    HEAD = "|   files | what | job s | CPU s | peak MB | written MB | database + MB | rows + |"
    RULE = "|--:|---|--:|--:|--:|--:|--:|--:|"

    def __str__(self) -> str:
        return (
            f"| {self.files:,} | {self.what} | {self.seconds:.3f} | {self.cpu_seconds:.2f} | {self.peak_mb:.0f} "
            f"| {self.written / MB:.2f} | {self.growth / MB:.2f} | {self.rows:,} |"
        )

    def detail(self) -> str:
        return "    " + ", ".join(f"{code} {seconds:.3f}" for code, seconds in self.steps)


class Tree:
    """What the upstream serves: a list, and under the first path of each digest the bytes that are asked for."""

    def __init__(self, root: Path, files: int, digests: int) -> None:
        self._root, self._files, self._digests, self._time = root, files, digests, 0
        root.mkdir()

    def write(self, changed: float = 0.0, generation: int = 0, comment: str = "") -> None:
        """Writes the list; that share of the files, evenly spread, has the bytes of `generation`, the others none."""
        step = round(1 / changed) if changed else 0
        known: dict[int, str] = {}
        with (self._root / MANIFEST).open("w") as stream:
            for n in range(self._files):
                path = f"set-{n // 10_000:03d}/{n // 1000 % 10}/file-{n:07d}.bin"
                which = n % self._digests + (generation * self._digests if step and n % step == 0 else 0)
                if which not in known:
                    known[which] = self._body(path, which)
                stream.write(f"{path},{known[which]},{SIZE}\n")
            stream.write(comment)
        self.touch()

    def _body(self, path: str, which: int) -> str:
        body = f"{which}".encode().rjust(SIZE)
        file = self._root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        return hashlib.sha256(body).hexdigest()

    def touch(self) -> None:
        """Lets nginx, whose ETag is made of whole seconds and the size, give another one."""
        self._time += 10
        os.utime(self._root / MANIFEST, (self._time, self._time))


def measured(instance: Measured, files: int, what: str, *words: str) -> Row:
    database = instance.database
    known = instance.last_job() is not None
    before = database.size(), database.written(), instance.content() if known else 0
    run = instance.run_job(*words)
    row = Row(
        files=files,
        what=what,
        seconds=run.job.seconds,
        cpu_seconds=run.command.cpu_seconds,
        peak_mb=run.command.peak_mb,
        written=run.command.written_mb * MB + database.written() - before[1],
        growth=database.size() - before[0],
        rows=instance.content() - before[2],
        steps=list(instance.steps()),
    )
    print(row, flush=True)
    print(row.detail(), file=sys.stderr, flush=True)
    return row


def measure(instance: Measured, tree: Tree, files: int, url: str) -> None:
    """All cases of one length. Each begins where the one before has ended."""
    tree.write()
    measured(instance, files, "first run", "mirror", url + MANIFEST, "bench", "bench", "--mode", "mirror")
    measured(instance, files, "nothing changed, 304", "sync", "bench")
    tree.touch()
    measured(instance, files, "the same bytes, not said", "sync", "bench")
    tree.write(comment="# another\n")
    measured(instance, files, "another list, the same files", "sync", "bench")
    tree.write(0.01, 1)
    measured(instance, files, "1 % changed", "sync", "bench")
    tree.write(1.0, 2)
    measured(instance, files, "100 % changed", "sync", "bench")
    measured(instance, files, "published with checksums too", "publish", "bench", "--checksums", "SHA256SUMS")
    measured(
        instance, files, "published with checksums only", "publish", "bench", "--checksums", "SUMS", "--manifest", ""
    )


def look(instance: Measured) -> None:
    """Asks for every page that shows the repository, twice each, and says what the web server came to."""
    port = free_port()
    repository = instance.database.rows("SELECT id FROM repos_repository")[0][0]
    publication = instance.database.rows("SELECT max(id) FROM repos_publication")[0][0]
    with server(instance, port) as process:
        browser = Browser(port)
        browser.sign_in("admin", PASSWORD)
        print("\n| page | first ms | again ms | web server's peak MB |\n|---|--:|--:|--:|")
        for name, path in PAGES.items():
            address = path.format(repository=repository, publication=publication)
            try:
                first, again = (browser.time(address) for _ in range(2))
            except RuntimeError as error:
                print(f"| {name} | {error} | | |")
                continue
            peak = processes.peak_mb(process.pid)
            print(f"| {name} | {first * 1000:.0f} | {again * 1000:.0f} | {peak:.0f} |", flush=True)


@contextmanager
def database_of(data: Path, server: str) -> Iterator[Database]:
    if not server:
        yield Sqlite(data / "millrace.sqlite3")
        return
    database = PostgreSQL(server)
    try:
        yield database
    finally:
        database.drop()


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--digests", type=int, default=16, help="how many different files there are, each time")
    parser.add_argument("--database", default="", help="a PostgreSQL server, in place of SQLite: postgres://…/name")
    parser.add_argument("--pages", action="store_true", help="look at every page of the repository, too")
    parser.add_argument("--work", type=Path, help="folder for all files; deleted at the end")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    chosen = parse(words)
    work = Path(tempfile.mkdtemp(prefix="millrace-cost-", dir=chosen.work))
    print("\n".join(machine.describe(work)))
    try:
        print(f"\n{Row.HEAD}\n{Row.RULE}")
        for files in chosen.files:
            data = work / f"data-{files}"
            tree = Tree(work / f"upstream-{files}", files, min(chosen.digests, files))
            with database_of(data, chosen.database) as database, Upstream(work / f"upstream-{files}") as upstream:
                instance = Measured(data, database)
                instance.migrate()
                measure(instance, tree, files, upstream.url)
                if chosen.pages:
                    look(instance)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main(sys.argv[1:])
