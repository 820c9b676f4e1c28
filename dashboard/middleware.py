"""What every page of the dashboard carries."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.views.defaults import page_not_found

from repos.errors.refusals import Gone
from repos.models import Repository, RepositoryVersion

# No inline script or style, nothing from elsewhere, and nobody may frame or base us.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """The content policy; and that nobody keeps a page: the next one at this computer may be somebody else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "private, no-store")
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


class PageForWhatIsGone:
    """Not found is what was deleted while its page was made. A repository that is being deleted has no version left."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        gone = isinstance(error, (Gone, Repository.DoesNotExist, RepositoryVersion.DoesNotExist))
        return page_not_found(request, error) if gone else None
