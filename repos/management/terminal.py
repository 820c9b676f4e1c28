"""What the commands share: asking for a run, following it, telling how it ended.

While a server runs the job is handed to its worker; else it runs here, in a thread of this process.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from repos import chain, jobs, tracking, units, workers
from repos.errors import MillraceError
from repos.jobs import Actions
from repos.models import Job, Repository

from .display import Display, display

# Seconds between two looks at the job.
LOOK = 0.2
FAILED, BAD_ARGUMENTS = 1, 2


class RunCommand(BaseCommand):
    """A command that runs a job for the repository that it is given, and ends with 0 if that went well."""

    actions: Actions | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the repository")

    def run_from_argv(self, argv: list[str]) -> None:
        # What the job says, it says as progress.
        logging.getLogger("repos").setLevel(logging.ERROR)
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        repository = self.repository(options)
        self.run_job(repository, self.chosen(repository, options))

    def repository(self, options: dict[str, Any]) -> Repository:
        """The one that the arguments name."""
        repository = Repository.objects.filter(name=options["name"]).first()
        if repository is None:
            raise CommandError(f"There is no repository called “{options['name']}”.", returncode=BAD_ARGUMENTS)
        return repository

    def chosen(self, repository: Repository, options: dict[str, Any]) -> Actions:
        """What is to be run, by the command's own options."""
        return self.actions or jobs.defaults(repository)

    def run_job(self, repository: Repository, actions: Actions) -> None:
        """Requests the run, shows its progress, and ends the process with status 1 if it failed."""
        try:
            requested = jobs.request(repository, actions=actions)
        except MillraceError as error:
            raise CommandError(str(error), returncode=BAD_ARGUMENTS) from None
        job = requested.job
        if requested.joined:
            self.stdout.write(f"Job {job.pk} does the same already: following it.")
        with display(sys.stdout) as shown:
            job = _followed(job, shown)
        self._conclude(job)

    def _conclude(self, job: Job) -> None:
        took = units.duration(job.duration) if job.duration else "no time"
        for failed in job.failed_files.all()[:20]:
            self.stderr.write(f"  {failed.path}: {failed.message} ({failed.url}, {_tries(failed.tries)})")
        if job.state != "completed":
            raise CommandError(f"Job {job.pk} {job.state} after {took}. {job.error}".rstrip(), returncode=FAILED)
        made = [str(one) for one in (job.version and f"version {job.version.number}", _served(job)) if one]
        self.stdout.write(f"Job {job.pk} completed in {took}: {', '.join(made) or 'nothing was new'}.")


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _served(job: Job) -> str:
    return ", ".join(
        f"now served at /content/{one.distribution}/" for one in job.switches.select_related("distribution")
    )


def _followed(job: Job, shown: Display) -> Job:
    """Waits for the job's end; runs it here if there is no worker to do so. Ctrl-C cancels what runs here."""
    runner = _Runner(job.pk)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    while True:
        try:
            job = Job.objects.select_related("repository", "version").get(pk=job.pk)
            shown.show(job)
            if not job.is_active:
                runner.join()
                return job
            if job.state == "waiting" and not runner.busy and not workers.anyone():
                runner.start()
            time.sleep(LOOK)
        except KeyboardInterrupt:
            if not runner.busy:
                raise CommandError(f"Job {job.pk} goes on in the server.", returncode=130) from None
            jobs.cancel(job)


class _Runner:
    """Runs what waits, up to job `pk`, in a thread of this process."""

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
                if not tracking.closing.is_set():
                    chain.run(pk, self._name)
        finally:
            connection.close()
