"""Tokens. Their digests are nobody's business; new ones are made on their own page, which shows the secret once."""

from django.contrib import admin, messages
from django.db.models import QuerySet

from dashboard.views.http import Request
from repos import tokens
from repos.errors.refusals import Refused
from repos.models import AccessToken

from .base import MillraceAdmin, Said


@admin.register(AccessToken)
class AccessTokenAdmin(MillraceAdmin):
    list_display = ["name", "start", "everything", "created_at", "by", "expires_at", "last_used_at", "condition"]
    list_select_related = ["created_by"]
    list_filter = ["everything", "created_at", "expires_at", ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "start"]
    fields = [
        *("name", "start", "everything", "distributions", "created_at", "created_by", "expires_at"),
        *("last_used_at", "revoked_at"),
    ]
    readonly_fields = ["distributions"]
    actions = ["revoke"]

    @admin.display(description="created by")
    def by(self, token: AccessToken) -> str:
        return token.created_by.get_username() if token.created_by else "–"

    @admin.display(description="state")
    def condition(self, token: AccessToken) -> str:
        return tokens.state(token)

    @admin.action(description="Revoke selected tokens", permissions=["act"])
    def revoke(self, request: Request, queryset: QuerySet[AccessToken]) -> None:
        self.each(request, queryset, lambda token: self._revoked(request, token))

    def _revoked(self, request: Request, token: AccessToken) -> Said:
        if not tokens.revoke(token):
            raise Refused("It was revoked already.")
        self.log_change(request, token, "Revoked.")
        return messages.SUCCESS, f"“{token}” was revoked: it opens nothing any more."
