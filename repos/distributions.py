"""Distributions as such: made, moved to another base path, refreshed. What they serve is switched in distribute.py."""

from typing import TYPE_CHECKING

from django.db import transaction

from . import base_paths, jobs, paths
from .create import make_distribution
from .distribute import follow, pin
from .errors import Refused
from .jobs import Actions, Requested
from .models import Distribution, Publication, Repository, Switch

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def add_distribution(
    repository: Repository,
    *,
    base_path: str,
    publication: Publication | None = None,
    by: "User | None" = None,
    reason: str = "",
) -> Distribution:
    """Makes a distribution that is pinned to `publication`, or else follows and serves what is newest, if anything is.

    Raises InvalidPath, BasePathTaken, and Refused where the repository or the publication was deleted meanwhile.
    """
    if Repository.objects.locked(repository.pk) is None:
        raise Refused(f"The repository “{repository}” was deleted meanwhile.")
    made = make_distribution(repository, base_path)
    switch = pin(made, publication, by=by, reason=reason) if publication else follow(made, by=by, reason=reason)
    return switch.distribution if switch else made


@transaction.atomic
def change_base_path(distribution: Distribution, *, base_path: str, by: "User | None" = None) -> bool:
    """Serves at another base path from now on, and at the old one no more; the history says so. False if it did.

    Raises InvalidPath, BasePathTaken, and Refused where the distribution was deleted meanwhile.
    """
    path = paths.base_path(base_path)
    base_paths.lock()
    current = Distribution.objects.select_for_update().filter(pk=distribution.pk).first()
    if current is None:
        raise Refused(f"The distribution at “{distribution}” was deleted meanwhile.")
    before, served = current.base_path, current.publication
    if before == path:
        return False
    base_paths.refuse_taken(path, but=current.pk)
    current.base_path = path
    current.save(update_fields=["base_path"])
    # In two such paths there may be more than a note can hold.
    reason = f"base path changed from “{before}” to “{path}”"[:500]
    Switch.objects.create(distribution=current, by=by, earlier=served, later=served, reason=reason)
    return True


def refresh(distribution: Distribution, *, by: "User | None" = None) -> Requested:
    """Asks for a run of its repository to its end, so that what is newest is served here. Raises Refused."""
    if distribution.pinned:
        raise Refused(f"“{distribution}” is pinned, so no run moves it. Let it follow its repository first.")
    repository = distribution.repository
    return jobs.request(repository, actions=Actions(sync=repository.remote_id is not None), by=by)
