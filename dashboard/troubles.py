"""What people see when the database is away: a sentence and 503, not a page that says that we made a mistake."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from repos import outages

# Seconds after which programs may try again.
RETRY_AFTER = "5"


def error_page(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the answer to the exception that is being handled."""
    outage = outages.of(error) if (error := sys.exc_info()[1]) else None
    return _unavailable(request, outage.why) if outage else server_error(request)


def _unavailable(request: HttpRequest, why: str) -> HttpResponse:
    """Without the session, the user or anything else that would ask the database."""
    if request.accepts("text/html") and "HX-Request" not in request.headers:
        answer = HttpResponse(render_to_string("503.html", {"why": why}))
    else:
        answer = HttpResponse(f"{why}\n", content_type="text/plain; charset=utf-8")
    answer.status_code = 503
    answer.headers["Retry-After"] = RETRY_AFTER
    answer.headers["Cache-Control"] = "no-store"
    return answer
