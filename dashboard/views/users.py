"""Users: who may sign in, and as what."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from dashboard import users
from dashboard.forms.base import DomainForm
from dashboard.forms.users import AddForm, PasswordForm, RoleForm
from dashboard.roles import for_administrators
from repos.errors import MillraceError

from .http import Request, ask_to_delete, form_page, page_of, sent, status_of

USERS = 50


@require_GET
@for_administrators
def index(request: Request) -> HttpResponse:
    page = page_of(request, users.listed(), "page", USERS)
    active = User.objects.aggregate(active=Count("pk", filter=Q(is_active=True)), all=Count("pk"))
    context = {"page": page, "rows": [(user, users.known_role(user).word) for user in page], "counts": active}
    return render(request, "users/index.html", context)


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
            return _told(request, user, f"“{user}” was made.", "" if values["password"] else password)
    return render(request, "users/new.html", {"form": form}, status=status_of(form))


@require_GET
@for_administrators
def detail(request: Request, pk: int) -> HttpResponse:
    return _page(request, _user(pk))


@require_POST
@for_administrators
def role(request: Request, pk: int) -> HttpResponse:
    user, form = _user(pk), RoleForm(request.POST)
    if form.is_valid() and _done(form, lambda: users.set_role(user, form.cleaned_data["role"])):
        return _told(request, user, f"“{user}” is {form.cleaned_data['role'].word} now.")
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
            what = f"“{user}” has another password, and is signed out everywhere."
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
    what = "can sign in again" if active else "cannot sign in any more; their sessions have ended"
    return _told(request, user, f"“{user}” {what}.")


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
            messages.success(request, f"The user “{user}” was deleted.")
            return redirect("users")
    return ask_to_delete(
        request,
        f"user “{user}”",
        consequences=users.consequences(user, by=request.user),
        back=reverse("user", args=[pk]),
        refusal=refusal,
    )


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
        return render(request, "users/made.html", {"person": user, "what": what, "password": password})
    messages.success(request, what)
    return redirect("user", user.pk) if user != request.user else redirect("overview")


def _page(request: Request, user: User, *, status: int = 200, **context: Any) -> HttpResponse:
    now = users.known_role(user)
    forms = {"role_form": RoleForm(initial={"role": now.word}), "password_form": PasswordForm()}
    shown = {"person": user, "role": now.word, "oneself": user == request.user}
    return render(request, "users/detail.html", forms | shown | context, status=status)
