"""Artifacts, what is damaged of them, and content: millions of rows, found by digest, path and repository."""

import re
import time
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from dashboard.templatetags.display import size
from repos import verify
from repos.models import Artifact, Content, Damage, StorageDay

from .base import MillraceAdmin, Said, link, rows_link


@admin.register(Artifact)
class ArtifactAdmin(MillraceAdmin):
    list_display = ["sha256", "bytes", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["sha256"]
    search_help_text = "The beginning of a sha256."
    ordering = ["-pk"]
    sortable_by = ()
    readonly_fields = ["used_by"]
    actions = ["verify_bytes"]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        term = search_term.strip().lower()
        return (queryset.filter(_digest_begins("sha256", term)) if term else queryset), False

    @admin.display(description="size")
    def bytes(self, artifact: Artifact) -> str:
        return size(artifact.size)

    def used_by(self, artifact: Artifact) -> str:
        return rows_link(Content, "content with these bytes", artifact=artifact.pk)

    @admin.action(description="Verify the bytes of selected artifacts", permissions=["act"])
    def verify_bytes(self, request: HttpRequest, queryset: QuerySet[Artifact]) -> None:
        """All of them together in the time that somebody waits."""
        end = time.monotonic() + verify.LIMIT_SECONDS
        self.each(request, queryset, lambda artifact: _verified(artifact, end))


def _verified(artifact: Artifact, end: float) -> Said:
    if fault := verify.verify(artifact, seconds=end - time.monotonic()):
        return messages.ERROR, f"“{artifact}”: {fault.why}."
    return messages.SUCCESS, f"“{artifact}”: whole, {size(artifact.size)} were read."


@admin.register(Damage)
class DamageAdmin(MillraceAdmin):
    list_display = ["of", "bytes", "cause", "why", "found_at", "quarantined"]
    list_display_links = ["cause"]
    list_filter = ["cause", "quarantined"]
    list_select_related = ["artifact"]
    search_fields = ["artifact__sha256"]
    search_help_text = "The beginning of a sha256."
    sortable_by = ()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        term = search_term.strip().lower()
        return (queryset.filter(_digest_begins("artifact__sha256", term)) if term else queryset), False

    @admin.display(description="artifact")
    def of(self, damage: Damage) -> str:
        return link(damage.artifact)

    @admin.display(description="size")
    def bytes(self, damage: Damage) -> str:
        return size(damage.artifact.size)


@admin.register(StorageDay)
class StorageDayAdmin(MillraceAdmin):
    list_display = ["day", "files", "bytes"]
    list_filter = ["day"]
    ordering = ["-day"]

    @admin.display(description="size")
    def bytes(self, day: StorageDay) -> str:
        return size(day.size)


class Present(admin.SimpleListFilter):
    """Files of the newest versions, or those that only earlier ones have."""

    title = "newest version"
    parameter_name = "present"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "In it"), ("0", "Gone before it")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "1":
            return queryset.filter(removed=Content.FOREVER)
        return queryset.exclude(removed=Content.FOREVER) if self.value() == "0" else queryset


@admin.register(Content)
class ContentAdmin(MillraceAdmin):
    """In the order of the one index that has whole paths, so that any page and search reads only what it shows."""

    list_display = ["path", "of", "first", "gone", "bytes"]
    list_filter = [Present]
    list_select_related = ["repository", "artifact"]
    search_fields = ["path"]
    search_help_text = "The beginning of a path, or a whole sha256."
    ordering = ["repository_id", "path", "removed"]
    sortable_by = ()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        term = search_term.strip()
        if re.fullmatch(r"[0-9a-fA-F]{64}", term):
            queryset = queryset.filter(artifact__in=Artifact.objects.filter(sha256=term.lower()))
        elif term:
            queryset = queryset.filter(path__gte=term, path__lt=f"{term}\U0010ffff")
        return queryset, False

    @admin.display(description="repository")
    def of(self, content: Content) -> str:
        return link(content.repository)

    @admin.display(description="since version")
    def first(self, content: Content) -> int:
        return content.added

    @admin.display(description="removed in version")
    def gone(self, content: Content) -> int | None:
        return None if content.removed == Content.FOREVER else content.removed

    @admin.display(description="bytes")
    def bytes(self, content: Content) -> str:
        return format_html("{} {}", size(content.artifact.size), link(content.artifact, content.artifact.sha256[:12]))


def _digest_begins(field: str, term: str) -> Q:
    """As a range, which every index finds: behind all hexadecimal digits comes the g."""
    return Q(**{f"{field}__gte": term, f"{field}__lt": f"{term}g"})
