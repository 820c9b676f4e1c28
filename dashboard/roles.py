"""Who may do what: a viewer looks, an operator works, an administrator looks after users and the admin besides.

Administrators are Django's superusers; operators are in the group of that name; whoever else can sign in is a viewer.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from .views.http import Request

OPERATORS = "operators"

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], HttpResponse]


class Role(IntEnum):
    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3


def role_of(user: User | AnonymousUser) -> Role:
    """The role of `user`."""
    if not user.is_active:
        return Role.NOBODY
    if user.is_superuser:
        return Role.ADMINISTRATOR
    return Role.OPERATOR if user.groups.filter(name=OPERATORS).exists() else Role.VIEWER


def for_operators(view: View[P]) -> View[P]:
    """A view that viewers may not use."""
    return _least(Role.OPERATOR, view)


def for_administrators(view: View[P]) -> View[P]:
    """A view that only administrators may use."""
    return _least(Role.ADMINISTRATOR, view)


def _least(role: Role, view: View[P]) -> View[P]:
    @wraps(view)
    def checked(request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if role_of(request.user) < role:
            raise PermissionDenied(f"This needs the role {role.name.lower()}.")
        return view(request, *args, **kwargs)

    return cast(View[P], checked)
