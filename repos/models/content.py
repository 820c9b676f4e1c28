"""Files: their bytes, and the versions that hold them."""

import string
from collections.abc import Iterator

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Length, Lower, StrIndex
from django.db.models.lookups import Exact
from django.utils import timezone

from .repository import Repository, RepositoryVersion

_TO_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class ArtifactQuerySet(models.QuerySet["Artifact"]):
    def totals(self, after: int = 0) -> tuple[int, int, int]:
        """How many there are with a number above `after`, their size in bytes, and the highest number of all."""
        sums = {"files": models.Count("pk"), "bytes": models.Sum("size", default=0), "newest": models.Max("pk")}
        found = self.filter(pk__gt=after).aggregate(**sums)
        return found["files"], found["bytes"], found["newest"] or after


class Artifact(models.Model):
    """The bytes of a file, stored once in the pool under their sha256 (64 hexadecimal digits, lower case)."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    # When somebody last came to need it who names it in no row yet: a clean-up spares it for a while.
    wanted_at = models.DateTimeField(default=timezone.now)
    # Marked by a clean-up: nothing needed it then. Whoever comes to need it takes the mark away (see repos/clean.py).
    doomed = models.BooleanField(default=False)

    objects = ArtifactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="artifact_sha256_is_whole", condition=Exact(Length(F("sha256")), Value(64))),
            models.CheckConstraint(name="artifact_sha256_is_lower", condition=Exact(Lower(F("sha256")), F("sha256"))),
        ]
        indexes = [models.Index(name="artifact_by_doom", fields=["id"], condition=Q(doomed=True))]

    def __str__(self) -> str:
        return self.sha256


class Damage(models.Model):
    """What is wrong with the bytes of an artifact, found when they were read: they are not served while this is here.

    Bytes of the right name that come again, by a sync or a repair, take it away.
    """

    class Cause(models.TextChoices):
        MISSING = "missing"
        SIZE = "size"
        DIGEST = "digest"
        UNREADABLE = "unreadable"

    artifact = models.OneToOneField(Artifact, on_delete=models.CASCADE, related_name="damage")
    cause = models.CharField(max_length=20, choices=Cause)
    # Half a sentence, whose subject is the file.
    why = models.CharField(max_length=500)
    found_at = models.DateTimeField(default=timezone.now)
    # The wrong bytes lie in the quarantine, for people to look at.
    quarantined = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "damage"
        constraints = [
            models.CheckConstraint(
                name="damage_cause_is_known", condition=Q(cause__in=["missing", "size", "digest", "unreadable"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.artifact_id}: {self.cause}"


class ContentQuerySet(models.QuerySet["Content"]):
    def of(self, version: RepositoryVersion) -> "ContentQuerySet":
        """The files of `version`."""
        return self.filter(repository=version.repository_id, added__lte=version.number, removed__gt=version.number)

    def whose_path_has(self, part: str) -> "ContentQuerySet":
        """Without regard to the case of A to Z, which is all that LOWER knows in the collation of paths.

        Not by LIKE: of that PostgreSQL expects so few rows that it would look at all of them and sort what it found,
        where the first hundred in the order of an index are soon there.
        """
        found = self.alias(place=StrIndex(Lower("path"), Value(part.translate(_TO_LOWER))))
        return found.filter(place__gt=0)

    def in_path_order(self, after: str = "", chunk: int = 2000) -> Iterator[tuple[str, str, int]]:
        """Yields (path, sha256, size) by path, in the order of its UTF-8 bytes, `chunk` rows at a time.

        Each chunk is a query of its own, so that no read transaction stays open while a large version is read.
        """
        rows = self.order_by("path").values_list("path", "artifact__sha256", "artifact__size")
        while found := list(rows.filter(path__gt=after)[:chunk]):
            yield from found
            after = found[-1][0]


class Content(models.Model):
    """A file at a path, in all versions of its repository from `added` up to, not including, `removed`.

    A version thus costs one row for each file that it adds or changes, and one update for each that it removes.
    """

    # In `removed`: still there in the newest version.
    FOREVER = 2_147_483_647

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="content", db_index=False)
    path = models.CharField(max_length=1024)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="content", db_index=False)
    added = models.PositiveIntegerField()
    removed = models.PositiveIntegerField(default=FOREVER)

    objects = ContentQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "content"
        constraints = [
            # Besides keeping a path single, it is the index in whose order versions are read.
            models.UniqueConstraint(name="content_path_once", fields=["repository", "path", "removed"]),
            models.CheckConstraint(name="content_has_path", condition=~Q(path="")),
            models.CheckConstraint(name="content_added_before_removed", condition=Q(added__lt=F("removed"))),
        ]
        indexes = [
            # Who needs which bytes is read from it alone (see repos/stored.py).
            models.Index(name="content_by_artifact", fields=["artifact", "repository"]),
            # The repository comes second: else SQLite would prefer this index for finding a path, and read all rows.
            models.Index(name="content_by_added", fields=["added", "repository"]),
            models.Index(
                name="content_by_removed",
                fields=["removed", "repository"],
                condition=Q(removed__lt=2_147_483_647),
            ),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def last(self) -> int | None:
        """The number of the last version that has it; None while the newest has."""
        return None if self.removed == self.FOREVER else self.removed - 1


class StorageDay(models.Model):
    """How much was stored at the end of a day, in UTC; the row of today is rewritten as the day goes on.

    `side_by_side` is how many bytes the same would take with each file of each version stored by itself.
    """

    day = models.DateField(unique=True)
    files = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    side_by_side = models.PositiveBigIntegerField(null=True)
    # The highest number of an artifact that was counted, and that of the last clean-up that had ended before, 0 for
    # none. With both, what is stored now is counted from here on; null where an earlier release noted it.
    newest = models.PositiveBigIntegerField(null=True)
    cleaned = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return self.day.isoformat()
