"""What the commands share: the domain's sentences and exit statuses; asking for a run and telling how it ended."""

import fcntl
import io
import logging
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any, TextIO, cast

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import connection

from repos import conf, jobs, units
from repos.actions import NO_DETAILS, Actions, Details
from repos.errors import MillraceError
from repos.errors.storage import NotStored, SecretLost
from repos.jobs import Requested
from repos.models import Job, Repository, RepositoryVersion

from .display import display, failures_of
from .following import followed
from .named import repository_named
from .statuses import BAD_ARGUMENTS, BRAKE, FAILED


class DomainCommand(BaseCommand):
    """A command that calls the domain, and tells what that refuses in its own sentence."""

    # The system checks import all pages, which takes longer than most commands; `serve` makes them.
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        # What the job says, it says as progress.
        logging.getLogger("repos").setLevel(logging.ERROR)
        self.stdout = OutputWrapper(cast(TextIO, _Unbreakable(sys.stdout)))
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        migrate_if_new()
        try:
            self.act(**options)
        except MillraceError as error:
            status = FAILED if isinstance(error, NotStored | SecretLost) else BAD_ARGUMENTS
            raise CommandError(str(error), returncode=status) from None

    def act(self, *args: Any, **options: Any) -> None:
        """Does it. Raises MillraceError, and CommandError with a status of its own."""
        raise NotImplementedError

    def can_ask(self) -> bool:
        """Whether there is somebody to answer."""
        return sys.stdin.isatty() and self.stdout.isatty()

    def agreed(self, question: str) -> bool:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")

    def follow(self, ask: Callable[[], Requested]) -> None:
        """Shows the progress of the job that `ask` requests, and ends the process with status 1 if it failed."""
        requested = ask()
        job = requested.job
        if requested.joined:
            self.stdout.write(f"Job {job.pk} does the same already: following it.")
        with display(self.stdout) as shown:
            job = followed(job, shown)
        if job.would_remove is not None and self._confirmed(job):
            self.follow(lambda: jobs.confirm(job))
        else:
            self._conclude(job)

    def _confirmed(self, job: Job) -> bool:
        """Asks whether what the brake has stopped is right; nobody is asked where nobody can answer."""
        if not self.can_ask():
            return False
        self.stdout.write(job.error)
        return self.agreed(f"Remove {job.would_remove:,} files?")

    def _conclude(self, job: Job) -> None:
        took = units.duration(job.duration) if job.duration else "no time"
        for line in failures_of(job):
            self.stderr.write(line)
        if job.would_remove is not None:
            hint = f"To confirm: manage.py sync {shlex.quote(str(job.repository))} --remove-up-to {job.would_remove}"
            raise CommandError(f"Job {job.pk} was stopped by the brake. {job.error}\n{hint}", returncode=BRAKE)
        if job.state != "completed":
            raise CommandError(f"Job {job.pk} {job.state} after {took}. {job.error}".rstrip(), returncode=FAILED)
        if job.is_upkeep or job.dry_run:
            self.stdout.write(f"Job {job.pk} completed in {took}. {job.outcome}".rstrip())
            return
        version = _told(job.version) if job.version else ""
        published = f"published {_told(job.publication.version)}" if job.publication else ""
        made = [one for one in (version or published, _served(job)) if one]
        if job.failed and not job.version:
            made.append(f"{units.counted(job.failed, 'file')} failed, and no other was new")
        self.stdout.write(f"Job {job.pk} completed in {took}: {', '.join(made) or 'nothing was new'}.")


class RunCommand(DomainCommand):
    """A command that runs a job for the repository that it is given, and ends with 0 if that went well."""

    actions: Actions | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the repository")

    def act(self, *args: Any, **options: Any) -> None:
        repository = self.repository(options)
        self.follow(lambda: self.ask(repository, options))

    def repository(self, options: dict[str, Any]) -> Repository:
        """The one that the arguments name."""
        return repository_named(options["name"])

    def ask(self, repository: Repository, options: dict[str, Any]) -> Requested:
        """Requests the run."""
        actions, details = self.chosen(repository, options), self.details(repository, options)
        return jobs.request(repository, actions=actions, details=details)

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        """What is to be run, by the command's own options."""
        return self.actions or Actions.by_default(repository)

    def details(self, repository: Repository, options: dict[str, Any]) -> Details:
        """What the run is about besides its actions."""
        return NO_DETAILS


def migrate_if_new() -> None:
    """Makes the tables where there are none yet: a mirror needs no server to be made."""
    with (conf.data() / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if Repository._meta.db_table not in connection.introspection.table_names():
            if sys.stderr.isatty():
                sys.stderr.write("Making the tables of a new database …\n")
            call_command("migrate", interactive=False, verbosity=0)


class _Unbreakable(io.TextIOBase):
    """Standard output whose reader may go away: the job goes on, and its exit status is as it is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        return len(text)


def _told(version: RepositoryVersion) -> str:
    return units.version(version.number, version.failed)


def _served(job: Job) -> str:
    return ", ".join(
        f"now served at /content/{one.distribution}/" for one in job.switches.select_related("distribution")
    )
