"""What lets a downloader in where a distribution is protected."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from .distribution import Distribution


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def usable(self) -> "AccessTokenQuerySet":
        """Neither revoked nor expired."""
        now = timezone.now()
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))


class AccessToken(models.Model):
    """A secret that opens protected distributions: all of them, or those that it names. Stored as its sha256 only.

    `start` are its first characters, by which people know it again.
    """

    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    start = models.CharField(max_length=12)
    everything = models.BooleanField(default=False)
    distributions = models.ManyToManyField(Distribution, related_name="tokens", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    # To the minute.
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="token_has_name", condition=~Q(name="")),
            models.CheckConstraint(name="token_digest_is_whole", condition=Exact(Length(F("digest")), Value(64))),
        ]

    def __str__(self) -> str:
        return self.name
