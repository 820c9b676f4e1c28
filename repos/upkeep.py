"""What is due by itself: a clean-up, and a verify of all that is stored, each as often as the settings say.

And a note of how much is stored (see growth.py).
"""

import logging
import time
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from . import clock, conf, growth, jobs
from .actions import CLEAN, VERIFY, Actions
from .models import Job, Repository

logger = logging.getLogger(__name__)

# Seconds between two looks at what is due.
LOOK = 60.0


class Watch:
    """Looks for what is due: call it as often as you like, it looks once a minute."""

    def __init__(self) -> None:
        self._next = time.monotonic() + LOOK
        self._growth = growth.Watch()

    def __call__(self) -> None:
        self._growth()
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LOOK
            for job in due():
                logger.info("Job %d was due", job.pk)


def due() -> list[Job]:
    """Asks for what is due, and returns those jobs. Any number of workers may call it: identical requests join."""
    if clock.jumped():
        return []
    each = (
        (CLEAN, Q(with_clean=True), conf.clean_every()),
        (VERIFY, Q(with_verify=True, repository=None), conf.verify_every()),
    )
    return [_ask(actions) for actions, which, every in each if _is_due(which, every)]


def _ask(actions: Actions) -> Job:
    return jobs.request(None, actions=actions).job


def _is_due(which: Q, every: timedelta) -> bool:
    if not every:
        return False
    last = Job.objects.filter(which).order_by("-pk").first()
    if last and last.is_active:
        return False
    since = (last.started_at or last.requested_at) if last else _beginning()
    return since is not None and timezone.now() - since >= every


def _beginning() -> datetime | None:
    """When the first of the repositories was made: a new installation waits a full period. None: nothing is there."""
    first = Repository.objects.order_by("created_at").first()
    return first.created_at if first else None
