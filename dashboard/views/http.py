"""What the views share of HTTP."""

from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from repos.jobs import Requested

Row = TypeVar("Row", bound=Model)


class Request(HttpRequest):
    """A request as it is behind LoginRequiredMiddleware and HtmxMiddleware."""

    user: User
    htmx: HtmxDetails


def go(request: Request, to: str, *args: Any) -> HttpResponse:
    """Sends the browser to another page; htmx would else put that page into the element that asked."""
    answer = redirect(to, *args)
    return HttpResponseClientRedirect(answer.url) if request.htmx else answer


def go_to_job(request: Request, requested: Requested) -> HttpResponse:
    """Sends the browser to a job that it asked for, and says whether that job was there before."""
    job = requested.job
    if requested.joined:
        messages.info(request, f"The same run is already {job.state}: you have joined it as job {job.pk}.")
    else:
        messages.success(request, f"Job {job.pk} was requested.")
    return go(request, "job", job.pk)


def page_of(request: HttpRequest, rows: QuerySet[Row], name: str, per_page: int) -> Page[Row]:
    """The page of `rows` that the query string asks for under `name`; the nearest one where there is no such page."""
    return Paginator(rows, per_page).get_page(request.GET.get(name))
