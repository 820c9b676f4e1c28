"""Signing in, and one's own password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dashboard import throttle, users
from dashboard.forms.users import WORDS, OwnPasswordForm
from dashboard.roles import role_of
from repos.errors import MillraceError
from repos.models import AccessToken, Job

from .http import Request, form_page, sent, status_of

# What a browser cannot just open: live fragments, and deeds, which only take forms. A sign-in leads back to all else.
FRAGMENTS = {
    "overview-running",
    "repositories-table",
    "repository-running",
    "repository-status",
    "repository-jobs-table",
    "status-now",
    "jobs-table",
    "job-panel",
    "base-path-check",
    "storage-running",
    "storage-sizes",
    "storage-plan",
    "storage-versions",
}
DEEDS = {
    *("storage-verify", "repository-verify", "version-verify"),
    *(
        "repository-create",
        "repository-run",
        "repositories-run",
        "version-publish",
        "version-restore",
        "remote-check",
        "login",
        "logout",
    ),
    *(
        "distribution-pin",
        "distribution-promote",
        "distribution-follow",
        "distribution-refresh",
        "job-cancel",
        "jobs-cancel",
        "job-again",
        "job-retry",
        "job-confirm",
    ),
    *("storage-clean", "storage-quarantine", "repository-dry-run", "repository-check"),
    *("user-role", "user-password", "user-activity"),
}


class SignIn(LoginView):
    """Django's, that answers a refused sign-in with 422, and leads nobody to an address that only takes forms."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if seconds := throttle.wait(_address(request), self._name()):
            return _too_many(request, seconds)
        return super().post(request, *args, **kwargs)

    def _name(self) -> str:
        return self.request.POST.get("username", "")

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        throttle.succeeded(_address(self.request), self._name())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if form.non_field_errors():
            throttle.failed(_address(self.request), self._name())
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_success_url(self) -> str:
        url = self.get_redirect_url()
        return url if _is_page(url) else self.get_default_redirect_url()


@require_GET
def profile(request: Request) -> HttpResponse:
    """Who the reader is, and what they may do."""
    role = role_of(request.user)
    context = {
        "may": WORDS[role],
        "jobs": Job.objects.filter(requested_by=request.user).count(),
        "tokens": AccessToken.objects.usable().filter(created_by=request.user).count(),
        "form": OwnPasswordForm(None, request.user),
    }
    return render(request, "accounts/profile.html", context)


@form_page
def own_password(request: Request) -> HttpResponse:
    """Asks for the current one, and counts the guesses at it."""
    name = request.user.get_username()
    if request.method == "POST" and (seconds := throttle.wait(_address(request), name)):
        return _too_many(request, seconds)
    form = OwnPasswordForm(sent(request), request.user)
    if form.is_valid():
        try:
            users.set_password(request.user, form.cleaned_data["new"])
        except MillraceError as error:
            form.refuse(error)
        else:
            return _changed(request, name)
    if "current" in form.errors and form["current"].data:
        throttle.failed(_address(request), name, "change of password")
    crumbs = [(_("Profile"), reverse("profile")), (_("Password"), "")]
    return render(request, "accounts/password.html", {"form": form, "crumbs": crumbs}, status=status_of(form))


def _changed(request: Request, name: str) -> HttpResponse:
    throttle.succeeded(_address(request), name)
    # This session goes on; the user's others have ended.
    update_session_auth_hash(request, request.user)
    messages.success(request, _("Your password was changed. Wherever else you were signed in, you are not any more."))
    return redirect("profile")


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    answer = render(request, "429.html", {"minutes": -(-seconds // 60)}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def _is_page(url: str) -> bool:
    try:
        found = resolve(url.partition("?")[0])
    except Resolver404:
        # Not ours to judge: what lies outside the dashboard's own addresses.
        return bool(url)
    return found.url_name not in FRAGMENTS | DEEDS
