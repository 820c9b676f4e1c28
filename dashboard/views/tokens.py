"""Tokens: which there are, new ones, and their end."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from dashboard.forms.tokens import NewForm
from dashboard.roles import for_operators
from repos import tokens
from repos.errors import MillraceError
from repos.models import AccessToken

from .http import Request, form_page, page_of, sent, status_of

TOKENS = 50


@require_GET
@for_operators
def index(request: Request) -> HttpResponse:
    return _list(request)


def _list(request: Request, refusal: str = "") -> HttpResponse:
    page = page_of(request, tokens.listed(), "page", TOKENS)
    rows = [(token, tokens.state(token)) for token in page]
    context = {"page": page, "rows": rows, "refusal": refusal}
    return render(request, "tokens/index.html", context, status=status_of(None, refusal))


@form_page
@for_operators
def new(request: Request) -> HttpResponse:
    """`distribution` in the query string is the one that the form begins with."""
    form = NewForm(sent(request), initial={"distributions": request.GET.getlist("distribution")})
    if form.is_valid():
        try:
            return _made(request, tokens.make(**form.values(), by=request.user))
        except MillraceError as error:
            form.refuse(error)
    return render(request, "tokens/new.html", {"form": form}, status=status_of(form))


def _made(request: Request, made: tokens.Made) -> HttpResponse:
    """The one page that ever shows the secret: no address leads to it, and no browser keeps it."""
    opened = None if made.token.everything else made.token.distributions.first()
    context = {"token": made.token, "secret": made.secret, "example": opened}
    answer = render(request, "tokens/made.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
@for_operators
def revoke(request: Request, pk: int) -> HttpResponse:
    token = get_object_or_404(AccessToken, pk=pk)
    if tokens.revoke(token):
        messages.success(request, f"The token “{token}” was revoked: it opens nothing any more.")
    else:
        messages.info(request, f"The token “{token}” was revoked already.")
    return redirect("tokens")


@require_POST
@for_operators
def delete(request: Request, pk: int) -> HttpResponse:
    token = get_object_or_404(AccessToken, pk=pk)
    try:
        tokens.delete(token)
    except MillraceError as error:
        return _list(request, str(error))
    messages.success(request, f"The token “{token}” was deleted.")
    return redirect("tokens")
