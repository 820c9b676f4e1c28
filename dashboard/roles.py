"""Who may do what: a viewer looks, an operator works, an administrator looks after users and the admin besides.

Administrators are Django's superusers; operators are in the group of that name; whoever else can sign in is a viewer.
"""

from collections.abc import Callable
from enum import IntEnum
from functools import wraps
from typing import Concatenate, NoReturn, ParamSpec, cast

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from repos.words import later, say

from .views.http import Request

OPERATORS = "operators"

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], HttpResponse]


class Role(IntEnum):
    NOBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ADMINISTRATOR = 3

    @property
    def word(self) -> str:
        """Its name, as forms send it."""
        return self.name.lower()

    @property
    def words(self) -> str:
        """The same for people."""
        return say(_WORDS[self])


_WORDS = {
    Role.NOBODY: later("nobody"),
    Role.VIEWER: later("viewer"),
    Role.OPERATOR: later("operator"),
    Role.ADMINISTRATOR: later("administrator"),
}
_NEEDED = {
    Role.OPERATOR: later("This needs an operator; your role is {role}."),
    Role.ADMINISTRATOR: later("This needs an administrator; your role is {role}."),
}


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


def refuse(user: User | AnonymousUser, needed: Role) -> NoReturn:
    """Raises PermissionDenied, whose page says which role is needed and which one `user` has."""
    raise PermissionDenied(say(_NEEDED[needed], role=role_of(user).words))


def flags(request: HttpRequest) -> dict[str, bool]:
    """For every template: what the user may do, so that it offers nothing else. Access is decided in the views."""
    role = role_of(request.user) if hasattr(request, "user") else Role.NOBODY
    return {"may_operate": role >= Role.OPERATOR, "may_administer": role >= Role.ADMINISTRATOR}


def _least(role: Role, view: View[P]) -> View[P]:
    @wraps(view)
    def checked(request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if role_of(request.user) < role:
            refuse(request.user, role)
        return view(request, *args, **kwargs)

    return cast(View[P], checked)
