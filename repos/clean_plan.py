"""The dry run of a clean-up: what it would take if it began now, without taking anything."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from . import clock, leftovers, orphans, pool, retention, trash, unknown
from .models import Content, Job, PublishedMetadata, Repository, RepositoryVersion, RequestedChange
from .models.content import ArtifactQuerySet
from .models.job import State
from .retention import Fate
from .stored import Amount


@dataclass(slots=True)
class Plan:
    """What would go, and what is spared though nothing needs it.

    Without `whole`, there was no time to look through all of the pool for `strays`. `doubt` says why it would do
    nothing at all.
    """

    going: list[Fate] = field(default_factory=list)
    held: list[Fate] = field(default_factory=list)
    orphans: Amount = field(default_factory=Amount)
    strays: Amount = field(default_factory=Amount)
    young: Amount = field(default_factory=Amount)
    # When the last of what is young may go.
    free_after: datetime | None = None
    leftovers: int = 0
    awaited: list[Job] = field(default_factory=list)
    doubt: str = ""
    whole: bool = True

    @property
    def freed(self) -> Amount:
        """The files and bytes of the pool that it would free."""
        return Amount(self.orphans.files + self.strays.files, self.orphans.size + self.strays.size)


def plan(*, seconds: float | None = None) -> Plan:
    """What a clean-up would do; it looks for strays for so many seconds at most (None: until it has seen all)."""
    spared = orphans.spared_since()
    made = Plan(doubt=clock.doubt())
    fates = [fate for some in retention.plans(_with_retention()).values() for fate in some]
    made.going, made.held = [one for one in fates if one.goes], [one for one in fates if one.held]
    running = Job.objects.filter(state=State.RUNNING, with_verify=False, with_clean=False)
    made.awaited = list(running.select_related("repository").order_by("pk"))
    _add_orphans(made, spared)
    _add_strays(made, spared, seconds)
    made.leftovers = trash.left()[1] + sum(map(leftovers.size_of, leftovers.folders(spared)))
    if made.free_after:
        made.free_after += orphans.protection()
    return made


def _with_retention() -> list[Repository]:
    return list(Repository.objects.exclude(keep_versions=None, keep_days=None))


def _add_orphans(made: Plan, spared: datetime) -> None:
    for piece in orphans.in_pieces(_unnamed_then([one.version.pk for one in made.going], spared)):
        for one in piece:
            found = trash.seen(pool.path(one.sha256))
            written = datetime.fromtimestamp(found.st_mtime, spared.tzinfo) if found else one.created_at
            youngest = max(one.created_at, one.wanted_at, written)
            if youngest >= spared:
                _add_young(made, one.size, youngest)
            elif found:
                made.orphans.add(found.st_size)


def _unnamed_then(going: list[int], spared: datetime) -> ArtifactQuerySet:
    """The artifacts that nothing would name once these versions are gone, and what was left by work cut short."""
    old = leftovers.old_changes(spared)
    return orphans.unnamed(
        Content.objects.filter(_staying(going)),
        PublishedMetadata.objects.exclude(publication__version__in=going),
        RequestedChange.objects.exclude(pk__in=old),
    )


def _staying(going: list[int]) -> Q:
    """The files that some version has once these, and those in the making that nobody makes, are gone."""
    abandoned = list(leftovers.abandoned())
    kept = RepositoryVersion.objects.exclude(pk__in=[*going, *(one.pk for one in abandoned)]).filter(
        repository=OuterRef("repository"), number__gte=OuterRef("added"), number__lt=OuterRef("removed")
    )
    # Most are in the newest version, which always stays: for those nothing has to be looked up.
    newest = Q(removed=Content.FOREVER) & ~Q(repository__in=list(leftovers.half_deleted()))
    for one in abandoned:
        newest &= ~Q(repository=one.repository_id, added=one.number)
    return newest | Q(Exists(kept))


def _add_strays(made: Plan, spared: datetime, seconds: float | None) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    for files in unknown.in_pool():
        for file in files:
            if found := trash.seen(file):
                written = datetime.fromtimestamp(found.st_mtime, spared.tzinfo)
                if written >= spared:
                    _add_young(made, found.st_size, written)
                else:
                    made.strays.add(found.st_size)
        if deadline is not None and time.monotonic() > deadline:
            made.whole = False
            return


def _add_young(made: Plan, size: int, since: datetime) -> None:
    made.young.add(size)
    made.free_after = max(made.free_after or since, since)
