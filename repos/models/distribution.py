"""Where a publication is served, and every switch that was made there."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from .publication import Publication
from .repository import Repository, RepositoryVersion


class DistributionQuerySet(models.QuerySet["Distribution"]):
    def following(self, repository: Repository) -> "DistributionQuerySet":
        """Those that a job of `repository` moves."""
        return self.filter(repository=repository, pinned=False)

    def with_served(self) -> "DistributionQuerySet":
        """With the publication that each serves, and since when (`since`, null if it never served any).

        To pin or protect what is served already changes nothing about that.
        """
        moved = Switch.objects.filter(distribution=models.OuterRef("pk"), later__isnull=False)
        latest = moved.exclude(earlier=models.F("later")).order_by("-pk")
        return self.select_related("publication__version", "publication__settings").annotate(
            since=models.Subquery(latest.values("at")[:1])
        )

    def beside(self, distribution: "Distribution") -> "DistributionQuerySet":
        """The others of its repository that serve something else than it does."""
        others = self.filter(repository=distribution.repository_id, publication__isnull=False)
        return others.exclude(pk=distribution.pk).exclude(publication=distribution.publication_id)

    def for_list(self) -> "DistributionQuerySet":
        """The same with their repositories, and the number of the newest version of each (`newest`)."""
        newest = RepositoryVersion.objects.complete().filter(repository=models.OuterRef("repository"))
        numbers = newest.order_by("-number").values("number")
        return self.with_served().select_related("repository").annotate(newest=models.Subquery(numbers[:1]))

    @staticmethod
    def behind() -> Q:
        """What picks those that serve something else than the newest version of their repository."""
        newer = RepositoryVersion.objects.complete().filter(
            repository=models.OuterRef("repository"), number__gt=models.OuterRef("publication__version__number")
        )
        return Q(models.Exists(newer))


class Distribution(models.Model):
    """A base path at which one publication is served. It follows its repository, or is pinned."""

    base_path = models.CharField(max_length=255, unique=True)
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="distributions")
    pinned = models.BooleanField(default=False)
    publication = models.ForeignKey(Publication, on_delete=models.PROTECT, null=True, related_name="distributions")
    # What is served here needs a login, or a token that covers it.
    protected = models.BooleanField(default=False)
    # When it was last opened to all. What was superseded before that had been protected, and stays so.
    opened_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DistributionQuerySet.as_manager()

    class Meta:
        ordering = ["base_path"]
        constraints = [
            models.CheckConstraint(
                name="distribution_base_path_is_relative",
                condition=~Q(base_path="") & ~Q(base_path__startswith="/") & ~Q(base_path__endswith="/"),
            ),
            models.CheckConstraint(
                name="distribution_pinned_to_something",
                condition=Q(pinned=False) | Q(publication__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.base_path


class SwitchQuerySet(models.QuerySet["Switch"]):
    def superseded_since(self, since: datetime) -> "SwitchQuerySet":
        """Newest first, those whose earlier publication is still within its grace time."""
        return self.filter(at__gte=since, earlier__isnull=False).order_by("-pk")

    def with_both_sides(self) -> "SwitchQuerySet":
        """With the publications before and after: their versions, and what they were published with.

        One that is null was deleted since; but before the `first` switch of a distribution nothing was served.
        """
        before = Switch.objects.filter(distribution=models.OuterRef("distribution"), pk__lt=models.OuterRef("pk"))
        rows = self.annotate(first=~models.Exists(before))
        return rows.select_related("earlier__version", "earlier__settings", "later__version", "later__settings")

    def with_what_moved(self) -> "SwitchQuerySet":
        """In order, with the distributions, and what they served before and after."""
        return self.with_both_sides().select_related("distribution").order_by("pk")

    def before(self, distribution: Distribution) -> "Publication | None":
        """What was served there before what is served now, if that is still there: where to roll back to."""
        if distribution.publication_id is None:
            return None
        moves = self.filter(distribution=distribution, later=distribution.publication_id, earlier__isnull=False)
        last = moves.exclude(earlier=models.F("later")).select_related("earlier__version").order_by("-pk").first()
        return last.earlier if last else None


class Switch(models.Model):
    """One row of a distribution's history: who moved it, when, from what, to what, by which job, and why."""

    distribution = models.ForeignKey(Distribution, on_delete=models.CASCADE, related_name="history")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    earlier = models.ForeignKey(Publication, on_delete=models.SET_NULL, null=True, related_name="+")
    later = models.ForeignKey(Publication, on_delete=models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey("repos.Job", on_delete=models.SET_NULL, null=True, related_name="switches")
    reason = models.CharField(max_length=500)

    objects = SwitchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "switches"
        indexes = [models.Index(name="switch_by_time", fields=["distribution", "at"])]

    def __str__(self) -> str:
        return f"{self.distribution} at {self.at:%Y-%m-%d %H:%M:%S}"
