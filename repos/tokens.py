"""Tokens that open protected distributions: made, looked up, revoked, deleted. Of a token only its sha256 is kept."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from . import names, units
from .errors.refusals import Gone, InUse
from .errors.values import InvalidValue
from .lookup import moment
from .models import AccessToken, Distribution
from .words import say

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
        raise InvalidValue("distributions", say("Choose either everything, or at least one distribution."))
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidValue("days", say("Give a whole number of days from 1 to {most}.", most=units.number(MAX_DAYS)))
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


@dataclass(frozen=True, slots=True)
class Key:
    """What a usable token `opens` of the distributions that were asked for, by their numbers."""

    pk: int
    start: str
    last_used_at: datetime | None
    opens: set[int]


def key(secret: str, distributions: Collection[int]) -> Key | None:
    """`find` and `covered` in one query, made by hand: it is run for every file that is sent of what is protected."""
    if not _SECRET.fullmatch(secret):
        return None
    statement, values = opening_statement(secret, distributions)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return key_in(cursor.fetchall(), distributions)


def opening_statement(secret: str, distributions: Collection[int]) -> tuple[str, list[str | int | datetime | None]]:
    """How a token is looked up, as Django takes it; `key_in` reads the rows."""
    places = ", ".join(["%s"] * len(distributions)) or "NULL"
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    return _KEY.replace("{places}", places), [*distributions, _digest(secret), now]


# The columns that `key_in` reads, and from where.
KEY = "t.id, t.start, t.last_used_at, t.everything, o.distribution_id"
_OPENED = "LEFT JOIN repos_accesstoken_distributions o ON o.accesstoken_id = t.id AND o.distribution_id "
_USABLE = "t.digest = {digest} AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > {now})"
_KEY = (
    f"SELECT {KEY} FROM repos_accesstoken t {_OPENED} IN ({{places}}) "  # noqa: S608
    f"WHERE {_USABLE.format(digest='%s', now='%s')}"
)


def key_joins(distribution: str, *, digest: str, now: str) -> str:
    """What gives a statement the columns KEY, of the usable token with this digest; null where there is none."""
    usable = _USABLE.format(digest=digest, now=now)
    return f"LEFT JOIN repos_accesstoken t ON {usable}\n{_OPENED} = {distribution}"


def key_in(rows: Sequence[Sequence[Any]], distributions: Collection[int]) -> Key | None:
    if not rows or rows[0][0] is None:
        return None
    pk, start, used_at, everything, _ = rows[0]
    opens = set(distributions) if everything else {row[4] for row in rows if row[4] is not None}
    return Key(pk, start, moment(used_at) if used_at else None, opens)


def covered(token: AccessToken, distributions: Collection[int]) -> set[int]:
    """Which of these distributions it opens."""
    if token.everything:
        return set(distributions)
    return set(token.distributions.filter(pk__in=distributions).values_list("pk", flat=True))


def use_is_noted(token: AccessToken | Key) -> bool:
    """Whether its use in this minute is."""
    return token.last_used_at is not None and token.last_used_at >= _minute()


def used(token: AccessToken | Key) -> bool:
    """Notes that it was used, to the minute: one of its many requests in a minute writes. Whether this one did."""
    minute = _minute()
    if use_is_noted(token):
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
        raise Gone(say("The token “{token}”", token=token))
    if state(current) == USABLE:
        raise InUse(say("The token “{current}” can still be used. Revoke it first.", current=current))
    current.delete()


# The states of a token, in words.
USABLE, EXPIRED, REVOKED = "usable", "expired", "revoked"


def state(token: AccessToken, now: datetime | None = None) -> str:
    """USABLE, EXPIRED or REVOKED."""
    if token.revoked_at is not None:
        return REVOKED
    return EXPIRED if token.expires_at and token.expires_at <= (now or timezone.now()) else USABLE


def in_state(which: str) -> Q:
    """What picks the tokens that are USABLE, EXPIRED or REVOKED now."""
    if which == REVOKED:
        return Q(revoked_at__isnull=False)
    over = Q(expires_at__lte=timezone.now())
    return Q(revoked_at=None) & (over if which == EXPIRED else ~over | Q(expires_at=None))


def listed() -> QuerySet[AccessToken]:
    """All of them, newest first, with what a list shows."""
    return AccessToken.objects.select_related("created_by").prefetch_related("distributions")


def opening(distribution: Distribution) -> QuerySet[AccessToken]:
    """The usable tokens that open `distribution`."""
    names_it = AccessToken.distributions.through.objects.filter(
        accesstoken=OuterRef("pk"), distribution=distribution.pk
    )
    return AccessToken.objects.usable().filter(Q(everything=True) | Exists(names_it))


def _minute() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)


def digest_of(secret: str) -> str | None:
    """As which a token is known; None of what is none."""
    return _digest(secret) if _SECRET.fullmatch(secret) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
