"""`manage.py job VERB`: what was asked for, and what came of it."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import CommandParser

from repos import joblog, jobs
from repos.management.arguments import add_last, amount
from repos.management.display import failures_of, line_of
from repos.management.named import job_numbered, repository_named
from repos.management.tables import Cell, Size, write_table
from repos.management.verbs import VerbCommand
from repos.models import Job
from repos.terms import term

FAILED = (
    *("path", "cause", "tries", "message", "url", "expected sha256", "expected size"),
    *("actual sha256", "actual size", "advice"),
)


class Command(VerbCommand):
    help = "Shows jobs, cancels them, and asks for them again."

    def add_verbs(self, add: Callable[..., CommandParser]) -> None:
        some = add(self.list_, "the newest of them, or of a repository's")
        some.add_argument("name", nargs="?", metavar="NAME")
        add_last(some)
        for do, about in (
            (self.show, "what it did, and why it failed"),
            (self.log, "what happened to it, and when"),
            (self.cancel, "end it; it leaves no trace but its record"),
            (self.again, "ask for the same again"),
            (self.failed, "every file that it could not get, and why"),
            (self.retry, "fetch those files, and nothing else that is there already"),
            (self.confirm, "let it remove what the brake has stopped it over"),
        ):
            add(do, about).add_argument("number", type=amount, metavar="ID")

    def list_(self, *, name: str | None, last: int, **_: Any) -> None:
        found = Job.objects.for_list()
        if name:
            found = found.filter(repository=repository_named(name))
        rows = (
            (job.pk, job.subject, _actions(job), job.state, job.requested_at, job.duration, job.failed)
            for job in found[:last]
        )
        columns = ("id", "repository", "actions", "state", "requested", "took", "failed files")
        write_table(self.stdout, columns, rows)

    def show(self, *, number: int, **_: Any) -> None:
        job = job_numbered(number)
        write_table(self.stdout, (), _facts(job))
        for line in (*map(line_of, job.reports.all()), *failures_of(job)):
            self.stdout.write(line)

    def log(self, *, number: int, **_: Any) -> None:
        lines = joblog.lines_of(job_numbered(number))
        write_table(self.stdout, ("at", "level", "message"), ((one.at, one.level, one.message) for one in lines))

    def cancel(self, *, number: int, **_: Any) -> None:
        job = job_numbered(number)
        canceled = jobs.cancel(job)
        job.refresh_from_db()
        told = f"Job {job.pk} is told to stop." if job.is_active else f"Job {job.pk} is canceled."
        self.stdout.write(told if canceled else f"Job {job.pk} is {job.state}: there is nothing to cancel.")

    def again(self, *, number: int, **_: Any) -> None:
        job = job_numbered(number)
        self.follow(lambda: jobs.again(job))

    def failed(self, *, number: int, **_: Any) -> None:
        rows = (
            (
                *(one.path, one.cause, one.tries, one.message, one.url),
                *(one.expected_sha256, Size(one.expected_size), one.actual_sha256),
                None if one.actual_size is None else Size(one.actual_size),
                one.advice,
            )
            for one in job_numbered(number).failed_files.order_by("path")
        )
        write_table(self.stdout, FAILED, rows)

    def retry(self, *, number: int, **_: Any) -> None:
        job = job_numbered(number)
        self.follow(lambda: jobs.retry(job))

    def confirm(self, *, number: int, **_: Any) -> None:
        job = job_numbered(number)
        self.follow(lambda: jobs.confirm(job))


def _actions(job: Job) -> str:
    """What it does, or only looks at: `sync publish`, `sync --dry-run`."""
    return " ".join([*map(term, job.actions), *(["--dry-run"] if job.dry_run else [])])


def _facts(job: Job) -> Iterator[tuple[str, Cell]]:
    yield "job", job.pk
    yield "repository", job.subject
    yield "actions", _actions(job)
    yield "state", job.state
    yield "requested", job.requested_at
    yield "by", str(job.requested_by or "")
    yield "started", job.started_at
    yield "took", job.duration
    yield "version", job.version.number if job.version else None
    yield "failed-files", job.failed
    yield "published", str(job.publication or "")
    yield "switched", ", ".join(str(one.distribution) for one in job.switches.with_what_moved())
    yield "error", job.error
