"""Millrace as the measurements use it: a fresh data folder, its commands, and its own record of its jobs."""

import sqlite3
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.children import Cost, run
from bench.trees import Entry

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


@dataclass(frozen=True)
class Job:
    """A job as the database records it; its times are None until it has started or ended."""

    number: int
    state: str
    started: datetime | None
    finished: datetime | None
    error: str

    @property
    def seconds(self) -> float:
        if self.started is None or self.finished is None or self.state != "completed":
            raise RuntimeError(f"job {self.number} is {self.state}: {self.error}")
        return (self.finished - self.started).total_seconds()


@dataclass(frozen=True)
class Run:
    """What a job cost: the whole command with the start of its process, and the job alone by its own clock."""

    command: Cost
    job: Cost


class Instance:
    """A Millrace with all its data in one folder."""

    def __init__(self, data: Path, extra: dict[str, str] | None = None) -> None:
        self.data = data
        # No DATABASE_URL: the measurements are of the default, SQLite, and read it themselves.
        self.environment = {"MILLRACE_DATA": str(data), "DATABASE_URL": "", **(extra or {})}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(MANAGE), *words]

    def migrate(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        run(self.command("migrate"), self.environment)

    def run_job(self, *words: str) -> Run:
        """Runs a command that ends with its job; raises if the job is not a new one, or not completed."""
        before = self.last_job()
        whole = run(self.command(*words), self.environment, log=self.data.parent / f"{words[0]}.log")
        job = self.last_job()
        if job is None or job == before:
            raise RuntimeError(f"`manage.py {' '.join(words)}` made no job")
        return Run(whole, replace(whole, seconds=job.seconds))

    def last_job(self) -> Job | None:
        columns = "id, state, started_at, finished_at, error"
        with sqlite3.connect(f"file:{self.data}/millrace.sqlite3?mode=ro", uri=True, timeout=20) as database:
            row = database.execute(f"SELECT {columns} FROM repos_job ORDER BY id DESC LIMIT 1").fetchone()
        database.close()
        return Job(row[0], row[1], moment(row[2]), moment(row[3]), row[4]) if row else None

    def missing(self, entries: list[Entry]) -> int:
        """How many of the entries' bytes are not in the pool, judged by name and size."""
        files = (self.data / "pool" / entry.sha256[:2] / entry.sha256 for entry in entries)
        return sum(
            not (file.is_file() and file.stat().st_size == entry.size)
            for file, entry in zip(files, entries, strict=True)
        )


def moment(text: str | None) -> datetime | None:
    """A time as Django writes it to SQLite: in UTC, without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
