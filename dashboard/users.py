"""Users and their roles: made, changed and removed, so that there always is an administrator."""

import secrets

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from repos.deletion import Consequences
from repos.errors import MillraceError
from repos.errors.values import InvalidValue
from repos.words import say

from .roles import OPERATORS, Role

ROLES = {role.word: role for role in (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR)}


class LastAdministrator(MillraceError):
    """Without it nobody could look after users any more."""

    code = "last_administrator"

    def __init__(self, user: User) -> None:
        super().__init__(say("“{user}” is the only active administrator. Make somebody else one first.", user=user))


class Oneself(MillraceError):
    """Who did it would be out, and could not undo it."""

    code = "oneself"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why} {say('Another administrator can.')}")


def with_role(role: Role) -> Q:
    """What picks the users who have this role, or had it before they were deactivated."""
    if role == Role.ADMINISTRATOR:
        return Q(is_superuser=True)
    operators = Exists(User.groups.through.objects.filter(user=OuterRef("pk"), group__name=OPERATORS))
    return Q(operators if role == Role.OPERATOR else ~operators, is_superuser=False)


def listed() -> QuerySet[User]:
    """All, by name, with what `known_role` needs."""
    return User.objects.order_by("username").prefetch_related("groups")


def known_role(user: User) -> Role:
    """The role that one of `listed` has, or had before it was deactivated."""
    if user.is_superuser:
        return Role.ADMINISTRATOR
    return Role.OPERATOR if any(group.name == OPERATORS for group in user.groups.all()) else Role.VIEWER


def new_password() -> str:
    """One that nobody guesses: 96 bits."""
    return secrets.token_urlsafe(12)


def add(name: str, *, role: Role, password: str) -> User:
    """Makes a user. Raises InvalidValue for a name that is bad or taken, and for a weak password."""
    name = User.normalize_username(name)
    user = User(username=name, is_superuser=role == Role.ADMINISTRATOR, is_staff=role == Role.ADMINISTRATOR)
    _check_name(user)
    _check_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            _put_into_group(user, role)
    except IntegrityError:
        raise _taken(name) from None
    return user


def set_role(user: User, role: Role) -> None:
    """Gives another role, which counts from the next request on. Raises LastAdministrator."""
    with transaction.atomic():
        if role != Role.ADMINISTRATOR:
            _need_another_administrator(user)
        above = role == Role.ADMINISTRATOR
        User.objects.filter(pk=user.pk).update(is_superuser=above, is_staff=above)
        _put_into_group(user, role)


def set_active(user: User, active: bool, *, by: User | None = None) -> None:
    """Lets a user in or keeps them out, whose sessions end at once. Raises LastAdministrator, Oneself."""
    if not active and user == by:
        raise Oneself(say("Nobody can deactivate their own account."))
    with transaction.atomic():
        if not active:
            _need_another_administrator(user)
        User.objects.filter(pk=user.pk).update(is_active=active)


def set_password(user: User, password: str) -> None:
    """Ends all sessions of the user, for each holds a digest of the password's hash. Raises InvalidValue."""
    _check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])


def consequences(user: User, *, by: User | None = None) -> Consequences:
    """What deleting the user takes with it."""
    corrections = LogEntry.objects.filter(user=user).count()
    named = say(
        "Their name, where jobs, switches and tokens say whose they are. To keep it, deactivate the user instead."
    )
    corrected = (
        (say("What the admin tells of their corrections, {count} in all.", count=corrections),) if corrections else ()
    )
    return Consequences(takes=(named, *corrected), refusal=str(_not_oneself()) if user == by else "")


def _not_oneself() -> Oneself:
    return Oneself(say("Nobody can delete their own account."))


def delete(user: User, *, by: User | None = None) -> None:
    """Raises LastAdministrator, Oneself."""
    if user == by:
        raise _not_oneself()
    with transaction.atomic():
        _need_another_administrator(user)
        user.delete()


def _need_another_administrator(user: User) -> None:
    """Locks those that there are, so that no two of them are taken away at once."""
    active = User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk")
    if [one.pk for one in active] == [user.pk]:
        raise LastAdministrator(user)


def _put_into_group(user: User, role: Role) -> None:
    group, _ = Group.objects.get_or_create(name=OPERATORS)
    if role == Role.OPERATOR:
        user.groups.add(group)
    else:
        user.groups.remove(group)


def _check_name(user: User) -> None:
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        raise InvalidValue("name", " ".join(error.message_dict["username"])) from None
    # Names that only differ in their capitals would be taken for one another.
    if User.objects.filter(username__iexact=user.username).exists():
        raise _taken(user.username)


def _taken(name: str) -> InvalidValue:
    return InvalidValue("name", say("There is a user called “{name}” already. Choose another name.", name=name))


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidValue("password", " ".join(error.messages)) from None
