"""Making, changing and deleting remotes. What is secret is sealed here, and never told by an error.

Values go by the names of the model's fields. Of a secret, None (or nothing) keeps what is there, "" removes it, and
any other text takes its place. A job that runs goes on with what it read when it began.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import certificates, units, vault
from .deletion import Consequences
from .errors import MillraceError
from .errors.refusals import InUse, Stale
from .errors.values import NameTaken
from .models import Remote, Repository
from .remote_values import checked_one, faults_together, tidied
from .words import say, say_by

FIELDS = tuple(
    field.name for field in Remote._meta.concrete_fields if field.name not in ("id", "created_at", *Remote.SECRETS)
)
# For how long the same values, sent again, mean the remote that they have made already.
MOMENT = timedelta(minutes=1)
# How many of the repositories that use a remote a sentence names.
NAMED = 3


def listed() -> QuerySet[Remote]:
    """All by name, each with how many repositories use it (`used_by`), and some of those (`first_repositories`)."""
    some = Repository.objects.order_by("name")[:NAMED]
    counted = _users().order_by().values("remote").annotate(number=Count("pk")).values("number")
    found = Remote.objects.annotate(used_by=Coalesce(Subquery(counted), 0)).order_by("name")
    return found.prefetch_related(Prefetch("repositories", some, to_attr="first_repositories"))


def in_use() -> Q:
    """What picks those that some repository syncs from."""
    return Q(Exists(_users()))


def _users() -> QuerySet[Repository]:
    return Repository.objects.filter(remote=OuterRef("pk"))


def make(*, name: str, url: str, **values: Any) -> Remote:
    """Makes a remote. Raises InvalidName, InvalidUrl, InvalidValue and NameTaken.

    Within a transaction of the caller, `vault.storing()` has to be held around that.
    """
    with vault.storing():
        made = draft(name=name, url=url, **values)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            _refuse_taken(made.name)
            raise
    return made


def make_once(**values: Any) -> Remote:
    """As `make`; but the very same values, sent again within a moment, lead to what they have made."""
    try:
        return make(**values)
    except NameTaken:
        again = draft(**values)
        made = Remote.objects.filter(name=again.name, created_at__gte=timezone.now() - MOMENT).first()
        if made and _plain(made) == _plain(again):
            return made
        raise


def change(remote: Remote, **values: Any) -> Remote:
    """Changes what was read as `remote`. Raises as `make` does, and Stale where somebody was quicker."""
    with vault.storing():
        changed = draft(remote, **values)
        new = {field: now for field, before, now in _columns(remote, changed) if now != before}
        if new:
            _store(remote, new)
    remote.refresh_from_db()
    return remote


def _store(remote: Remote, new: dict[str, Any]) -> None:
    # Secrets may have been sealed anew meanwhile, which changes nothing; what replaces one may replace any.
    as_read = {field: getattr(remote, field) for field in FIELDS}
    try:
        with transaction.atomic():
            count = Remote.objects.filter(pk=remote.pk, **as_read).update(**new)
    except IntegrityError:
        if "name" in new:
            _refuse_taken(new["name"])
        # Together with what somebody else has changed it cannot be.
        count = 0
    if not count:
        raise Stale(say("The remote “{remote}”", remote=remote))


def draft(remote: Remote | None = None, **values: Any) -> Remote:
    """What `remote` (None: a new one) would be with these values, not stored. Raises for the first that cannot be."""
    given = _given(remote, values)
    for error in _faults(remote, given):
        raise error
    made = copy(remote) if remote else Remote()
    made.pk = None
    for field, value in given.items():
        setattr(made, field, vault.seal(value) if field in Remote.SECRETS else checked_one(field, value))
    return made


def faults(remote: Remote | None = None, **values: Any) -> list[MillraceError]:
    """All that is wrong with these values, by themselves and together with the others of `remote`."""
    return list(_faults(remote, _given(remote, values)))


def _given(remote: Remote | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that say something: neither what is there already, nor a secret that is to be kept."""
    if unknown := values.keys() - {*FIELDS, *Remote.SECRETS}:
        raise TypeError(f"A remote has no {', '.join(sorted(unknown))}.")
    present = {field: getattr(remote, field) for field in FIELDS} if remote else {}
    tidy = {field: tidied(field, value) for field, value in values.items()}
    return {
        field: value
        for field, value in tidy.items()
        if (value is not None if field in Remote.SECRETS else field not in present or value != present[field])
    }


def _faults(remote: Remote | None, given: dict[str, Any]) -> Iterator[MillraceError]:
    wrong = set()
    for field, value in given.items():
        try:
            checked_one(field, value)
        except MillraceError as error:
            wrong.add(field)
            yield error
    before = _columns_of(remote or Remote())
    yield from faults_together(before, {field: value for field, value in given.items() if field not in wrong})
    if not wrong & {"client_certificate", "client_key"}:
        yield from _faults_of_pair(before, given)


def _faults_of_pair(before: dict[str, Any], given: dict[str, Any]) -> Iterator[MillraceError]:
    """Whether certificate and key belong together, where one of them is new."""
    certificate = given.get("client_certificate", before["client_certificate"])
    if not certificate or not {"client_certificate", "client_key"} & given.keys():
        return
    try:
        key = given["client_key"] if "client_key" in given else vault.reveal(before["client_key"])
        if key:
            certificates.check_pair("client_key", certificate, key)
    except MillraceError as error:
        yield error


def _columns_of(remote: Remote) -> dict[str, Any]:
    return {field: getattr(remote, field) for field in (*FIELDS, *Remote.SECRETS)}


def _columns(one: Remote, other: Remote) -> Iterator[tuple[str, Any, Any]]:
    theirs = _columns_of(other)
    return ((field, value, theirs[field]) for field, value in _columns_of(one).items())


def is_already(remote: Remote, **values: Any) -> bool:
    """Whether `remote` has these values. Raises as `draft` does, and SecretLost."""
    return _plain(remote) == _plain(draft(remote, **values))


def _plain(remote: Remote) -> dict[str, Any]:
    return _columns_of(remote) | {field: vault.reveal(getattr(remote, field)) for field in Remote.SECRETS}


def _refuse_taken(name: str) -> None:
    if Remote.objects.filter(name=name).exists():
        raise NameTaken(name, "remote")


def consequences(remote: Remote) -> Consequences:
    """What deleting it comes to: nothing but its settings go, and only when no repository uses it."""
    if refusal := _in_use(remote):
        return Consequences(refusal, in_the_way=tuple(remote.repositories.all()[:NAMED]))
    return Consequences(
        takes=(say("The address {url}, and its login, certificates, proxy and limits.", url=remote.url),)
    )


def _in_use(remote: Remote) -> str:
    """The sentence that names who uses it; empty if nobody does."""
    count = remote.repositories.count()
    names = ", ".join(f"“{name}”" for name in remote.repositories.values_list("name", flat=True)[:NAMED])
    if not count:
        return ""
    if count > NAMED:
        names = say("{names} and {count} more", names=names, count=units.number(count - NAMED))
    return say_by(
        count,
        "“{remote}” is the remote of the repository {names}. Choose another remote there first.",
        "“{remote}” is the remote of the repositories {names}. Choose another remote there first.",
        remote=remote,
        names=names,
    )


def delete(remote: Remote) -> None:
    """Raises InUse, naming the repositories, where there are any."""
    try:
        with transaction.atomic():
            remote.delete()
    except IntegrityError:
        # Its deletion is refused by Django, or by the database where a repository was quicker.
        raise InUse(
            _in_use(remote) or say("A repository took “{remote}” as its remote meanwhile.", remote=remote)
        ) from None
