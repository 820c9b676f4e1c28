"""Users: who may sign in, and as what."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from dashboard import users
from dashboard.forms.base import DomainForm
from dashboard.forms.users import AddForm, PasswordForm, RoleForm
from dashboard.lists import Choice, Filter, Listing, Sort
from dashboard.roles import Role, for_administrators
from repos.errors import MillraceError
from repos.words import later, say

from .http import Request, ask_to_delete, form_page, sent, status_of

USERS = Listing(
    sorts=(
        Sort("name", _("User"), "username"),
        Sort("seen", _("Last signed in"), "last_login", down=True, nullable=True),
        Sort("made", _("Made"), "date_joined", down=True),
    ),
    search=("username",),
    filters=(
        Filter(
            "role",
            _("Users by role"),
            (
                Choice("administrator", _("Administrators"), users.with_role(Role.ADMINISTRATOR)),
                Choice("operator", _("Operators"), users.with_role(Role.OPERATOR)),
                Choice("viewer", _("Viewers"), users.with_role(Role.VIEWER)),
            ),
        ),
        Filter(
            "active",
            _("Users by whether they can sign in"),
            (
                Choice("yes", _("Can sign in"), Q(is_active=True)),
                Choice("no", _("Deactivated"), Q(is_active=False)),
            ),
            everything=_("Everybody"),
        ),
    ),
)


@require_GET
@for_administrators
def index(request: Request) -> HttpResponse:
    shown = USERS.shown(request, users.listed())
    rows = [(user, users.known_role(user).words) for user in shown]
    return render(request, "users/index.html", {"list": shown, "rows": rows})


@form_page
@for_administrators
def new(request: Request) -> HttpResponse:
    form = AddForm(sent(request))
    if form.is_valid():
        values = form.cleaned_data
        password = values["password"] or users.new_password()
        try:
            user = users.add(values["name"], role=values["role"], password=password)
        except MillraceError as error:
            form.refuse(error)
        else:
            return _told(request, user, say("“{user}” was made.", user=user), "" if values["password"] else password)
    return render(request, "users/new.html", {"form": form, "crumbs": _crumbs(_("New"))}, status=status_of(form))


@require_GET
@for_administrators
def detail(request: Request, pk: int) -> HttpResponse:
    return _page(request, _user(pk))


@require_POST
@for_administrators
def role(request: Request, pk: int) -> HttpResponse:
    user, form = _user(pk), RoleForm(request.POST)
    if form.is_valid() and _done(form, lambda: users.set_role(user, form.cleaned_data["role"])):
        return _told(request, user, say("“{user}” is {role} now.", user=user, role=form.cleaned_data["role"].words))
    return _page(request, user, role_form=form, status=422)


@require_POST
@for_administrators
def password(request: Request, pk: int) -> HttpResponse:
    """Somebody else's: one's own is changed by whoever knows it."""
    user, form = _user(pk), PasswordForm(request.POST)
    if user == request.user:
        return redirect("password")
    if form.is_valid():
        chosen = form.cleaned_data["password"]
        now = chosen or users.new_password()
        if _done(form, lambda: users.set_password(user, now)):
            what = say("“{user}” has another password, and is signed out everywhere.", user=user)
            return _told(request, user, what, "" if chosen else now)
    return _page(request, user, password_form=form, status=422)


@require_POST
@for_administrators
def activity(request: Request, pk: int) -> HttpResponse:
    """`active` in the form says what is to be: “yes”, or anything else."""
    user, active = _user(pk), request.POST.get("active") == "yes"
    try:
        users.set_active(user, active, by=request.user)
    except MillraceError as error:
        return _page(request, user, refusal=str(error), status=409)
    again = later("“{user}” can sign in again.")
    ended = later("“{user}” cannot sign in any more; their sessions have ended.")
    return _told(request, user, say(again if active else ended, user=user))


@form_page
@for_administrators
def delete(request: Request, pk: int) -> HttpResponse:
    user = _user(pk)
    refusal = ""
    if request.method == "POST":
        try:
            users.delete(user, by=request.user)
        except MillraceError as error:
            refusal = str(error)
        else:
            messages.success(request, say("The user “{user}” was deleted.", user=user))
            return redirect("users")
    return ask_to_delete(
        request,
        say("user “{user}”", user=user),
        consequences=users.consequences(user, by=request.user),
        back=reverse("user", args=[pk]),
        refusal=refusal,
    )


def _crumbs(last: str | Promise) -> list[tuple[str | Promise, str]]:
    return [(_("Users"), reverse("users")), (last, "")]


def _user(pk: int) -> User:
    return get_object_or_404(users.listed(), pk=pk)


def _done(form: DomainForm, do: Callable[[], None]) -> bool:
    """Whether it was done; else the form says why not."""
    try:
        do()
    except MillraceError as error:
        form.refuse(error)
        return False
    return True


def _told(request: Request, user: User, what: str, password: str = "") -> HttpResponse:
    """To the user's page. A `password` that was made is told on this very page: kept for the next one, it would lie
    in a cookie or a table."""
    if password:
        context = {"person": user, "what": what, "password": password, "crumbs": _crumbs(user.username)}
        return render(request, "users/made.html", context)
    messages.success(request, what)
    return redirect("user", user.pk) if user != request.user else redirect("overview")


def _page(request: Request, user: User, *, status: int = 200, **context: Any) -> HttpResponse:
    now = users.known_role(user)
    forms = {"role_form": RoleForm(initial={"role": now.word}), "password_form": PasswordForm()}
    shown = {"person": user, "role": now.words, "oneself": user == request.user, "crumbs": _crumbs(user.username)}
    return render(request, "users/detail.html", forms | shown | context, status=status)
