"""Tokens: which there are, new ones, and their end."""

from functools import partial

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from dashboard.forms.tokens import NewForm
from dashboard.lists import Choice, Filter, Listing, Sort
from dashboard.roles import for_operators
from repos import tokens
from repos.errors import MillraceError
from repos.models import AccessToken

from .http import Request, form_page, sent, status_of

_WORDS = {
    tokens.USABLE: gettext_lazy("Usable"),
    tokens.EXPIRED: gettext_lazy("Expired"),
    tokens.REVOKED: gettext_lazy("Revoked"),
}


def _opens(text: str) -> Q:
    """What is looked for among the distributions that a token opens."""
    opened = AccessToken.distributions.through.objects.filter(distribution__base_path__icontains=text)
    return Q(pk__in=opened.values("accesstoken"))


TOKENS = Listing(
    sorts=(
        Sort("made", gettext_lazy("Made"), "created_at", down=True),
        Sort("name", gettext_lazy("Name"), "name"),
        Sort("expires", gettext_lazy("Expires"), "expires_at", nullable=True),
        Sort("used", gettext_lazy("Last used"), "last_used_at", down=True, nullable=True),
    ),
    search=("name", "start", _opens),
    filters=(
        Filter(
            "state",
            gettext_lazy("Tokens by state"),
            tuple(Choice(state, word, partial(tokens.in_state, state)) for state, word in _WORDS.items()),
        ),
    ),
)


@require_GET
@for_operators
def index(request: Request) -> HttpResponse:
    shown = TOKENS.shown(request, tokens.listed())
    rows = [(token, tokens.state(token)) for token in shown]
    return render(request, "tokens/index.html", {"list": shown, "rows": rows})


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
    return render(request, "tokens/new.html", {"form": form, "crumbs": _crumbs(_("New"))}, status=status_of(form))


def _made(request: Request, made: tokens.Made) -> HttpResponse:
    """The one page that ever shows the secret: no address leads to it, and no browser keeps it."""
    opened = None if made.token.everything else made.token.distributions.first()
    context = {"token": made.token, "secret": made.secret, "example": opened, "crumbs": _crumbs(made.token.name)}
    answer = render(request, "tokens/made.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _crumbs(last: str) -> list[tuple[str, str]]:
    return [(_("Tokens"), reverse("tokens")), (last, "")]


@form_page
@for_operators
def revoke(request: Request, pk: int) -> HttpResponse:
    """Asks first: whoever downloads with the token is shut out."""
    token = get_object_or_404(tokens.listed(), pk=pk)
    if request.method != "POST":
        return render(request, "tokens/revoke.html", {"token": token, "state": tokens.state(token)})
    if tokens.revoke(token):
        messages.success(request, _("The token “%s” was revoked: it opens nothing any more.") % token)
    else:
        messages.info(request, _("The token “%s” was revoked already.") % token)
    return redirect("tokens")


@form_page
@for_operators
def delete(request: Request, pk: int) -> HttpResponse:
    """Asks first, though such a token opens nothing any more: when it was used last goes with it."""
    token = get_object_or_404(AccessToken, pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            tokens.delete(token)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, _("The token “%s” was deleted.") % token)
            return redirect("tokens")
    context = {"token": token, "state": tokens.state(token), "refusal": refusal}
    return render(request, "tokens/delete.html", context, status=status_of(None, refusal))
