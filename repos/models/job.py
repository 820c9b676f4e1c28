"""The one task that a person watches: its request, its state, its progress, its end."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .content import Artifact
from .distribution import Switch
from .publication import Publication
from .publish_settings import PublishSettings
from .repository import Repository, RepositoryVersion


class State(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


ACTIVE = [State.WAITING, State.RUNNING]
ENDED = [State.COMPLETED, State.FAILED, State.CANCELED]


class JobQuerySet(models.QuerySet["Job"]):
    def active(self) -> "JobQuerySet":
        """Waiting or running, in order of request."""
        return self.filter(state__in=ACTIVE).order_by("pk")

    def for_list(self) -> "JobQuerySet":
        """Newest first, with all that a row of a list shows."""
        rows = self.select_related("repository", "requested_by", "version", "publication").order_by("-pk")
        return rows.annotate(switched=models.Exists(Switch.objects.filter(job=models.OuterRef("pk"))))

    def for_page(self) -> "JobQuerySet":
        """With all that a job's own page shows."""
        return self.for_list().select_related(
            "repository__remote", "publication__version", "publication__settings", "publish_settings"
        )

    def for_panel(self) -> "JobQuerySet":
        """Active jobs with their reports, and with the reservations that say which waits for which."""
        return self.active().select_related("repository", "requested_by").prefetch_related("reports", "reservations")

    def runs(self) -> "JobQuerySet":
        """Those that bring something to a repository: all but upkeep."""
        return self.filter(repository__isnull=False, with_verify=False, with_clean=False)

    def telling(self) -> "JobQuerySet":
        """Of each repository the runs that are active, and the newest that ended: newest first."""
        ended = Job.objects.runs().filter(repository=models.OuterRef("repository"), state__in=ENDED).order_by("-pk")
        last = Q(pk=models.Subquery(ended.values("pk")[:1]))
        switched = models.Exists(Switch.objects.filter(job=models.OuterRef("pk")))
        return self.runs().filter(Q(state__in=ACTIVE) | last).annotate(switched=switched).order_by("-pk")

    def requested_today(self) -> "JobQuerySet":
        return self.filter(requested_at__gte=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0))

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state that at least one is in."""
        return dict(self.order_by().values_list("state").annotate(number=models.Count("pk")))

    def in_the_way_of(self, job: "Job") -> "JobQuerySet":
        """Active jobs that were requested earlier than `job` and reserve something that it needs."""
        needed = Reservation.objects.filter(job=job).values("resource")
        return self.active().filter(pk__lt=job.pk, reservations__resource__in=needed).distinct()


class Job(models.Model):
    """A run for one repository. Its state is the truth; the queue only rings the bell.

    `attempt` grows whenever somebody takes it, to run it or to take it from the dead. It is the fencing token: whoever
    writes as an earlier attempt finds that no row matches. `deaths` counts the workers that died over it.
    """

    # Null: it looks after all that is stored.
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, null=True, related_name="jobs")
    with_sync = models.BooleanField()
    with_modify = models.BooleanField(default=False)
    with_publish = models.BooleanField()
    with_distribute = models.BooleanField()
    with_verify = models.BooleanField(default=False)
    with_clean = models.BooleanField(default=False)
    # All of the request in a few words (see jobs.py): two with the same words are identical.
    request = models.CharField(max_length=200)
    # The number of the version that is to be restored, or to be published; null: no one, or the newest.
    of_version = models.PositiveIntegerField(null=True)
    # What to publish with; null: the repository's settings.
    publish_settings = models.ForeignKey(PublishSettings, on_delete=models.SET_NULL, null=True, related_name="jobs")
    # How many files a sync may remove though the brake would stop it; null: nobody has confirmed any.
    may_remove = models.PositiveBigIntegerField(null=True)
    # Whether a change by hand may put other bytes where a file is.
    may_replace = models.BooleanField(default=False)
    # Of a verify: whether it fetches anew what it finds damaged; at most so many bytes a second (null: as configured);
    # and the number of the last artifact that it has looked at, from which it goes on when it is taken up again.
    may_repair = models.BooleanField(default=False)
    rate = models.PositiveBigIntegerField(null=True)
    position = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    requested_at = models.DateTimeField(default=timezone.now)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    cancel_requested_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=300, default="")
    attempt = models.PositiveIntegerField(default=0)
    deaths = models.PositiveSmallIntegerField(default=0)
    # What it made; null where that was already there, or was not asked for.
    version = models.ForeignKey(RepositoryVersion, on_delete=models.SET_NULL, null=True, related_name="jobs")
    publication = models.ForeignKey(Publication, on_delete=models.SET_NULL, null=True, related_name="jobs")
    # Files that it could not get; they are listed with it (see FailedFile).
    failed = models.PositiveBigIntegerField(default=0)
    # What a verify or a clean-up came to, in words; and what was freed, in files and bytes of the pool.
    outcome = models.TextField(default="")
    freed_files = models.PositiveBigIntegerField(null=True)
    freed_bytes = models.PositiveBigIntegerField(null=True)
    # The sentence that a user can act on, and its class (see repos/errors.py).
    error = models.TextField(default="")
    error_code = models.CharField(max_length=50, default="")
    # Where the brake stopped it: how many files the sync would have removed.
    would_remove = models.PositiveBigIntegerField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="job_state_is_known", condition=Q(state__in=[*ACTIVE, *ENDED])),
            models.CheckConstraint(
                name="job_does_something",
                condition=Q(with_sync=True)
                | Q(with_modify=True)
                | Q(with_publish=True)
                | Q(with_verify=True)
                | Q(with_clean=True),
            ),
            models.CheckConstraint(
                name="job_upkeep_stands_alone",
                condition=Q(with_verify=False, with_clean=False)
                | Q(
                    ~Q(with_verify=True, with_clean=True),
                    with_sync=False,
                    with_modify=False,
                    with_publish=False,
                ),
            ),
            models.CheckConstraint(
                name="job_run_has_repository",
                condition=Q(repository__isnull=False) | Q(with_sync=False, with_modify=False, with_publish=False),
            ),
            # A version comes from one of them.
            models.CheckConstraint(name="job_sync_or_modify", condition=Q(with_sync=False) | Q(with_modify=False)),
            models.CheckConstraint(name="job_has_request", condition=~Q(request="")),
            models.CheckConstraint(
                name="job_distribute_needs_publish",
                condition=Q(with_publish=True) | Q(with_distribute=False),
            ),
            models.CheckConstraint(
                name="job_finished_when_ended",
                condition=Q(state__in=ENDED, finished_at__isnull=False) | Q(state__in=ACTIVE, finished_at__isnull=True),
            ),
            models.CheckConstraint(
                name="job_running_has_worker",
                condition=~Q(state=State.RUNNING)
                | (Q(started_at__isnull=False, heartbeat_at__isnull=False) & ~Q(worker="")),
            ),
            models.CheckConstraint(name="job_failed_says_why", condition=~Q(state=State.FAILED) | ~Q(error="")),
            # An identical request is joined: two of them at once cannot be.
            models.UniqueConstraint(
                name="job_identical_once",
                fields=["repository", "request"],
                condition=Q(state__in=ACTIVE),
            ),
            # Null equals nothing, so those without a repository need one of their own.
            models.UniqueConstraint(
                name="job_identical_upkeep_once",
                fields=["request"],
                condition=Q(state__in=ACTIVE, repository__isnull=True),
            ),
            # Upkeep changes nothing that a run sees, and may take long: it goes beside.
            models.UniqueConstraint(
                name="job_one_running_per_repository",
                fields=["repository"],
                condition=Q(state=State.RUNNING, with_verify=False, with_clean=False),
            ),
        ]
        indexes = [models.Index(name="job_by_state", fields=["state", "id"])]

    def __str__(self) -> str:
        return f"job {self.pk}"

    @property
    def subject(self) -> str:
        """What it is for, in words: its repository, or the storage."""
        return self.repository.name if self.repository else "all that is stored"

    @property
    def is_upkeep(self) -> bool:
        """Whether it looks after what is stored, rather than bringing something new."""
        return self.with_verify or self.with_clean

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def actions(self) -> list[str]:
        """What it was asked to do, in order, of `sync`, `modify`, `publish`, `distribute`, `verify`, `clean`."""
        asked = (
            ("sync", self.with_sync),
            ("modify", self.with_modify),
            ("publish", self.with_publish),
            ("distribute", self.with_distribute),
            ("verify", self.with_verify),
            ("clean", self.with_clean),
        )
        return [action for action, wanted in asked if wanted]

    @property
    def duration(self) -> timedelta | None:
        """From its last start to its end, or to now; None if it never started."""
        if self.started_at is None:
            return None
        # A clock that was set back would make it less than nothing.
        return max((self.finished_at or timezone.now()) - self.started_at, timedelta(0))


class RequestedChange(models.Model):
    """What a job that modifies by hand is to do at a path: put these bytes there, or (null) remove the file."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="changes", db_index=False)
    path = models.CharField(max_length=1024)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="requested_change_once", fields=["job", "path"]),
            models.CheckConstraint(name="requested_change_has_path", condition=~Q(path="")),
        ]

    def __str__(self) -> str:
        return f"{'add' if self.artifact_id else 'remove'} {self.path}"


class Reservation(models.Model):
    """A resource (`repository:<id>`, `distribution:<id>`) that a job needs, and, while it runs, holds."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="reservations")
    resource = models.CharField(max_length=50)
    held = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="reservation_once", fields=["job", "resource"]),
            models.UniqueConstraint(name="reservation_held_by_one", fields=["resource"], condition=Q(held=True)),
        ]
        indexes = [models.Index(name="reservation_by_resource", fields=["resource"])]

    def __str__(self) -> str:
        return self.resource


class ProgressReport(models.Model):
    """One line of a job's progress. They are made in the order of the actions that they belong to.

    `total` and `bytes_total` are null while unknown; `rate` is in bytes a second, smoothed.
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
