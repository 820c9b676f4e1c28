"""Retention: which versions a repository's settings keep, which they let go, and why.

Never goes what is served, was served within the grace time, or is named by a job; nor the newest, nor number 0.
"""

import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from . import clock, conf, deletion, units
from .errors import MillraceError
from .errors.stops import Stopped
from .models import Distribution, Job, Repository, RepositoryVersion, Switch
from .progress import Progress
from .terms import term
from .words import later, say

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a version, and why: half a sentence. One that is `held` would go, but something needs it."""

    version: RepositoryVersion
    goes: bool
    why: str
    held: bool = False


def plan(repository: Repository) -> list[Fate]:
    """What retention makes of each complete version of `repository`, newest first."""
    return plans([repository])[repository.pk]


def plans(repositories: Collection[Repository]) -> dict[int, list[Fate]]:
    """The same for many, by the repository's number, with the same few queries."""
    needs, now = _needs([one.pk for one in repositories]), timezone.now()
    complete: dict[int, list[RepositoryVersion]] = {one.pk: [] for one in repositories}
    named = RepositoryVersion.objects.complete().select_related("repository")
    for version in named.filter(repository__in=complete).order_by("-number"):
        complete[version.repository_id].append(version)
    return {
        one.pk: [_fate(one, version, rank, needs, now) for rank, version in enumerate(complete[one.pk])]
        for one in repositories
    }


def fates(repository: Repository) -> dict[int, Fate]:
    """The same by the versions' numbers; nothing where nothing is set that would let one go."""
    return {} if keeps_all(repository) else {fate.version.number: fate for fate in plan(repository)}


def keeps_all(repository: Repository) -> bool:
    """Whether nothing is set that would let a version go."""
    return repository.keep_versions is None and repository.keep_days is None


def rule(repository: Repository) -> str:
    """What is set, in words: “keeps the newest 5 versions, and all of the last 30 days”."""
    newest, days = repository.keep_versions, repository.keep_days
    if newest is None and days is None:
        return say("keeps all versions")
    of_days = say("all of the last {days}", days=units.counted(days, "day")) if days else ""
    if newest is None:
        return say("keeps {days}", days=of_days)
    of_number = (
        say("keeps the newest version")
        if newest == 1
        else say("keeps the newest {newest} versions", newest=units.number(newest))
    )
    return say("{newest}, and {days}", newest=of_number, days=of_days) if of_days else of_number


def _fate(
    repository: Repository, version: RepositoryVersion, rank: int, needs: dict[tuple[int, int], str], now: datetime
) -> Fate:
    if why := _always_kept(repository, version, rank) or _kept_by_rule(repository, version, rank, now):
        return Fate(version, goes=False, why=why)
    if why := needs.get((repository.pk, version.number), ""):
        return Fate(version, goes=False, why=why, held=True)
    return Fate(version, goes=True, why=_why_it_goes(repository))


def _always_kept(repository: Repository, version: RepositoryVersion, rank: int) -> str:
    if rank == 0:
        return say("the newest")
    if version.number == 0:
        return say("the empty one, with which every repository begins")
    return say("all versions are kept") if keeps_all(repository) else ""


def _kept_by_rule(repository: Repository, version: RepositoryVersion, rank: int, now: datetime) -> str:
    if repository.keep_versions is not None and rank < repository.keep_versions:
        return say("among the newest {newest}", newest=units.number(repository.keep_versions))
    days = repository.keep_days
    if days is not None and version.created_at > now - timedelta(days=days):
        return say("younger than {days}", days=units.counted(days, "day"))
    return ""


def _why_it_goes(repository: Repository) -> str:
    newest, days = repository.keep_versions, repository.keep_days
    beyond = (
        say("older than the newest")
        if newest == 1
        else say("not among the newest {newest}", newest=units.number(newest))
        if newest
        else ""
    )
    old = say("older than {days}", days=units.counted(days, "day")) if days else ""
    return say("{beyond} and {old}", beyond=beyond, old=old) if beyond and old else beyond or old


def _needs(repositories: list[int]) -> dict[tuple[int, int], str]:
    """What needs a version that retention would let go, in words, by the numbers of its repository and its own."""
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    serving = Distribution.objects.filter(publication__version__repository__in=repositories)
    of_version = "publication__version__repository", "publication__version__number"
    for *which, base_path, pinned in serving.values_list(*of_version, "base_path", "pinned"):
        found[which[0], which[1]].append(
            say(later("pinned at “{path}”") if pinned else later("served at “{path}”"), path=base_path)
        )
    grace = Switch.objects.superseded_since(timezone.now() - conf.grace()).exclude(later=F("earlier"))
    superseded = grace.filter(earlier__version__repository__in=repositories)
    of_version = "earlier__version__repository", "earlier__version__number"
    for *which, base_path, at in superseded.values_list(*of_version, "distribution__base_path", "at"):
        until = f"{at + conf.grace():%Y-%m-%d %H:%M} UTC"
        found[which[0], which[1]].append(
            say("was served at “{base_path}”, and has its grace time until {until}", base_path=base_path, until=until)
        )
    naming = Job.objects.active().filter(repository__in=repositories, of_version__isnull=False)
    for job in naming:
        found[job.repository_id or 0, job.of_version or 0].append(
            say("job {job} is {state}, and needs it", job=job.pk, state=term(job.state))
        )
    return {which: words[0] for which, words in found.items()}


def let_go(repository: Repository, *, progress: Progress) -> int:
    """Deletes the versions of `repository` that its retention lets go; returns how many. The last step of every run.

    What came to be needed meanwhile stays, and fails nothing. Raises Stopped only.
    """
    # As it is set by now: the run may have taken long.
    current = Repository.objects.filter(pk=repository.pk).first()
    if current is None or keeps_all(current):
        return 0
    going = [fate.version for fate in plan(current) if fate.goes]
    if not going:
        return 0
    if doubt := clock.doubt():
        progress.skipped("clean", doubt)
        return 0
    message = say("Letting go of old versions of “{current}”", current=current)
    with progress.step("clean", "clean.versions", message, total=len(going)) as report:
        for version in going:
            progress.check()
            if not _is_still_set(current):
                report.suffix = say("its retention was changed meanwhile")
                break
            report.done += _delete(version, progress)
    if report.done:
        progress.log(
            say(
                "Let go of {versions} of “{current}”.",
                versions=units.counted(report.done, "old version"),
                current=current,
            )
        )
    return report.done


def _is_still_set(repository: Repository) -> bool:
    same = {"keep_versions": repository.keep_versions, "keep_days": repository.keep_days}
    return Repository.objects.filter(pk=repository.pk, **same).exists()


def _delete(version: RepositoryVersion, progress: Progress) -> bool:
    try:
        deletion.delete_version(version, progress=progress)
    except Stopped:
        raise
    except MillraceError as objection:
        logger.info("%s stays: %s", version, objection)
        return False
    return True
