"""The processes that run jobs, as others see them."""

import os
import socket

from django.utils import timezone

from . import conf
from .models import Worker


def name_here() -> str:
    """The name of the worker whose data lies here: one process at a time has it."""
    return f"{socket.gethostname()}:{conf.data()}"


def enter(name: str, threads: int) -> None:
    """Signs a worker in, as the successor of any earlier one with its name."""
    now = timezone.now()
    signed = {"pid": os.getpid(), "threads": threads, "started_at": now, "heartbeat_at": now}
    Worker.objects.update_or_create(name=name, defaults=signed)


def sign(name: str) -> None:
    """A worker's sign of life."""
    Worker.objects.filter(name=name).update(heartbeat_at=timezone.now())


def leave(name: str) -> None:
    """Signs a worker out."""
    Worker.objects.filter(name=name).delete()


def anyone() -> bool:
    """Whether some worker is alive to take up a job."""
    return any(worker.alive for worker in Worker.objects.all())
