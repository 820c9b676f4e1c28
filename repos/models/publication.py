"""A version made ready to be served."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext

from .content import Artifact
from .publish_settings import PublishSettings
from .repository import Repository, RepositoryVersion


class PublicationQuerySet(models.QuerySet["Publication"]):
    def for_list(self) -> "PublicationQuerySet":
        """Newest first, of whatever repositories, with all that a row of a list shows."""
        rows = self.select_related("version__repository", "settings").prefetch_related("distributions")
        return rows.order_by("-pk")

    def of(self, repository: Repository) -> "PublicationQuerySet":
        """Newest first, with what a row of a list shows: version, settings, and where it is served."""
        return (
            self.filter(version__repository=repository)
            .select_related("version", "settings")
            .prefetch_related("distributions")
            .order_by("-pk")
        )


class Publication(models.Model):
    """An immutable pair of a version and publish settings, with its metadata files. What can be served."""

    version = models.ForeignKey(
        RepositoryVersion, on_delete=models.CASCADE, related_name="publications", db_index=False
    )
    settings = models.ForeignKey(PublishSettings, on_delete=models.PROTECT, related_name="publications")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PublicationQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="publication_pair_once", fields=["version", "settings"]),
        ]

    def __str__(self) -> str:
        return gettext("{version} with {settings}").format(version=self.version, settings=self.settings)


class PublishedMetadata(models.Model):
    """A file that a publication adds to those of its version, such as its manifest."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="metadata", db_index=False)
    path = models.CharField(max_length=1024)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="metadata")

    class Meta:
        verbose_name_plural = "published metadata"
        constraints = [
            models.UniqueConstraint(name="metadata_path_once", fields=["publication", "path"]),
            models.CheckConstraint(name="metadata_has_path", condition=~Q(path="")),
        ]

    def __str__(self) -> str:
        return self.path
