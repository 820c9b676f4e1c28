"""What needs attention, as a value: one thing, in a sentence, with the act that mends it."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from . import units
from .models import Distribution, Job, Repository
from .words import later, say

Row = TypeVar("Row", bound=Model)


class Kind(StrEnum):
    """In the order in which they are told: the worst first."""

    WORKER = "worker"
    DISK = "disk"
    DAMAGED = "damaged"
    CLOCK = "clock"
    FAILED = "failed"
    BRAKE = "brake"
    UNPUBLISHED = "unpublished"
    UNSERVED = "unserved"
    BEHIND = "behind"
    STUCK = "stuck"
    PARTIAL = "partial"
    STALE = "stale"


class Verb(StrEnum):
    """What can be done about it."""

    RUN = "run"
    PUBLISH = "publish"
    DISTRIBUTE = "distribute"
    RETRY = "retry"
    AGAIN = "again"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    WATCH = "watch"
    VERIFY = "verify"
    CLEAN = "clean"
    START = "start"


_WORDS = {
    Verb.RUN: later("Run it"),
    Verb.PUBLISH: later("Publish it"),
    Verb.DISTRIBUTE: later("Publish and serve"),
    Verb.RETRY: later("Retry failed files"),
    Verb.AGAIN: later("Run again"),
    Verb.CANCEL: later("Cancel it"),
    Verb.VERIFY: later("Verify and repair"),
    Verb.CLEAN: later("Clean up"),
    Verb.START: later("Start a worker"),
}
# Of `manage.py`; what the act is on comes behind it.
_COMMANDS = {
    Verb.RUN: "sync",
    Verb.PUBLISH: "publish",
    Verb.DISTRIBUTE: "distribute",
    Verb.RETRY: "job retry",
    Verb.AGAIN: "job again",
    Verb.CONFIRM: "job confirm",
    Verb.CANCEL: "job cancel",
    Verb.WATCH: "job show",
    Verb.VERIFY: "verify --repair",
    Verb.CLEAN: "clean",
    Verb.START: "serve",
}


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: on a repository, on a job, or (None) on the installation."""

    verb: Verb
    on: Repository | Job | None = None

    @property
    def words(self) -> str:
        """As a button says it."""
        if isinstance(self.on, Job) and self.verb == Verb.WATCH:
            return say("Watch job {job}", job=self.on.pk)
        if isinstance(self.on, Job) and self.verb == Verb.CONFIRM:
            return say("Let it remove {files}", files=units.counted(self.on.would_remove or 0, "file"))
        return say(_WORDS[self.verb])

    @property
    def command(self) -> str:
        """As it is typed at a terminal."""
        match self.on:
            case Job():
                what = f" {self.on.pk}"
            case Repository():
                what = f" {shlex.quote(self.on.name)}"
            case _:
                what = ""
        return f"manage.py {_COMMANDS[self.verb]}{what}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that needs attention. `since` is None where nobody knows; `act` where nothing here mends it."""

    kind: Kind
    message: str
    act: Act | None = None
    since: datetime | None = None
    repository: Repository | None = None
    job: Job | None = None
    distribution: Distribution | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs: names and numbers of what it is about, null where it is not about such."""
        act = self.act and {"verb": str(self.act.verb), "words": self.act.words, "command": self.act.command}
        return {
            "kind": str(self.kind),
            "message": self.message,
            "since": self.since,
            "repository": self.repository and self.repository.name,
            "job": self.job and self.job.pk,
            "distribution": self.distribution and self.distribution.base_path,
            "act": act,
        }


class Findings(list[Finding]):
    """The worst first, and as many as are told one by one; `more` is how many there are besides."""

    more = 0

    def take(self, rows: QuerySet[Row], limit: int, tell: Callable[[Row], Finding]) -> list[Row]:
        """Tells of the first `limit` rows, which it returns, and counts the others."""
        first = list(rows[: limit + 1])
        if len(first) > limit:
            self.more += rows.count() - limit
        self.extend(tell(row) for row in first[:limit])
        return first[:limit]

    @property
    def total(self) -> int:
        return len(self) + self.more

    def as_json(self) -> dict[str, Any]:
        return {"attention": [one.as_json() for one in self], "attention_more": self.more}
