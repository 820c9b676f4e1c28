"""What a publication is made with: values that repositories share."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class PublishSettingsQuerySet(models.QuerySet["PublishSettings"]):
    def matching(self, **values: Any) -> "PublishSettings":
        """The one row with these values (the defaults for those not named), made if there is none."""
        wanted = PublishSettings(**values)
        return self.get_or_create(**{name: getattr(wanted, name) for name in PublishSettings.VALUES})[0]


class PublishSettings(models.Model):
    """An immutable, shared set of options. Same values, same row; an edit makes or finds another."""

    VALUES = ("manifest", "checksums")

    manifest = models.CharField(
        _("manifest name"),
        max_length=200,
        default="PULP_MANIFEST",
        blank=True,
        help_text=_("The list of all files: lines of path, sha256, size. Empty: none is written."),
    )
    checksums = models.CharField(
        _("checksum file"),
        max_length=200,
        default="",
        blank=True,
        help_text=_("A file for “sha256sum -c”, such as SHA256SUMS. Empty: none is written."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PublishSettingsQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "publish settings"
        constraints = [
            models.UniqueConstraint(name="publish_settings_once", fields=["manifest", "checksums"]),
            models.CheckConstraint(
                name="publish_settings_names_differ",
                condition=Q(manifest="") | ~Q(manifest=models.F("checksums")),
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(self.metadata_names()) or gettext("no metadata files")

    def metadata_names(self) -> list[str]:
        """The names of the files that a publication with these settings adds, at its top."""
        return [name for name in (self.manifest, self.checksums) if name]
