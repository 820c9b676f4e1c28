"""Repositories, their versions, and what their last sync saw."""

import time
from collections.abc import Iterable
from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from dashboard.templatetags.display import counted, size
from dashboard.views.http import Request
from repos import change, create, deletion, jobs, names, publish_settings, verify
from repos.deletion import Consequences
from repos.errors import MillraceError
from repos.models import Content, Distribution, Job, Publication, Repository, RepositoryVersion, SyncState

from .base import MillraceAdmin, Said, link, rows_link
from .correcting import CorrectingAdmin, CorrectionForm
from .deletion import DeletingAdmin
from .jobs import requested

# So many faults are named in a message.
NAMED = 3


class RepositoryForm(CorrectionForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"remote", "publish_settings"} & self.fields.keys():
            self.fields[name].required = name != "remote"
            # To choose another is not to delete this one.
            self.fields[name].widget.can_delete_related = False

    def faults(self, before: Repository, values: dict[str, Any]) -> Iterable[MillraceError]:
        after = copy(before)
        for field, value in values.items():
            setattr(after, field, value)
        for check in (lambda: names.checked(after.name), lambda: create.check_settings(after)):
            try:
                check()
            except MillraceError as error:
                yield error


@admin.register(Repository)
class RepositoryAdmin(CorrectingAdmin, DeletingAdmin):
    form = RepositoryForm
    corrigible = [
        *("name", "remote", "publish_settings", "mirror", "auto_publish", "auto_distribute", "brake"),
        *("skip_failed_files", "stale_days", "keep_versions", "keep_days"),
    ]
    list_display = ["name", "upstream", "mode", "auto_publish", "auto_distribute", "brake", "created_at"]
    list_select_related = ["remote"]
    list_filter = ["mirror", "auto_publish", "auto_distribute"]
    search_fields = ["name", "remote__name", "remote__url"]
    autocomplete_fields = ["remote", "publish_settings"]
    readonly_fields = ["belongings"]
    fields = [*corrigible, "synced_at", "created_at", "belongings"]
    page = "repository"
    actions = ["run", "verify_newest"]

    @admin.display(description="remote", ordering="remote__name")
    def upstream(self, repository: Repository) -> str:
        return link(repository.remote)

    @admin.display(description="what belongs to it")
    def belongings(self, repository: Repository) -> str:
        models = (RepositoryVersion, Content, Distribution, Job)
        links = [(rows_link(one, str(one._meta.verbose_name_plural), repository=repository.pk),) for one in models]
        links.append((rows_link(Publication, "publications", version__repository=repository.pk),))
        return format_html_join(", ", "{}", links)

    def correct(self, request: Request, before: Repository, values: dict[str, Any]) -> None:
        other = values.pop("publish_settings", None)
        publish_with = publish_settings.values_of(other) if other else None
        change.change_repository(before, publish_with=publish_with, **values)

    def consequences(self, obj: Repository) -> Consequences:
        return deletion.of_repository(obj)

    def erase(self, obj: Repository) -> None:
        """Its remote stays."""
        deletion.delete_repository(obj)

    @admin.action(description="Run selected repositories, as their toggles say", permissions=["act"])
    def run(self, request: Request, queryset: QuerySet[Repository]) -> None:
        self.each(request, queryset, lambda one: requested(jobs.request(one, by=request.user), after=one))

    @admin.action(description="Verify the newest version of selected repositories", permissions=["act"])
    def verify_newest(self, request: HttpRequest, queryset: QuerySet[Repository]) -> None:
        """All of them together in the time that somebody waits."""
        end = time.monotonic() + verify.LIMIT_SECONDS
        self.each(request, queryset, lambda one: _verified(one.latest_version(), end))


def _verified(version: RepositoryVersion, end: float) -> Said:
    found = verify.verify_version(version, limit_seconds=end - time.monotonic())
    looked = f"Looked at {counted(found.files, 'file')}, {size(found.size)}"
    if found.left:
        most = f"{size(verify.LIMIT_BYTES)} and {verify.LIMIT_SECONDS:g} s"
        looked += f", and not at {counted(found.left, 'file')}: at most {most} go into one answer"
    if found.faults:
        first = "; ".join(f"“{path}”: {fault.why}" for path, fault in found.faults[:NAMED])
        return messages.ERROR, f"“{version}” has {counted(len(found.faults), 'fault')}. {first}. {looked}."
    if found.left:
        return messages.WARNING, f"“{version}”: no fault was found so far. {looked}."
    return messages.SUCCESS, f"“{version}” is whole. {looked}."


@admin.register(RepositoryVersion)
class RepositoryVersionAdmin(DeletingAdmin):
    list_display = [
        *("__str__", "number", "complete", "files", "bytes", "added", "removed", "changed", "failed", "created_at")
    ]
    list_select_related = ["repository"]
    list_filter = ["complete"]
    search_fields = ["repository__name"]
    search_help_text = "The name of a repository."
    ordering = ["-pk"]
    page = "version"

    def page_args(self, obj: RepositoryVersion) -> list[int]:
        return [obj.repository_id, obj.number]

    def consequences(self, obj: RepositoryVersion) -> Consequences:
        return deletion.of_version(obj)

    def erase(self, obj: RepositoryVersion) -> None:
        deletion.delete_version(obj)

    @admin.display(description="size", ordering="size")
    def bytes(self, version: RepositoryVersion) -> str:
        return size(version.size)


@admin.register(SyncState)
class SyncStateAdmin(MillraceAdmin):
    list_display = ["of", "version", "url", "mirror", "etag", "last_modified"]
    list_filter = ["mirror"]
    list_display_links = ["url"]
    list_select_related = ["repository", "version__repository"]
    search_fields = ["repository__name", "url"]
    ordering = ["repository__name"]

    @admin.display(description="repository", ordering="repository__name")
    def of(self, state: SyncState) -> str:
        return link(state.repository)
