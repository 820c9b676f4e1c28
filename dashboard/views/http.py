"""What the views share: the request, where to go next, forms that are sent, deleting, and lists."""

from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from dashboard.forms.base import ChangeForm
from repos.deletion import Consequences
from repos.errors import Stale
from repos.jobs import Requested

Row = TypeVar("Row", bound=Model)

# The filters of what repositories may use: a value, its word, and whether such rows are in use.
USES = (("", "All", None), ("used", "In use", True), ("unused", "Not in use", False))
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
        messages.info(request, f"The same run is already {job.state}: you have joined it as job {job.pk}.")
    else:
        messages.success(request, f"Job {job.pk} was requested.")
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
    context = {"what": what, "consequences": consequences, "back": back, "form": form, "refusal": refusal}
    return render(request, "shared/delete.html", context, status=status_of(form, refusal))


def looked_for(request: HttpRequest, name: str = "q") -> str:
    """The text that a list is searched for. Nothing stored has the sign that ends PostgreSQL's texts."""
    return request.GET.get(name, "").replace("\0", "")


def by_use(request: HttpRequest) -> dict[str, Any]:
    """What shared/_by_use.html shows of the query string: what is looked for, and which use is chosen."""
    return {"q": looked_for(request).strip(), "use": request.GET.get("use", ""), "filters": USES}


def is_in_use(use: str) -> bool | None:
    """Whether the chosen rows have to be in use; None if it does not matter."""
    return {value: used for value, _, used in USES}.get(use)


def numbered(text: str) -> int | None:
    """The number of a row that `text` is, if it is one that could be."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


def page_of(request: HttpRequest, rows: QuerySet[Row], name: str, per_page: int) -> Page[Row]:
    """The page of `rows` that the query string asks for under `name`; the nearest one where there is no such page."""
    return Paginator(rows, per_page).get_page(request.GET.get(name))
