"""An upstream, and how it is read."""

from django.db import models
from django.db.models import Q


class Remote(models.Model):
    """An upstream: its URL, the kind of source behind it, and when its files are fetched."""

    class Kind(models.TextChoices):
        MANIFEST = "manifest", "PULP_MANIFEST"

    class Policy(models.TextChoices):
        IMMEDIATE = "immediate", "at sync"

    name = models.CharField(max_length=200, unique=True)
    url = models.CharField(max_length=2000)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.MANIFEST)
    policy = models.CharField(max_length=20, choices=Policy, default=Policy.IMMEDIATE)
    # How many files are fetched at once.
    concurrency = models.PositiveSmallIntegerField(default=16)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="remote_has_name", condition=~Q(name="")),
            models.CheckConstraint(name="remote_url_is_http", condition=Q(url__istartswith="http")),
            models.CheckConstraint(name="remote_kind_is_known", condition=Q(kind__in=["manifest"])),
            models.CheckConstraint(name="remote_policy_is_known", condition=Q(policy__in=["immediate"])),
            models.CheckConstraint(
                name="remote_concurrency_in_range", condition=Q(concurrency__gte=1, concurrency__lte=100)
            ),
        ]

    def __str__(self) -> str:
        return self.name
