"""What a job was asked to change by hand, and what it needs for itself alone."""

from django.db import models
from django.db.models import Q

from .content import Artifact
from .job import Job


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

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="reservations", db_index=False)
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
