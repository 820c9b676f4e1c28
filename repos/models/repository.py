"""A named series of immutable versions."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from .publish_settings import PublishSettings
from .remote import Remote


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def for_overview(self) -> "RepositoryQuerySet":
        """All that the overview shows of each, with the newest complete version's figures, in one query."""
        newest = RepositoryVersion.objects.complete().filter(repository=models.OuterRef("pk")).order_by("-number")
        return self.select_related("remote", "publish_settings").annotate(
            newest_number=models.Subquery(newest.values("number")[:1]),
            newest_files=models.Subquery(newest.values("files")[:1]),
            newest_size=models.Subquery(newest.values("size")[:1]),
            newest_failed=models.Subquery(newest.values("failed")[:1]),
        )

    def for_page(self) -> "RepositoryQuerySet":
        """The same, with how many versions (see RepositoryVersionQuerySet.made) and how many publications each has."""
        complete = RepositoryVersion.objects.made().filter(repository=models.OuterRef("pk")).order_by()
        counted = complete.values("repository")
        return self.for_overview().annotate(
            version_count=_number(counted.annotate(found=models.Count("pk")).values("found")),
            publication_count=_number(counted.annotate(found=models.Count("publications")).values("found")),
        )

    def what_matters_first(self, busy: Collection[int], troubled: Collection[int]) -> "RepositoryQuerySet":
        """Those with these numbers in front: `busy`, then `troubled`, then all others; each of them by name."""
        ranks = [models.When(pk__in=pks, then=rank) for rank, pks in enumerate((busy, troubled)) if pks]
        if not ranks:
            return self.order_by("name")
        urgency = models.Case(*ranks, default=2, output_field=models.SmallIntegerField())
        return self.order_by(urgency, "name")

    def locked(self, pk: int) -> "Repository | None":
        """The one with this number. Until the transaction ends nobody else who asks for it so gets it:

        no job of it is requested, nothing of it is switched or deleted.
        """
        return self.select_for_update(no_key=True).filter(pk=pk).first()

    def numbered(self, text: str) -> "RepositoryQuerySet":
        """The one with the number that `text` is, if it is one that could be."""
        return self.filter(pk=int(text)) if text.isdecimal() and len(text) < 19 else self.none()


def _number(counted: "models.QuerySet[RepositoryVersion, Any]") -> Coalesce:
    """What a query of one group has counted; where there is no row, there is no group."""
    return Coalesce(models.Subquery(counted), 0)


class Repository(models.Model):
    """A named series of versions, with its default remote, publish settings and toggles."""

    name = models.CharField(max_length=200, unique=True)
    remote = models.ForeignKey(Remote, on_delete=models.PROTECT, null=True, related_name="repositories")
    publish_settings = models.ForeignKey(PublishSettings, on_delete=models.PROTECT, related_name="repositories")
    # True: a version is exactly the upstream. False (additive): what vanished upstream is kept.
    mirror = models.BooleanField(default=False)
    auto_publish = models.BooleanField(default=True)
    auto_distribute = models.BooleanField(default=True)
    # The percentage of its files that a mirror's sync may remove without asking; an empty list always asks.
    brake = models.PositiveSmallIntegerField(default=50)
    # Whether a sync goes on without the files that it could not get; the version then says how many.
    skip_failed_files = models.BooleanField(default=False)
    # Retention: a version stays while one of the two that are set keeps it; with neither set, all stay.
    keep_versions = models.PositiveIntegerField(null=True, blank=True)
    keep_days = models.PositiveIntegerField(null=True, blank=True)
    # Days without a sync that agreed with the upstream after which the repository is stale; null: never.
    stale_days = models.PositiveIntegerField(null=True, blank=True, default=7)
    # When a sync last agreed with the upstream, every file of it.
    synced_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "repositories"
        constraints = [
            models.CheckConstraint(name="repository_has_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="repository_distribute_needs_publish",
                condition=Q(auto_publish=True) | Q(auto_distribute=False),
            ),
            models.CheckConstraint(name="repository_brake_is_percentage", condition=Q(brake__lte=100)),
            models.CheckConstraint(
                name="repository_keeps_something",
                condition=(Q(keep_versions=None) | Q(keep_versions__gte=1)) & (Q(keep_days=None) | Q(keep_days__gte=1)),
            ),
            models.CheckConstraint(
                name="repository_stale_some_time", condition=Q(stale_days=None) | Q(stale_days__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def mode(self) -> str:
        return "mirror" if self.mirror else "additive"

    def latest_version(self) -> "RepositoryVersion":
        """The newest complete version; there always is one, for version 0 is made with the repository."""
        return self.versions.complete().latest("number")


class RepositoryVersionQuerySet(models.QuerySet["RepositoryVersion"]):
    def complete(self) -> "RepositoryVersionQuerySet":
        return self.filter(complete=True)

    def made(self) -> "RepositoryVersionQuerySet":
        """The complete ones that somebody made: without the empty one with which every repository begins."""
        return self.complete().filter(number__gt=0)

    def with_jobs(self) -> "RepositoryVersionQuerySet":
        """Newest first, with the jobs that made them, and who asked for those."""
        return self.prefetch_related("jobs__requested_by").order_by("-number")


class RepositoryVersion(models.Model):
    """An immutable, numbered set of files, stored as its differences to the version before (see Content).

    While its rows are being written it is not complete, and nobody but the job that writes it may look.
    `files` and `size` (bytes) count the whole set; `added`, `removed` and `changed` the differences.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    complete = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    files = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    added = models.PositiveBigIntegerField(default=0)
    removed = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    # Files of the upstream's list that could not be fetched when it was made: it is what it is without them.
    failed = models.PositiveBigIntegerField(default=0)

    objects = RepositoryVersionQuerySet.as_manager()

    class Meta:
        ordering = ["repository", "number"]
        constraints = [
            models.UniqueConstraint(name="version_number_once", fields=["repository", "number"]),
            models.UniqueConstraint(
                name="version_one_in_the_making", fields=["repository"], condition=Q(complete=False)
            ),
            models.CheckConstraint(
                name="version_0_is_empty",
                condition=Q(number__gt=0) | Q(files=0, size=0, added=0, removed=0, changed=0, failed=0, complete=True),
            ),
            models.CheckConstraint(name="version_has_its_additions", condition=Q(files__gte=F("added") + F("changed"))),
        ]

    def __str__(self) -> str:
        return gettext("{repository} version {number}").format(repository=self.repository.name, number=self.number)


class SyncState(models.Model):
    """What the upstream's list was when the repository last agreed with it, so that the next sync can ask for news.

    It holds only while the repository's newest version is `version` and it would be read the same way.
    """

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, related_name="sync_state")
    version = models.ForeignKey(RepositoryVersion, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=2000)
    mirror = models.BooleanField()
    # Of the list: its validators as the upstream gave them, and the digest of its bytes.
    etag = models.CharField(max_length=500, default="")
    last_modified = models.CharField(max_length=100, default="")
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.repository.name} as of version {self.version.number}"
