"""Making a repository with all that it needs, and running its first job."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dashboard import checking
from dashboard.forms.creating import MirrorForm, NewForm
from dashboard.roles import for_operators
from repos import create
from repos.errors import MillraceError
from repos.models import Remote

from .http import Request, form_page, go, numbered, sent, status_of


@require_POST
@for_operators
def make(request: Request) -> HttpResponse:
    """Makes everything that a mirror needs of three fields, and starts its first job."""
    form = MirrorForm(request.POST)
    if answer := _made(request, form):
        return answer
    template = "repositories/_form.html" if request.htmx else "repositories/mirror.html"
    return render(request, template, _page(form), status=422)


@form_page
@for_operators
def new(request: Request) -> HttpResponse:
    """The same with every setting."""
    form = NewForm(sent(request))
    if form.is_bound and (answer := _made(request, form)):
        return answer
    form.reach.forget_secrets()
    template = "repositories/_new.html" if request.htmx else "repositories/new.html"
    return render(request, template, _page(form), status=status_of(form))


@require_POST
@for_operators
def check(request: Request) -> HttpResponse:
    """What is found at the upstream that a form for a new repository names, and what that could be called.

    `form` says which form it is: “mirror”, or else the whole one. Without htmx it comes back as it was entered.
    """
    small = request.POST.get("form") == "mirror"
    form = MirrorForm(request.POST) if small else NewForm(request.POST)
    remote = _chosen(request)
    checked = checking.stored(remote) if remote else checking.entered(form.reach)
    context = _page(form) | {"finding": checked.finding, "busy": checked.busy, "asked": form.reach}
    if checked.finding and checked.finding.files:
        context["free"] = form.propose(checked.finding.url)
    else:
        form.show_as_entered()
    if request.htmx:
        return render(request, "repositories/_checked.html", context, status=checked.status)
    form.reach.forget_secrets()
    return render(request, f"repositories/{'mirror' if small else 'new'}.html", context, status=checked.status)


def _chosen(request: Request) -> Remote | None:
    """The remote that is there already and was chosen; None where the form describes a new one."""
    pk = request.POST.get("remote", "")
    if not pk or request.POST.get("upstream") != NewForm.EXISTING:
        return None
    return get_object_or_404(Remote, pk=numbered(pk))


def _page(form: MirrorForm | NewForm) -> dict[str, Any]:
    return {"form": form, "crumbs": [(_("Repositories"), reverse("repositories")), (_("New"), "")]}


def _made(request: Request, form: MirrorForm | NewForm) -> HttpResponse | None:
    """Makes what the form asks for and goes there; None where the form has to say why not."""
    if form.is_valid():
        try:
            return _go_to_made(request, create.make_and_run(**form.values(), by=request.user))
        except MillraceError as error:
            form.refuse(error)
    return None


def _go_to_made(request: Request, made: create.Made) -> HttpResponse:
    if made.joined:
        said = _("“%(name)s” was made by the same form a moment ago: here it is.")
        messages.info(request, said % {"name": made.repository})
    elif made.job:
        said = _("“%(name)s” was made and job %(job)s requested.")
        messages.success(request, said % {"name": made.repository, "job": made.job.pk})
    else:
        messages.success(request, _("“%(name)s” was made.") % {"name": made.repository})
    return go(request, "job", made.job.pk) if made.job else go(request, "repository", made.repository.pk)
