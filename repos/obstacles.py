"""What keeps a run from being requested: the sentence that refuses it, or the identical job that is there already."""

from dataclasses import dataclass

from .actions import NO_DETAILS, SYNC_ONLY, Actions, Details, in_words
from .models import Distribution, Job, Repository
from .terms import term
from .words import later, say

# So many of the distributions that could follow are named.
FEW = 3


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a run cannot be requested anew, and the identical job that is in the way, if it is that.

    `pinned` are the first of the distributions, where what is missing is one that follows.
    """

    reason: str
    job: Job | None = None
    pinned: tuple[Distribution, ...] = ()


def refusal(repository: Repository | None, actions: Actions, details: Details = NO_DETAILS) -> str:
    """The sentence with which such a run is refused, empty if it is not. Without a repository it is upkeep of all."""
    if actions.verify or actions.clean:
        return _refusal_of_upkeep(repository, actions, details)
    if repository is None:
        return say("A run is for a repository: choose one.")
    if actions.distribute and not actions.publish:
        return say("A run cannot distribute without publishing: choose both, or neither.")
    if not (actions.sync or actions.modify or actions.publish):
        return say("A run has to do something: sync, publish, or both.")
    if details.dry_run and actions != SYNC_ONLY:
        return say("A dry run tells what a sync would do: sync, and nothing else.")
    return (
        _refusal_of_version(repository, actions, details)
        or _refusal_of_publish(repository, actions, details)
        or _refusal_of_distribute(repository, actions)
    )


def _refusal_of_upkeep(repository: Repository | None, actions: Actions, details: Details) -> str:
    if len(actions.words()) > 1:
        return say("Upkeep is a run of its own: verify, or clean up, and nothing else.")
    if actions.clean and repository is not None:
        return say("A clean-up is for all that is stored: bytes may be shared by several repositories.")
    return _refusal_of_number(repository, details.of_version)


def _refusal_of_version(repository: Repository, actions: Actions, details: Details) -> str:
    if actions.sync and actions.modify:
        return say("A run makes one version, by sync or by hand: choose one of the two.")
    if actions.sync and repository.remote_id is None:
        return say("“{repository}” has no remote to sync from. Give it one first.", repository=repository)
    if actions.modify and repository.mirror:
        return say(
            "“{repository}” is a mirror: exactly what its upstream is, so its files cannot be changed by "
            "hand. Make it additive first, or change the upstream.",
            repository=repository,
        )
    if actions.modify and details.of_version == 0:
        return say("Version 0 is the empty one. If no file is to stay, remove them all by hand.")
    return _refusal_of_number(repository, details.of_version)


def _refusal_of_number(repository: Repository | None, number: int | None) -> str:
    """Of a run that is about a version by its number, where there is none with it."""
    if number is None or (repository and repository.versions.complete().filter(number=number).exists()):
        return ""
    return say("“{repository}” has no version {number} any more, or never had.", repository=repository, number=number)


def _refusal_of_publish(repository: Repository, actions: Actions, details: Details) -> str:
    if actions.sync or actions.modify:
        return ""
    if details.of_version == 0:
        return say("Version 0 is the empty one, so there is nothing to publish. Choose another.")
    if not repository.versions.complete().filter(number__gt=0).exists():
        sync = later("“{repository}” has no files yet, so there is nothing to publish. Sync it first.")
        upload = later("“{repository}” has no files yet, so there is nothing to publish. Upload some first.")
        return say(sync if repository.remote_id else upload, repository=repository)
    other = details.of_version is not None or details.publish_settings is not None
    if actions.distribute and other:
        return say(
            "What follows a repository serves its newest version, published with its settings. Publish this "
            "one, then pin a distribution to it."
        )
    return ""


def _refusal_of_distribute(repository: Repository, actions: Actions) -> str:
    if actions.distribute and not Distribution.objects.following(repository).exists():
        return say(
            "No distribution follows “{repository}”, so there is nothing to switch. Add one or let one "
            "follow, or run without distribute.",
            repository=repository,
        )
    return ""


def obstacle(repository: Repository | None, actions: Actions, details: Details = NO_DETAILS) -> Obstacle | None:
    """What keeps such a run from being requested now; None if nothing does."""
    if reason := refusal(repository, actions, details):
        return Obstacle(reason, pinned=_pinned(repository, actions))
    if job := identical(repository, in_words(actions, details)):
        return Obstacle(say("The same run is already {state}.", state=term(job.state)), job)
    return None


def _pinned(repository: Repository | None, actions: Actions) -> tuple[Distribution, ...]:
    """The first distributions of a repository that is to distribute while none follows it."""
    if repository is None or not _refusal_of_distribute(repository, actions):
        return ()
    return tuple(repository.distributions.order_by("base_path")[:FEW])


def identical(repository: Repository | None, words: str) -> Job | None:
    """The job that was asked for in the same words and has not ended."""
    return Job.objects.active().filter(repository=repository, request=words).first()
