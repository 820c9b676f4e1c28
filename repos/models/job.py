"""The one task that a person watches: what it is to do, its state, its end."""

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

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


# As the index of those that look after what is stored has it.
UPKEEP = Q(with_verify=True) | Q(with_clean=True)
# So many repositories with a name that is looked for are many: then their jobs are found among the newest.
MANY = 50


class JobQuerySet(models.QuerySet["Job"]):
    def active(self) -> "JobQuerySet":
        """Waiting or running, in order of request."""
        # A constraint says that these are those: and of all the states a database cannot tell how rare two are.
        return self.filter(finished_at=None).order_by("pk")

    def ended(self) -> "JobQuerySet":
        return self.filter(finished_at__isnull=False)

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
        """Those that bring something to a repository: all but upkeep and dry runs."""
        return self.filter(repository__isnull=False, with_verify=False, with_clean=False, dry_run=False)

    def upkeep(self) -> "JobQuerySet":
        """Those that look after what is stored, newest first."""
        return self.filter(UPKEEP).order_by("-pk")

    def telling(self, repositories: Collection[int]) -> "JobQuerySet":
        """Of these repositories the runs that are active, and of each the newest that ended: newest first."""
        ended = Job.objects.runs().ended().filter(repository=models.OuterRef("pk")).order_by("-pk")
        newest = Repository.objects.filter(pk__in=repositories).order_by().annotate(last=ended.values("pk")[:1])
        # Asked for by itself: in one query with the rest, a database looks at all jobs that these ever had.
        last = list(newest.exclude(last=None).values_list("last", flat=True))
        active = Q(finished_at=None, repository__in=repositories)
        switched = models.Exists(Switch.objects.filter(job=models.OuterRef("pk")))
        return self.runs().filter(Q(pk__in=last) | active).annotate(switched=switched).order_by("-pk")

    def requested_today(self) -> "JobQuerySet":
        return self.filter(requested_at__gte=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0))

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state that at least one is in."""
        return dict(self.order_by().values_list("state").annotate(number=models.Count("pk")))

    def looked_for(self, text: str) -> "JobQuerySet":
        """Those of the repositories with `text` in their names, and that with the number."""
        if not text:
            return self
        by_number = Q(pk=int(text)) if text.isdecimal() and text.isascii() and len(text) < 19 else Q()
        named = Repository.objects.filter(name__icontains=text).order_by()
        # Where they are few, by their own numbers, their jobs are read from the index by repository.
        few = list(named.values_list("pk", flat=True)[:MANY])
        return self.filter(Q(repository__in=few if len(few) < MANY else named.values("pk")) | by_number)

    def in_the_way_of(self, job: "Job") -> "JobQuerySet":
        """Active jobs that were requested earlier than `job` and reserve something that it needs."""
        needed = job.reservations.values("resource")
        return self.active().filter(pk__lt=job.pk, reservations__resource__in=needed).distinct()


class Job(models.Model):
    """A run for one repository. Its state is the truth; the queue only rings the bell.

    `attempt` grows whenever somebody takes it, to run it or to take it from the dead. It is the fencing token: whoever
    writes as an earlier attempt finds that no row matches. `deaths` counts the workers that died over it.
    """

    # Null: it looks after all that is stored.
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, null=True, related_name="jobs", db_index=False)
    with_sync = models.BooleanField()
    with_modify = models.BooleanField(default=False)
    with_publish = models.BooleanField()
    with_distribute = models.BooleanField()
    with_verify = models.BooleanField(default=False)
    with_clean = models.BooleanField(default=False)
    # Whether the sync only says what it would do (see DryRun).
    dry_run = models.BooleanField(default=False)
    # All of the request in a few words (see actions.py): two with the same words are identical.
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
    version = models.ForeignKey(
        RepositoryVersion, on_delete=models.SET_NULL, null=True, related_name="jobs", db_index=False
    )
    publication = models.ForeignKey(
        Publication, on_delete=models.SET_NULL, null=True, related_name="jobs", db_index=False
    )
    # Files that it could not get; they are listed with it (see FailedFile).
    failed = models.PositiveBigIntegerField(default=0)
    # What a verify or a clean-up came to, in words; and what was freed, in files and bytes of the pool.
    outcome = models.TextField(default="")
    freed_files = models.PositiveBigIntegerField(null=True)
    freed_bytes = models.PositiveBigIntegerField(null=True)
    # The sentence that a user can act on, and its class (see repos/errors).
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
            # It changes nothing, so there is nothing to publish after it.
            models.CheckConstraint(
                name="job_dry_run_only_syncs",
                condition=Q(dry_run=False)
                | Q(with_sync=True, with_modify=False, with_publish=False, with_verify=False, with_clean=False),
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
        # With the number at the end PostgreSQL finds the newest of them, as SQLite does anyway.
        indexes = [
            models.Index(name="job_by_state", fields=["state", "id"]),
            models.Index(name="job_by_repository", fields=["repository", "id"]),
            models.Index(name="job_by_request", fields=["requested_at"]),
            # The active ones have no end, and are few.
            models.Index(name="job_by_end", fields=["finished_at", "id"]),
            # Most made neither: with those in it, an index seems to SQLite to be of no use.
            models.Index(name="job_by_version", fields=["version"], condition=Q(version__isnull=False)),
            models.Index(name="job_by_publication", fields=["publication"], condition=Q(publication__isnull=False)),
            models.Index(name="job_upkeep", fields=["id"], condition=UPKEEP),
        ]

    def __str__(self) -> str:
        return gettext("job {number}").format(number=self.pk)

    @property
    def subject(self) -> str:
        """What it is for, in words: its repository, or the storage."""
        return self.repository.name if self.repository else gettext("all that is stored")

    @property
    def is_upkeep(self) -> bool:
        """Whether it looks after what is stored, rather than bringing something new."""
        return self.with_verify or self.with_clean

    @property
    def found_damage(self) -> bool:
        """Whether it is a verify that did its work, and left damaged files. Its state is then “failed”."""
        return self.with_verify and self.error_code == "damaged"

    @property
    def workspace(self) -> str:
        """The name of its working directory; an attempt that was presumed dead may still have its own."""
        return f"job-{self.pk}-{self.attempt}"

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
    def starts(self) -> int:
        """How often it was started: whoever takes it from the dead makes another attempt, and starts nothing."""
        return self.attempt - self.deaths

    @property
    def duration(self) -> timedelta | None:
        """From its first start to its end, or to now; None if it never started."""
        if self.started_at is None:
            return None
        # A clock that was set back would make it less than nothing.
        return max((self.finished_at or timezone.now()) - self.started_at, timedelta(0))
