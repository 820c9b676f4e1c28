"""What every page of the dashboard carries."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

# No inline script or style, nothing from elsewhere, and nobody may frame or base us.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def page_for_wrong_methods(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Puts a page into Django's bare answer to a method that an address does not take (RFC 9110, 15.5.6)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.accepts("text/html"):
            page = render(request, "405.html", {"allowed": response.headers["Allow"]}, status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    return middleware
