"""Signing in."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import Resolver404, resolve

# What a browser cannot just open: live fragments, and deeds, which only take forms. A sign-in leads back to all else.
FRAGMENTS = {"overview-running", "repository-running", "jobs-table", "job-panel", "base-path-check"}
DEEDS = {
    *("repository-create", "repository-run", "version-publish", "version-restore", "remote-check", "login", "logout"),
    *("distribution-pin", "distribution-follow", "distribution-refresh", "job-cancel", "job-again", "job-confirm"),
}


class SignIn(LoginView):
    """Django's, that answers a refused sign-in with 422, and leads nobody to an address that only takes forms."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_success_url(self) -> str:
        url = self.get_redirect_url()
        return url if _is_page(url) else self.get_default_redirect_url()


def _is_page(url: str) -> bool:
    try:
        found = resolve(url.partition("?")[0])
    except Resolver404:
        # Not ours to judge: what lies outside the dashboard's own addresses.
        return bool(url)
    return found.url_name not in FRAGMENTS | DEEDS
