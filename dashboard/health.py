"""How the installation is: who works, what waits, whether database, disk and cache answer, and with which versions."""

import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from django.conf import settings
from django.db import connection
from django.db.models import Min
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from repos import attention, conf, space, units
from repos.finding import Finding, Kind
from repos.models import Job, Worker
from repos.models.job import State

from . import cache, storage, tasks

Words: TypeAlias = str | Promise

# What needs attention and is not about one repository: these are told at the head of the status.
OF_ALL = {Kind.WORKER, Kind.DISK, Kind.DAMAGED, Kind.CLOCK, Kind.STUCK}
_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True)
class Queue:
    """Jobs that wait and that run, since when the longest of each does so; `unheard` are rings of the bell."""

    waiting: int
    running: int
    unheard: int | None
    waits_since: datetime | None
    runs_since: datetime | None


@dataclass(frozen=True)
class Database:
    """`seconds` is how long a statement takes that asks for nothing; `size` is in bytes, None where nobody tells."""

    name: str
    version: str
    seconds: float
    size: int | None

    @property
    def milliseconds(self) -> str:
        return units.number(1000 * self.seconds, 2)


@dataclass(frozen=True)
class Disk:
    """In bytes; `is_low`: the reserve has been touched, so nothing is fetched."""

    folder: Path
    total: int
    free: int
    reserve: int
    is_low: bool

    @property
    def used(self) -> int:
        return self.total - self.free


@dataclass(frozen=True)
class Health:
    workers: list[Worker]
    queue: Queue
    database: Database
    disk: Disk
    stored: tuple[int, int]
    redis: cache.Redis | None
    wrong: list[Finding]


def health() -> Health:
    return Health(
        workers=workers(),
        queue=queue(),
        database=database(),
        disk=disk(),
        stored=storage.used(),
        redis=cache.redis(),
        wrong=[one for one in attention.find() if one.kind in OF_ALL],
    )


def workers() -> list[Worker]:
    return list(Worker.objects.order_by("name"))


def queue() -> Queue:
    counts = Job.objects.active().counts()
    since = Job.objects.active().order_by().values_list("state").annotate(Min("requested_at"), Min("started_at"))
    asked, began = ({row[0]: row[place] for row in since} for place in (1, 2))
    return Queue(
        waiting=counts.get(State.WAITING, 0),
        running=counts.get(State.RUNNING, 0),
        unheard=tasks.queue_length(),
        waits_since=asked.get(State.WAITING),
        runs_since=began.get(State.RUNNING),
    )


def database() -> Database:
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    seconds = time.perf_counter() - begun
    return Database(_ENGINES.get(connection.vendor, connection.vendor), database_version(), seconds, _size())


def database_version() -> str:
    version = connection.get_database_version()
    if connection.vendor == "postgresql":
        # 150004 is 15.4: the second part has no meaning of its own since 10.
        return f"{version[0]}.{version[1]}"
    return ".".join(str(part) for part in version)


def _size() -> int | None:
    """What the database takes on its disk."""
    if connection.vendor == "sqlite":
        file = str(connection.settings_dict["NAME"])
        parts = [Path(f"{file}{suffix}") for suffix in ("", "-wal")]
        return sum(part.stat().st_size for part in parts if part.is_file())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def disk() -> Disk:
    found = shutil.disk_usage(conf.data())
    return Disk(conf.data(), found.total, found.free, conf.reserve_bytes(), space.is_low())


def versions() -> dict[str, str]:
    return {
        "millrace": settings.VERSION,
        "python": platform.python_version(),
        "django": metadata.version("django"),
        "huey": metadata.version("huey"),
    }


def choices() -> Iterator[tuple[Words, Words, str]]:
    """What an operator has chosen and others may want to know: in words, its value, and the variable. No secrets."""
    yield _("Address"), settings.MILLRACE_URL or _("as the browser asks for it"), "MILLRACE_URL"
    yield _("Web server in front"), settings.MILLRACE_PROXY or _("none"), "MILLRACE_PROXY"
    yield _("Who sends files"), settings.MILLRACE_SENDFILE or _("Millrace itself"), "MILLRACE_SENDFILE"
    yield _("Clean-up"), _every(conf.clean_every()), "MILLRACE_CLEAN_HOURS"
    yield _("Spared by a clean-up"), _period(conf.protection()), "MILLRACE_PROTECTION_HOURS"
    yield _("Verify of all files"), _every(conf.verify_every()), "MILLRACE_VERIFY_DAYS"
    yield _("Superseded files are found for"), _period(conf.grace()), "MILLRACE_GRACE_DAYS"
    yield _("Kept free on the disk"), units.size(conf.reserve_bytes()), "MILLRACE_RESERVE_BYTES"
    yield _("Largest upload"), units.size(conf.max_upload_bytes()), "MILLRACE_MAX_UPLOAD_BYTES"
    allowed = _("allowed") if settings.MILLRACE_ALLOW_PRIVATE else _("refused")
    yield _("Upstreams in private networks"), allowed, "MILLRACE_ALLOW_PRIVATE"


def _period(time: timedelta) -> Words:
    return units.period(time) if time else _("no time")


def _every(time: timedelta) -> Words:
    return _("every %(period)s") % {"period": units.period(time)} if time else _("only on request")
