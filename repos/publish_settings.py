"""Publish settings: stored once by value, shared by repositories, and changed only by moving to others."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from . import paths, units
from .deletion import Consequences
from .errors.refusals import InUse, Stale
from .errors.values import InvalidPath, InvalidValue
from .models import Job, Publication, PublishSettings, Repository
from .words import say

MAX_NAME = 200
# How many of those that use settings a sentence names.
NAMED = 5
# And of each kind so many are led to.
FEW = 3
# By what a publication is named there: its repository.
OF_PUBLICATION = "version__repository__name"


def values_of(settings: PublishSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in PublishSettings.VALUES}


def listed() -> "QuerySet[PublishSettings]":
    """All, with `repositories_count`, `publications_count`, and the first few repositories as `first_repositories`."""
    return PublishSettings.objects.annotate(
        repositories_count=_count(_users(), "publish_settings"),
        publications_count=_count(Publication.objects.filter(settings=OuterRef("pk")), "settings"),
    ).prefetch_related(
        Prefetch("repositories", Repository.objects.order_by("name")[:NAMED], to_attr="first_repositories")
    )


def in_use() -> Q:
    """What picks those that some repository publishes with."""
    return Q(Exists(_users()))


def used_by(text: str) -> Q:
    """What picks those of the repositories that have `text` in their names."""
    return Q(Exists(_users().filter(name__icontains=text)))


def _users() -> QuerySet[Repository]:
    return Repository.objects.filter(publish_settings=OuterRef("pk"))


def _count(rows: QuerySet[Any], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """All values, those not named by their defaults. Raises InvalidValue with the name of the one that is wrong."""
    complete = values_of(PublishSettings(**values))
    names = {field: _file_name(field, complete[field]) for field in ("manifest", "checksums")}
    if names["manifest"] and names["manifest"] == names["checksums"]:
        raise InvalidValue(
            "checksums", say("“{names}” cannot be two files. Give one of them another name.", names=names["manifest"])
        )
    return complete | names


def _file_name(field: str, text: str) -> str:
    """The name of a file at the top of a publication, or nothing."""
    name = text.strip()
    if "/" in name:
        raise InvalidValue(field, say("The file lies at the top of what is published. Give its name without a folder."))
    if len(name) > MAX_NAME:
        raise InvalidValue(field, say("The name is longer than {most} characters. Give a shorter one.", most=MAX_NAME))
    try:
        return paths.checked(name) if name else ""
    except InvalidPath as error:
        raise InvalidValue(field, str(error)) from None


def having(values: Mapping[str, Any]) -> PublishSettings:
    """The row with these values, made if there is none. Raises InvalidValue.

    To be called in a transaction: until it ends nobody else can delete the row.
    """
    row = PublishSettings.objects.matching(**checked(values))
    held = PublishSettings.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
    if held is None:
        raise Stale(say("The list of publish settings"))
    return held


@transaction.atomic
def make(**values: Any) -> tuple[PublishSettings, bool]:
    """The settings with these values, and whether they were there before. Raises InvalidValue."""
    wanted = checked(values)
    there = PublishSettings.objects.filter(**wanted).exists()
    return having(wanted), there


@transaction.atomic
def change(
    settings: PublishSettings, *, repositories: Iterable[Repository] | None = None, **values: Any
) -> PublishSettings:
    """Has `repositories` (None: all that share `settings`) use settings with these values; returns those.

    The row itself stays as it is, for publications name it. Raises InvalidValue, and Stale where one of the
    repositories does not use `settings` any more.
    """
    other = having(values_of(settings) | values)
    move(settings, other, repositories)
    return other


@transaction.atomic
def move(settings: PublishSettings, other: PublishSettings, repositories: Iterable[Repository] | None = None) -> None:
    """The same with settings that are there. Nobody has to move to where it is."""
    users = Repository.objects.filter(publish_settings=settings)
    if repositories is None:
        users.update(publish_settings=other)
        return
    chosen = list(repositories)
    if users.filter(pk__in=[one.pk for one in chosen]).update(publish_settings=other) != len(chosen):
        raise Stale(say("The use of the publish settings “{settings}”", settings=settings))


def consequences(settings: PublishSettings) -> Consequences:
    """What deleting them comes to: nothing, where nobody needs them."""
    publications = Publication.objects.filter(settings=settings).select_related("version__repository", "settings")
    users: list[tuple[QuerySet[Any], str, str]] = [
        (Repository.objects.filter(publish_settings=settings), "repository", "name"),
        (publications, "publication", OF_PUBLICATION),
        (Job.objects.active().filter(publish_settings=settings), "job", "pk"),
    ]
    *others, last = [words for one in users if (words := _needing(*one))] or [""]
    if not last:
        return Consequences()
    needed = say("{names} and {last}", names=", ".join(others), last=last) if others else last
    return Consequences(
        say("“{settings}” cannot be deleted while it is used by {needed}.", settings=settings, needed=needed),
        in_the_way=tuple(row for rows, _, named_by in users for row in rows.order_by(named_by, "pk")[:FEW]),
    )


def _needing(rows: QuerySet[Any], noun: str, named_by: str) -> str:
    """“3 repositories (a, b, c)”; nothing where there are no such rows."""
    count = rows.count()
    if not count:
        return ""
    names = list(rows.order_by(named_by).values_list(named_by, flat=True).distinct()[: NAMED + 1])
    shown = ", ".join(str(name) for name in names[:NAMED])
    return f"{units.counted(count, noun)} ({shown}{', …' if names[NAMED:] else ''})"


@transaction.atomic
def delete(settings: PublishSettings) -> None:
    """Raises InUse, naming who needs them, and Stale where they are gone already."""
    held = PublishSettings.objects.select_for_update().filter(pk=settings.pk).first()
    if held is None:
        raise Stale(say("The list of publish settings"))
    if refusal := consequences(held).refusal:
        raise InUse(refusal)
    held.delete()
