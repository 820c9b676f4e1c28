"""What the views share: the request, where to go next, forms that are sent, deleting, and lists."""

from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from dashboard.forms.base import ChangeForm
from repos.deletion import Consequences
from repos.errors.refusals import Stale
from repos.jobs import Requested
from repos.models import Distribution, Job, Publication, Repository
from repos.terms import term
from repos.words import say

Row = TypeVar("Row", bound=Model)

# Where there is more to see of what keeps something from being deleted.
_PAGES: dict[type[Model], str] = {
    Distribution: "distribution",
    Job: "job",
    Publication: "publication",
    Repository: "repository",
}
# Of a page with a form, which is shown and sent at the same address.
form_page = require_http_methods(["GET", "POST"])


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
        messages.info(
            request,
            say(
                "The same run is already {state}: you have joined it as job {job}.",
                state=term(job.state),
                job=job.pk,
            ),
        )
    else:
        messages.success(request, say("Job {job} was requested.", job=job.pk))
    return go(request, "job", job.pk)


def sent(request: Request) -> QueryDict | None:
    """What the form of a page was sent with; None where the page is only asked for."""
    return request.POST if request.method == "POST" else None


def stale(form: ChangeForm, what: str) -> str:
    """The sentence that says that somebody else changed `what`; nothing where the form is still right."""
    return str(Stale(what)) if form.is_bound and form.stale else ""


def status_of(form: Form | None, refusal: str = "") -> int:
    """Of a page whose form was not taken: 409 for what is there now, 422 for what is in it; 200 if it was not sent."""
    if refusal:
        return 409
    return 422 if form and form.is_bound else 200


def ask_to_delete(
    request: Request,
    what: str,
    *,
    consequences: Consequences,
    back: str,
    form: Form | None = None,
    refusal: str = "",
) -> HttpResponse:
    """The page before every deletion (see shared/delete.html); `refusal` says why it was not made, if it was tried."""
    ways = [(str(one), reverse(_PAGES[type(one)], args=[one.pk])) for one in consequences.in_the_way]
    context = {"what": what, "consequences": consequences, "back": back, "form": form, "refusal": refusal, "ways": ways}
    return render(request, "shared/delete.html", context, status=status_of(form, refusal))


def looked_for(request: HttpRequest, name: str = "q") -> str:
    """The text that a list is searched for. Nothing stored has the sign that ends PostgreSQL's texts."""
    return request.GET.get(name, "").replace("\0", "")


def numbered(text: str) -> int | None:
    """The number of a row that `text` is, if it is one that could be."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def known_newest(request: HttpRequest, newest: int) -> int:
    """The number of the version that was the newest when the page was drawn which asks for news of itself."""
    known = numbered(request.GET.get("shown", ""))
    return newest if known is None else known


def page_of(
    request: HttpRequest, rows: QuerySet[Row], name: str, per_page: int, *, count: int | None = None
) -> Page[Row]:
    """The page of `rows` that the query string asks for under `name`; the nearest one where there is no such page.

    `count` is how many rows there are, where that is known already.
    """
    pages = Paginator(rows, per_page)
    if count is not None:
        pages.count = count
    page = pages.get_page(request.GET.get(name))
    if page.number > 1:
        # Which rows these are is found first: else a database passes over those before them with all that a row shows.
        first = (page.number - 1) * per_page
        page.object_list = rows.filter(pk__in=list(rows.values_list("pk", flat=True)[first : first + per_page]))
    return page
