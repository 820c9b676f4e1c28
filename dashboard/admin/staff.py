"""The admin's site: behind the dashboard's own sign-in page, for administrators only."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from dashboard.roles import Role, refuse, role_of


class MillraceSite(AdminSite):
    site_header = site_title = "Millrace"
    index_title = "Look closer, and correct"

    def has_permission(self, request: HttpRequest) -> bool:
        """Not Django's “staff”: one word for who may come here is enough."""
        return role_of(request.user) >= Role.ADMINISTRATOR

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Who is signed in, but no administrator, is refused, where Django would offer a second sign-in form."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def for_administrators(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                refuse(request.user, Role.ADMINISTRATOR)
            return inner(request, *args, **kwargs)

        return for_administrators

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one page to sign in at, and it is not the admin's."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            refuse(request.user, Role.ADMINISTRATOR)
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
