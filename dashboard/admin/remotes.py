"""Remotes: all but their secrets, of which it is only told that they are there."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from dashboard.views.http import Request
from repos import remotes
from repos.deletion import Consequences
from repos.errors import MillraceError
from repos.models import Remote

from .base import anchor
from .correcting import CorrectingAdmin, CorrectionForm
from .deletion import DeletingAdmin


class RemoteForm(CorrectionForm):
    def faults(self, before: Remote, values: dict[str, Any]) -> Iterable[MillraceError]:
        return remotes.faults(before, **values)


@admin.register(Remote)
class RemoteAdmin(CorrectingAdmin, DeletingAdmin):
    form = RemoteForm
    corrigible = remotes.FIELDS
    list_display = ["name", "url", "kind", "policy", "created_at"]
    list_filter = ["kind", "policy", "tls_verify", "use_environment"]
    search_fields = ["name", "url"]
    page = "remote"
    readonly_fields = ["secrets"]
    fieldsets = [
        (None, {"fields": ["name", "url", "kind", "policy", "created_at"]}),
        ("Login", {"fields": ["username", "user_agent", "secrets"]}),
        ("TLS", {"fields": ["tls_verify", "ca_certificate", "client_certificate"], "classes": ["collapse"]}),
        ("Way there", {"fields": ["proxy_url", "proxy_username", "use_environment"], "classes": ["collapse"]}),
        (
            "Limits",
            {
                "fields": [
                    "concurrency",
                    "tries",
                    "connect_timeout",
                    "read_timeout",
                    "least_speed",
                    "deadline",
                    "rate_limit",
                ],
                "classes": ["collapse"],
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in super().get_readonly_fields(request, obj) if name not in Remote.SECRETS]

    def secrets(self, remote: Remote) -> str:
        there = {label_for_field(name, Remote): bool(getattr(remote, name)) for name in Remote.SECRETS}
        words = [f"{label}: {'set' if is_set else 'not set'}" for label, is_set in there.items()]
        own_page = anchor(reverse("remote-edit", args=[remote.pk]), "They are set on the remote’s own page.")
        return format_html("{}. {}", ", ".join(words), own_page)

    def correct(self, request: Request, before: Remote, values: dict[str, Any]) -> None:
        remotes.change(before, **values)

    def consequences(self, obj: Remote) -> Consequences:
        return remotes.consequences(obj)

    def erase(self, obj: Remote) -> None:
        remotes.delete(obj)
