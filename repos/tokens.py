"""Tokens that open protected distributions: made, looked up, revoked, deleted. Of a token only its sha256 is kept."""

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from . import names
from .errors import Gone, InUse, InvalidValue
from .models import AccessToken, Distribution

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "mr_"
# Of randomness, in bytes: nobody guesses as much, so a plain digest of it is as good as a slow one.
LENGTH = 32
# Of the secret: how much is kept for people to know it again.
SHOWN = 10
MAX_DAYS = 3650

_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class Made:
    """A new token, and its secret, which is nowhere else and never comes again."""

    token: AccessToken
    secret: str


@transaction.atomic
def make(
    name: str,
    *,
    everything: bool = False,
    distributions: Collection[Distribution] = (),
    days: int | None = None,
    by: "User | None" = None,
) -> Made:
    """Makes a token for `everything`, also what comes later, or for `distributions`; it expires after `days`, or never.

    Raises InvalidName, and InvalidValue at `distributions` and `days`.
    """
    name = names.checked(name)
    if everything == bool(distributions):
        raise InvalidValue("distributions", "Choose either everything, or at least one distribution.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidValue("days", f"Give a whole number of days from 1 to {MAX_DAYS:,}.")
    secret = PREFIX + secrets.token_urlsafe(LENGTH)
    token = AccessToken.objects.create(
        name=name,
        digest=_digest(secret),
        start=secret[:SHOWN],
        everything=everything,
        created_by=by,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    token.distributions.set(distributions)
    return Made(token, secret)


def find(secret: str) -> AccessToken | None:
    """The usable token that has this secret.

    It is looked up by its digest: how long that takes tells nothing of a secret that comes near.
    """
    if not _SECRET.fullmatch(secret):
        return None
    return AccessToken.objects.usable().filter(digest=_digest(secret)).first()


def covered(token: AccessToken, distributions: Collection[int]) -> set[int]:
    """Which of these distributions it opens."""
    if token.everything:
        return set(distributions)
    return set(token.distributions.filter(pk__in=distributions).values_list("pk", flat=True))


def used(token: AccessToken) -> bool:
    """Notes that it was used, to the minute: one of its many requests in a minute writes. Whether this one did."""
    minute = timezone.now().replace(second=0, microsecond=0)
    if token.last_used_at is not None and token.last_used_at >= minute:
        return False
    unnoted = Q(last_used_at=None) | Q(last_used_at__lt=minute)
    return AccessToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=minute) == 1


def revoke(token: AccessToken) -> bool:
    """It opens nothing from the next request on, and never again. False if it was revoked already."""
    return AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()) == 1


@transaction.atomic
def delete(token: AccessToken) -> None:
    """Takes it off the list. Raises InUse while it can be used, and Gone."""
    current = AccessToken.objects.select_for_update().filter(pk=token.pk).first()
    if current is None:
        raise Gone(f"The token “{token}”")
    if state(current) == USABLE:
        raise InUse(f"The token “{current}” can still be used. Revoke it first.")
    current.delete()


# The states of a token, in words.
USABLE, EXPIRED, REVOKED = "usable", "expired", "revoked"


def state(token: AccessToken, now: datetime | None = None) -> str:
    """USABLE, EXPIRED or REVOKED."""
    if token.revoked_at is not None:
        return REVOKED
    return EXPIRED if token.expires_at and token.expires_at <= (now or timezone.now()) else USABLE


def listed() -> QuerySet[AccessToken]:
    """All of them, newest first, with what a list shows."""
    return AccessToken.objects.select_related("created_by").prefetch_related("distributions")


def opening(distribution: Distribution) -> QuerySet[AccessToken]:
    """The usable tokens that open `distribution`."""
    names_it = AccessToken.distributions.through.objects.filter(
        accesstoken=OuterRef("pk"), distribution=distribution.pk
    )
    return AccessToken.objects.usable().filter(Q(everything=True) | Exists(names_it))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
