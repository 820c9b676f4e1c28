"""Waiting for a job's end. While a server runs, its worker has the job; else it runs here, in a thread."""

import os
import signal
import socket
import threading
import time

from django.core.management.base import CommandError
from django.db import Error as DatabaseFailed
from django.db import connection

from repos import conf, jobs, outages, workers
from repos.models import Job
from repos.pulses import Pulses

from .display import Display
from .statuses import INTERRUPTED

# Seconds between two looks at the job.
LOOK = 0.2


def followed(job: Job, shown: Display) -> Job:
    """Waits for the job's end; runs it here if there is no worker to do so. Ctrl-C cancels what runs here."""
    runner, answered = _Runner(job.pk), time.monotonic()
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
            answered = time.monotonic()
            time.sleep(LOOK)
        except DatabaseFailed as error:
            if not outages.of(error) or time.monotonic() - answered > conf.silence().total_seconds():
                raise
            connection.close()
            time.sleep(LOOK)
        except KeyboardInterrupt:
            if not runner.busy:
                raise CommandError(f"Job {job.pk} goes on without this terminal.", returncode=INTERRUPTED) from None
            jobs.cancel(job)


class _Runner:
    """Runs what waits, up to job `pk`, in a thread of this process; first of all takes up what the dead left."""

    def __init__(self, pk: int) -> None:
        self._pk = pk
        self._pulses = Pulses()
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
        # Imported late: it costs more than commands that run nothing.
        from repos import chain
        from repos.recover import recover

        try:
            recover(by=self._name, pulses=self._pulses)
            for pk in Job.objects.active().filter(pk__lte=self._pk).values_list("pk", flat=True):
                chain.run(pk, self._name)
        except DatabaseFailed as error:
            # Whoever follows the job says so, or has this begun anew.
            if not outages.of(error):
                raise
        finally:
            connection.close()
