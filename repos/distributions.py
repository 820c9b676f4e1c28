"""Distributions as such: made, moved to another base path, refreshed. What they serve is switched in distribute.py."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from . import base_paths, jobs, paths
from .actions import Actions
from .distribute import MAX_REASON, follow, pin
from .errors.refusals import Gone, Refused
from .errors.values import BasePathTaken
from .jobs import Requested
from .models import Distribution, Publication, Repository, Switch
from .words import say

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# For how long the same values, sent again, mean the distribution that they have made already.
MOMENT = timedelta(minutes=1)


@transaction.atomic
def make_distribution(repository: Repository, base_path: str, *, protected: bool = False) -> Distribution:
    """Makes a distribution that follows `repository`; `protected` is closed to all without a login or a token.

    Raises InvalidPath and BasePathTaken.
    """
    path = paths.base_path(base_path)
    base_paths.lock()
    base_paths.refuse_taken(path)
    return Distribution.objects.create(base_path=path, repository=repository, protected=protected)


@transaction.atomic
def add_distribution(
    repository: Repository,
    *,
    base_path: str,
    publication: Publication | None = None,
    protected: bool = False,
    by: "User | None" = None,
    reason: str = "",
) -> Distribution:
    """Makes a distribution that is pinned to `publication`, or else follows and serves what is newest, if anything is.

    Raises InvalidPath, BasePathTaken, and Gone where the repository or the publication is.
    """
    if Repository.objects.locked(repository.pk) is None:
        raise Gone(say("The repository “{repository}”", repository=repository))
    made = make_distribution(repository, base_path, protected=protected)
    switch = pin(made, publication, by=by, reason=reason) if publication else follow(made, by=by, reason=reason)
    return switch.distribution if switch else made


def add_once(repository: Repository, **values: Any) -> Distribution:
    """As add_distribution; but the very same values, sent again within a moment, lead to what they have made."""
    try:
        return add_distribution(repository, **values)
    except BasePathTaken:
        made = Distribution.objects.filter(
            repository=repository,
            base_path=paths.base_path(values["base_path"]),
            protected=values.get("protected", False),
            created_at__gte=timezone.now() - MOMENT,
        ).first()
        publication = values.get("publication")
        if made and (made.publication == publication if made.pinned else publication is None):
            return made
        raise


@transaction.atomic
def change_base_path(distribution: Distribution, *, base_path: str, by: "User | None" = None) -> bool:
    """Serves at another base path from now on, and at the old one no more; the history says so. False if it did.

    Raises InvalidPath, BasePathTaken, and Gone.
    """
    path = paths.base_path(base_path)
    base_paths.lock()
    current = Distribution.objects.select_for_update().filter(pk=distribution.pk).first()
    if current is None:
        raise Gone(say("The distribution at “{distribution}”", distribution=distribution))
    before, served = current.base_path, current.publication
    if before == path:
        return False
    base_paths.refuse_taken(path, but=current.pk)
    current.base_path = path
    current.save(update_fields=["base_path"])
    # In two such paths there may be more than a note can hold.
    reason = say("base path changed from “{before}” to “{path}”", before=before, path=path)[:MAX_REASON]
    Switch.objects.create(distribution=current, by=by, earlier=served, later=served, reason=reason)
    return True


@transaction.atomic
def change(distribution: Distribution, *, base_path: str, protected: bool, by: "User | None" = None) -> None:
    """Both of what can be changed of it, or neither. Raises as the two below."""
    protect(distribution, protected=protected, by=by)
    change_base_path(distribution, base_path=base_path, by=by)


@transaction.atomic
def protect(distribution: Distribution, *, protected: bool, by: "User | None" = None) -> bool:
    """Lets in none but those with a login or a token, or everybody again, from the next request on. False if it did.

    What was superseded before it is opened stays closed. The history says who did it. Raises Gone.
    """
    current = Distribution.objects.select_for_update().filter(pk=distribution.pk).first()
    if current is None:
        raise Gone(say("The distribution at “{distribution}”", distribution=distribution))
    if current.protected == protected:
        return False
    current.protected = protected
    current.opened_at = None if protected else timezone.now()
    current.save(update_fields=["protected", "opened_at"])
    reason = say("protected: it takes a sign-in or a token") if protected else say("opened to all")
    served = current.publication
    Switch.objects.create(distribution=current, by=by, earlier=served, later=served, reason=reason)
    return True


def refresh(distribution: Distribution, *, by: "User | None" = None) -> Requested:
    """Asks for a run of its repository to its end, so that what is newest is served here. Raises Refused."""
    if distribution.pinned:
        raise Refused(
            say(
                "“{distribution}” is pinned, so no run moves it. Let it follow its repository first.",
                distribution=distribution,
            )
        )
    repository = distribution.repository
    return jobs.request(repository, actions=Actions(sync=repository.remote_id is not None), by=by)
