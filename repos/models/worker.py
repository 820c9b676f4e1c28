"""The processes that run jobs."""

from datetime import timedelta

from django.db import models
from django.utils import timezone


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> "WorkerQuerySet":
        now = timezone.now()
        since, until = now - timedelta(seconds=Worker.SILENCE), now + timedelta(seconds=Worker.AHEAD)
        return self.filter(heartbeat_at__gt=since, heartbeat_at__lt=until)


class Worker(models.Model):
    """A process that runs jobs. It signs `heartbeat_at` every second or so; one that does not is gone."""

    # Seconds without a heartbeat after which nobody counts on it any more.
    SILENCE = 10
    # Seconds by which the clock of its machine may be ahead of ours. A sign from a later time is an old one: from
    # before the clock was set back.
    AHEAD = 60

    name = models.CharField(max_length=300, unique=True)
    pid = models.PositiveIntegerField()
    threads = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def alive(self) -> bool:
        age = timezone.now() - self.heartbeat_at
        return timedelta(seconds=-self.AHEAD) < age < timedelta(seconds=self.SILENCE)
