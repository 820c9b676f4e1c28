"""What a job tells of itself: how far it is, what happened, what it could not get, what it would have done."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from .job import Job


class ProgressReport(models.Model):
    """One line of a job's progress. They are made in the order of the actions that they belong to.

    `total` and `bytes_total` are null while unknown; `rate` is in bytes a second, smoothed. `samples` are how far it
    was at some moments, `current` what it is busy with at this one (see tracking.py).
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        SKIPPED = "skipped"
        FAILED = "failed"
        CANCELED = "canceled"

    class Action(models.TextChoices):
        SYNC = "sync"
        MODIFY = "modify"
        PUBLISH = "publish"
        DISTRIBUTE = "distribute"
        VERIFY = "verify"
        CLEAN = "clean"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="reports")
    action = models.CharField(max_length=20, choices=Action)
    code = models.CharField(max_length=50)
    message = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    bytes_done = models.PositiveBigIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(null=True)
    rate = models.PositiveBigIntegerField(default=0)
    suffix = models.CharField(max_length=500, default="")
    samples = models.TextField(default="")
    current = models.TextField(default="")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="report_state_is_known",
                condition=Q(state__in=["running", "completed", "skipped", "failed", "canceled"]),
            ),
            models.CheckConstraint(
                name="report_action_is_known",
                condition=Q(action__in=["sync", "modify", "publish", "distribute", "verify", "clean"]),
            ),
            models.CheckConstraint(
                name="report_finished_when_ended",
                condition=Q(state="running", finished_at__isnull=True)
                | (~Q(state="running") & Q(finished_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class FailedFileQuerySet(models.QuerySet["FailedFile"]):
    def by_cause(self) -> list[tuple[str, int]]:
        """How many there are of each cause, the most frequent first."""
        counted = self.order_by().values_list("cause").annotate(number=models.Count("pk"))
        return list(counted.order_by("-number", "cause"))


class FailedFile(models.Model):
    """A file that a job could not get, after all tries. Sizes are in bytes; what is not known is empty or null."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="failed_files")
    path = models.CharField(max_length=1024)
    url = models.TextField()
    cause = models.CharField(max_length=50)
    message = models.TextField()
    tries = models.PositiveSmallIntegerField()
    expected_sha256 = models.CharField(max_length=64)
    expected_size = models.PositiveBigIntegerField()
    actual_sha256 = models.CharField(max_length=64, default="")
    actual_size = models.PositiveBigIntegerField(null=True)
    # What to do about it: a sentence.
    advice = models.TextField(default="")

    objects = FailedFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.path


class LogLine(models.Model):
    """A dated line of what happened to a job. Unlike its reports, which say how far it is, they are never rewritten."""

    class Level(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        ERROR = "error"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    message = models.CharField(max_length=500)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="log_line_level_is_known", condition=Q(level__in=["info", "warning", "error"])),
            models.CheckConstraint(name="log_line_says_something", condition=~Q(message="")),
        ]
        indexes = [models.Index(name="log_line_by_job", fields=["job", "id"])]

    def __str__(self) -> str:
        return self.message


class DryRun(models.Model):
    """What a sync would have done to the version `base`, in files and bytes. dry_run.py has the files themselves."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="would")
    base = models.PositiveIntegerField()
    added = models.PositiveBigIntegerField()
    removed = models.PositiveBigIntegerField()
    changed = models.PositiveBigIntegerField()
    # How much the version would grow, or shrink, and what would have to be fetched for it.
    growth = models.BigIntegerField()
    fetched_files = models.PositiveBigIntegerField()
    fetched_bytes = models.PositiveBigIntegerField()
    # Whether the brake would stop it.
    brake = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"+{self.added} -{self.removed} ~{self.changed}"
