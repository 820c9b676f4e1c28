"""Users and groups as the admin shows them: to look at. Users are made and changed on the dashboard's own pages."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

# Django's class takes a parameter only where types are checked.
if TYPE_CHECKING:
    OfUsers = UserAdmin[User]
else:
    OfUsers = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


class LookedAt:
    """What nobody adds, changes or deletes here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class MillraceUserAdmin(LookedAt, OfUsers):
    """What lets somebody in is changed where it is seen to that an administrator stays (dashboard/users.py)."""

    list_display = ["username", "email", "is_superuser", "is_active", "last_login"]
    list_filter = ["is_superuser", "is_active"]
    show_full_result_count = False
    fieldsets = ((None, {"fields": ("username", "is_active", "is_superuser", "groups", "last_login", "date_joined")}),)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        return redirect("users")

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return reverse("user", args=[obj.pk]) if obj else None


@admin.register(Group)
class MillraceGroupAdmin(LookedAt, GroupAdmin):
    """Being in “operators” is a role; nothing else is asked of groups, or of permissions."""
