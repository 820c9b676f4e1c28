"""Publish settings, publications and their metadata: immutable, so nothing here can be changed."""

from django.contrib import admin
from django.http import HttpRequest

from dashboard.templatetags.display import size
from repos import deletion, publish_settings
from repos.deletion import Consequences
from repos.models import Publication, PublishedMetadata, PublishSettings

from .base import MillraceAdmin, link
from .deletion import DeletingAdmin


@admin.register(PublishSettings)
class PublishSettingsAdmin(DeletingAdmin):
    list_display = ["__str__", "manifest", "checksums", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["manifest", "checksums"]
    page = "publish-settings-detail"

    def consequences(self, obj: PublishSettings) -> Consequences:
        return publish_settings.consequences(obj)

    def erase(self, obj: PublishSettings) -> None:
        publish_settings.delete(obj)


@admin.register(Publication)
class PublicationAdmin(DeletingAdmin):
    list_display = ["id", "of", "with_settings", "created_at"]
    list_filter = [("settings", admin.RelatedOnlyFieldListFilter), "created_at"]
    list_display_links = ["id"]
    list_select_related = ["version__repository", "settings"]
    search_fields = ["version__repository__name"]
    ordering = ["-pk"]
    page = "publication"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The page of a repository links to its publications."""
        return lookup == "version__repository" or super().lookup_allowed(lookup, value, request)

    def consequences(self, obj: Publication) -> Consequences:
        return deletion.of_publication(obj)

    def erase(self, obj: Publication) -> None:
        deletion.delete_publication(obj)

    @admin.display(description="version", ordering="version")
    def of(self, publication: Publication) -> str:
        return link(publication.version)

    @admin.display(description="publish settings", ordering="settings")
    def with_settings(self, publication: Publication) -> str:
        return link(publication.settings)


@admin.register(PublishedMetadata)
class PublishedMetadataAdmin(MillraceAdmin):
    list_display = ["path", "of", "bytes"]
    list_filter = ["publication__created_at"]
    list_select_related = ["publication__version__repository", "publication__settings", "artifact"]
    search_fields = ["path", "publication__version__repository__name"]
    ordering = ["-pk"]

    @admin.display(description="publication", ordering="publication__pk")
    def of(self, metadata: PublishedMetadata) -> str:
        return link(metadata.publication)

    @admin.display(description="bytes")
    def bytes(self, metadata: PublishedMetadata) -> str:
        return size(metadata.artifact.size)
