"""Users and groups: Django's own pages, on which nobody gives themselves more rights than they have."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

# Django's class takes a parameter only where types are checked.
if TYPE_CHECKING:
    OfUsers = UserAdmin[User]
else:
    OfUsers = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class MillraceUserAdmin(OfUsers):
    """A user is not deleted but made inactive: the history of jobs and corrections names who did what."""

    list_filter = ["is_staff", "is_superuser", "is_active"]
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers are changed by superusers only, their passwords included."""
        beyond = obj is not None and obj.is_superuser and not _is_super(request)
        return not beyond and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Rights are given by superusers only."""
        rights = [] if _is_super(request) else ["is_staff", "is_superuser", "groups", "user_permissions"]
        return [*super().get_readonly_fields(request, obj), "last_login", "date_joined", *rights]


@admin.register(Group)
class MillraceGroupAdmin(GroupAdmin):
    """What a group may do its members may do, so only superusers change one."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_super(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_super(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_super(request)


def _is_super(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))
