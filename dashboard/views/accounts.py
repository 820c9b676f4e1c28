"""Signing in."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.urls import Resolver404, resolve

# Pages that a sign-in may lead back to. The others are live fragments and deeds, which a browser cannot just open.
PAGES = {"overview", "repository", "jobs", "job", "status"}


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
    return found.url_name in PAGES or found.app_name == "admin"
