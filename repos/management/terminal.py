"""What the commands share: asking for a run, following it, telling how it ended.

While a server runs the job is handed to its worker; else it runs here, in a thread of this process.
"""

import fcntl
import io
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO, cast

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import connection

from repos import chain, conf, jobs, units, workers
from repos.errors import MillraceError
from repos.jobs import Actions, Details, Requested
from repos.models import Job, Repository

from .display import Display, display

# Seconds between two looks at the job.
LOOK = 0.2
FAILED, BAD_ARGUMENTS, BRAKE = 1, 2, 3


class RunCommand(BaseCommand):
    """A command that runs a job for the repository that it is given, and ends with 0 if that went well."""

    actions: Actions | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the repository")

    def run_from_argv(self, argv: list[str]) -> None:
        # What the job says, it says as progress.
        logging.getLogger("repos").setLevel(logging.ERROR)
        self.stdout = OutputWrapper(cast(TextIO, _Unbreakable(sys.stdout)))
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        migrate_if_new()
        repository = self.repository(options)
        self.run_job(repository, self.chosen(repository, options), self.details(options))

    def repository(self, options: dict[str, Any]) -> Repository:
        """The one that the arguments name."""
        repository = Repository.objects.filter(name=options["name"]).first()
        if repository is None:
            raise CommandError(f"There is no repository called “{options['name']}”.", returncode=BAD_ARGUMENTS)
        return repository

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        """What is to be run, by the command's own options."""
        return self.actions or jobs.defaults(repository)

    def details(self, options: dict[str, Any]) -> Details:
        """What the run is about besides its actions."""
        return jobs.NO_DETAILS

    def run_job(self, repository: Repository, actions: Actions, details: Details = jobs.NO_DETAILS) -> None:
        """Requests the run, shows its progress, and ends the process with status 1 if it failed."""
        self.follow(lambda: jobs.request(repository, actions=actions, details=details))

    def follow(self, ask: Callable[[], Requested]) -> None:
        """Shows the progress of the job that `ask` requests, and ends the process with status 1 if it failed."""
        try:
            requested = ask()
        except MillraceError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENTS) from None
        job = requested.job
        if requested.joined:
            self.stdout.write(f"Job {job.pk} does the same already: following it.")
        with display(self.stdout) as shown:
            job = _followed(job, shown)
        if job.would_remove is not None and self._confirmed(job):
            self.follow(lambda: jobs.confirm(job))
        else:
            self._conclude(job)

    def _confirmed(self, job: Job) -> bool:
        """Asks whether what the brake has stopped is right; nobody is asked where nobody can answer."""
        if not (sys.stdin.isatty() and self.stdout.isatty()):
            return False
        self.stdout.write(job.error)
        return input(f"Remove {job.would_remove:,} files? [y/N] ").strip().lower() in ("y", "yes")

    def _conclude(self, job: Job) -> None:
        took = units.duration(job.duration) if job.duration else "no time"
        for failed in job.failed_files.all()[:20]:
            self.stderr.write(f"  {failed.path}: {failed.message} ({failed.url}, {_tries(failed.tries)})")
        if job.would_remove is not None:
            hint = f"To confirm: manage.py sync “{job.repository}” --remove-up-to {job.would_remove}"
            raise CommandError(f"Job {job.pk} was stopped by the brake. {job.error}\n{hint}", returncode=BRAKE)
        if job.state != "completed":
            raise CommandError(f"Job {job.pk} {job.state} after {took}. {job.error}".rstrip(), returncode=FAILED)
        version = f"version {job.version.number}" if job.version else ""
        published = f"published version {job.publication.version.number}" if job.publication else ""
        made = [one for one in (version or published, _served(job)) if one]
        self.stdout.write(f"Job {job.pk} completed in {took}: {', '.join(made) or 'nothing was new'}.")


def migrate_if_new() -> None:
    """Makes the tables where there are none yet: a mirror needs no server to be made."""
    with (conf.data() / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if Repository._meta.db_table not in connection.introspection.table_names():
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


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _served(job: Job) -> str:
    return ", ".join(
        f"now served at /content/{one.distribution}/" for one in job.switches.select_related("distribution")
    )


def _followed(job: Job, shown: Display) -> Job:
    """Waits for the job's end; runs it here if there is no worker to do so. Ctrl-C cancels what runs here."""
    runner = _Runner(job.pk)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    while True:
        try:
            job = Job.objects.select_related("repository", "version", "publication__version").get(pk=job.pk)
            shown.show(job)
            if not job.is_active:
                runner.join()
                return job
            if not runner.busy and not workers.anyone():
                runner.start()
            time.sleep(LOOK)
        except KeyboardInterrupt:
            if not runner.busy:
                raise CommandError(f"Job {job.pk} goes on without this terminal.", returncode=130) from None
            jobs.cancel(job)


class _Runner:
    """Runs what waits, up to job `pk`, in a thread of this process; first of all takes up what the dead left."""

    def __init__(self, pk: int) -> None:
        self._pk = pk
        self._thread: threading.Thread | None = None
        self._name = f"{socket.gethostname()}:terminal:{os.getpid()}"

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        # A daemon: it must not keep the process, whose end its progress thread would outlive.
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._thread.start()

    def join(self) -> None:
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            chain.recover(by=self._name)
            for pk in Job.objects.active().filter(pk__lte=self._pk).values_list("pk", flat=True):
                chain.run(pk, self._name)
        finally:
            connection.close()
