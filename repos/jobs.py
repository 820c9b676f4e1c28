"""Jobs as requests: made, joined, refused, canceled. What running one means is in chain.py."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import bell
from .chunks import chunks
from .errors import Gone, Refused
from .models import Artifact, Distribution, Job, PublishSettings, Repository, RequestedChange, Reservation
from .models.job import State

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Actions:
    """What a run does: a new version by sync or by hand (`modify`), then publish, then distribute.

    Or else, and alone, one of the two kinds of upkeep.
    """

    sync: bool = True
    publish: bool = True
    distribute: bool = True
    modify: bool = False
    verify: bool = False
    clean: bool = False

    def columns(self) -> dict[str, bool]:
        """The same by the names that a job's row has."""
        return {
            "with_sync": self.sync,
            "with_modify": self.modify,
            "with_publish": self.publish,
            "with_distribute": self.distribute,
            "with_verify": self.verify,
            "with_clean": self.clean,
        }

    def words(self) -> list[str]:
        return [column.removeprefix("with_") for column, wanted in self.columns().items() if wanted]


VERIFY = Actions(sync=False, publish=False, distribute=False, verify=True)
CLEAN = Actions(sync=False, publish=False, distribute=False, clean=True)

# What a change by hand does at a path: puts these bytes there, or (None) removes the file.
Change = tuple[str, Artifact | None]


@dataclass(frozen=True, slots=True)
class Details:
    """What a run is about, besides its actions (see the fields of the same names in models/job.py)."""

    of_version: int | None = None
    publish_settings: PublishSettings | None = None
    may_remove: int | None = None
    may_replace: bool = False
    may_repair: bool = False
    rate: int | None = None

    def words(self) -> list[str]:
        """Those that make a difference between two requests."""
        said = {
            "version": self.of_version,
            "settings": self.publish_settings and self.publish_settings.pk,
            "removing": self.may_remove,
            "repair": True if self.may_repair else None,
            "rate": self.rate,
        }
        return [f"{name}={value}" for name, value in said.items() if value is not None]


NO_DETAILS = Details()


@dataclass(frozen=True, slots=True)
class Requested:
    """A job, and whether it was there before: an identical request is joined, not repeated."""

    job: Job
    joined: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a run cannot be requested anew, and the identical job that is in the way, if it is that."""

    reason: str
    job: Job | None = None


def defaults(repository: Repository) -> Actions:
    """What a run does where nothing else is chosen: sync, if there is a remote, then what the toggles say."""
    return Actions(repository.remote_id is not None, repository.auto_publish, repository.auto_distribute)


def of(job: Job) -> Actions:
    """What `job` was asked to do."""
    return Actions(**{column.removeprefix("with_"): getattr(job, column) for column in Actions().columns()})


def details_of(job: Job) -> Details:
    """What `job` was asked to be about; the settings that it took from its repository were not asked for."""
    settings = job.publish_settings if _names_settings(job) else None
    return Details(job.of_version, settings, job.may_remove, job.may_replace, job.may_repair, job.rate)


def _names_settings(job: Job) -> bool:
    return " settings=" in job.request


def refusal(repository: Repository | None, actions: Actions, details: Details = NO_DETAILS) -> str:
    """The sentence with which such a run is refused, empty if it is not. Without a repository it is upkeep of all."""
    if actions.verify or actions.clean:
        return _refusal_of_upkeep(repository, actions, details)
    if repository is None:
        return "A run is for a repository: choose one."
    if actions.distribute and not actions.publish:
        return "A run cannot distribute without publishing: choose both, or neither."
    if not (actions.sync or actions.modify or actions.publish):
        return "A run has to do something: sync, publish, or both."
    return (
        _refusal_of_version(repository, actions, details)
        or _refusal_of_publish(repository, actions, details)
        or _refusal_of_distribute(repository, actions)
    )


def _refusal_of_upkeep(repository: Repository | None, actions: Actions, details: Details) -> str:
    if len(actions.words()) > 1:
        return "Upkeep is a run of its own: verify, or clean up, and nothing else."
    if actions.clean and repository is not None:
        return "A clean-up is for all that is stored: bytes may be shared by several repositories."
    number = details.of_version
    if number is not None and not (repository and repository.versions.complete().filter(number=number).exists()):
        return f"“{repository}” has no version {number} any more, or never had."
    return ""


def _refusal_of_version(repository: Repository, actions: Actions, details: Details) -> str:
    if actions.sync and actions.modify:
        return "A run makes one version, by sync or by hand: choose one of the two."
    if actions.sync and repository.remote_id is None:
        return f"“{repository}” has no remote to sync from. Give it one first."
    if actions.modify and repository.mirror:
        return (
            f"“{repository}” is a mirror: exactly what its upstream is, so its files cannot be changed by hand. "
            "Make it additive first, or change the upstream."
        )
    number = details.of_version
    if actions.modify and number == 0:
        return "Version 0 is the empty one. If no file is to stay, remove them all by hand."
    if number is not None and not repository.versions.complete().filter(number=number).exists():
        return f"“{repository}” has no version {number} any more, or never had."
    return ""


def _refusal_of_publish(repository: Repository, actions: Actions, details: Details) -> str:
    if actions.sync or actions.modify:
        return ""
    if details.of_version == 0:
        return "Version 0 is the empty one, so there is nothing to publish. Choose another."
    if not repository.versions.complete().filter(number__gt=0).exists():
        first = "Sync it" if repository.remote_id else "Upload some"
        return f"“{repository}” has no files yet, so there is nothing to publish. {first} first."
    other = details.of_version is not None or details.publish_settings is not None
    if actions.distribute and other:
        return (
            "What follows a repository serves its newest version, published with its settings. "
            "Publish this one, then pin a distribution to it."
        )
    return ""


def _refusal_of_distribute(repository: Repository, actions: Actions) -> str:
    if actions.distribute and not Distribution.objects.following(repository).exists():
        return (
            f"No distribution follows “{repository}”, so there is nothing to switch. "
            "Add one or let one follow, or run without distribute."
        )
    return ""


def obstacle(repository: Repository | None, actions: Actions) -> Obstacle | None:
    """What keeps such a run from being requested now; None if nothing does."""
    if reason := refusal(repository, actions):
        return Obstacle(reason)
    if job := _identical(repository, _words(actions, NO_DETAILS)):
        return Obstacle(f"The same run is already {job.state}.", job)
    return None


def request(
    repository: Repository | None,
    *,
    actions: Actions | None = None,
    details: Details = NO_DETAILS,
    changes: Iterable[Change] | None = None,
    by: "User | None" = None,
) -> Requested:
    """Asks for a run; `actions` default to the repository's toggles. Raises Refused, and then makes no job.

    Without a repository it is upkeep of all that is stored, and `actions` has to say which. With `changes`,
    each path at most once, it is a run of its own, identical to no other. The job is rung for when the transaction
    that this is called in is committed.
    """
    if actions is None:
        assert repository is not None
        actions = defaults(repository)
    if reason := refusal(repository, actions, details):
        raise Refused(reason)
    words = _words(actions, details)
    if changes is not None:
        words += f" change={uuid.uuid4().hex}"
    if job := _identical(repository, words):
        return Requested(job, joined=True)
    try:
        return Requested(_make(repository, actions, details, words, changes or (), by), joined=False)
    except IntegrityError:
        # Somebody else made the identical request in this very moment.
        if job := _identical(repository, words):
            return Requested(job, joined=True)
        raise


@transaction.atomic
def _make(
    repository: Repository | None,
    actions: Actions,
    details: Details,
    words: str,
    changes: Iterable[Change],
    by: "User | None",
) -> Job:
    if repository and Repository.objects.locked(repository.pk) is None:
        raise Gone(f"The repository “{repository}”")
    job = Job.objects.create(
        repository=repository,
        request=words,
        requested_by=by,
        **actions.columns(),
        of_version=details.of_version,
        publish_settings=details.publish_settings,
        may_remove=details.may_remove,
        may_replace=details.may_replace,
        may_repair=details.may_repair,
        rate=details.rate,
    )
    for chunk in chunks(changes):
        RequestedChange.objects.bulk_create(
            [RequestedChange(job=job, path=path, artifact=artifact) for path, artifact in chunk]
        )
    reserve(job)
    bell.ring(job.pk)
    return job


def again(job: Job, *, by: "User | None" = None) -> Requested:
    """Asks for the same as `job` did. Raises Refused."""
    if job.publish_settings is None and _names_settings(job):
        raise Refused(f"The publish settings of job {job.pk} were deleted. Publish the version with others.")
    changes = None
    if job.with_modify and job.of_version is None:
        if not job.changes.exists():
            raise Refused(
                f"What job {job.pk} was to change is not known any more: a clean-up took it away, long after its end. "
                "Upload or remove the files anew."
            )
        changes = ((one.path, one.artifact) for one in job.changes.select_related("artifact").order_by("pk"))
    return request(job.repository, actions=of(job), details=details_of(job), changes=changes, by=by)


def retry(job: Job, *, by: "User | None" = None) -> Requested:
    """Asks for the same as `job`, which could not get some files: only those are fetched. Raises Refused."""
    if not job.failed:
        raise Refused(f"No file failed in job {job.pk}, so there is nothing to fetch again.")
    if job.is_active:
        raise Refused(f"Job {job.pk} is still {job.state}. Wait for its end, or cancel it.")
    if job.with_sync and (later := _later_agreement(job)):
        raise Refused(f"Job {later.pk} came later and got every file: of job {job.pk} nothing is left to fetch.")
    return again(job, by=by)


def _later_agreement(job: Job) -> Job | None:
    """A later sync of the same repository in which no file failed."""
    later = Job.objects.filter(repository=job.repository_id, pk__gt=job.pk, with_sync=True)
    return later.filter(state=State.COMPLETED, failed=0).order_by("-pk").first()


def confirm(job: Job, *, by: "User | None" = None) -> Requested:
    """Asks for the same as `job`, which the brake stopped, letting it remove as many files as it said it would.

    Raises Refused.
    """
    if job.would_remove is None:
        raise Refused(f"Job {job.pk} was not stopped by the brake, so there is nothing to confirm.")
    if Job.objects.filter(repository=job.repository_id, pk__gt=job.pk, version__isnull=False).exists():
        raise Refused(
            f"“{job.repository}” has changed since job {job.pk}. Sync it anew, and see what it would remove now."
        )
    return request(job.repository, actions=of(job), details=Details(may_remove=job.would_remove), by=by)


def _words(actions: Actions, details: Details) -> str:
    """All of a request: two with the same words are identical."""
    return " ".join(actions.words() + details.words())


def _identical(repository: Repository | None, words: str) -> Job | None:
    return Job.objects.active().filter(repository=repository, request=words).first()


def reserve(job: Job) -> None:
    """Notes what the job needs: its repository, and each distribution that it may move.

    Upkeep goes beside all of that, but only one of each kind at a time.
    """
    resources = [
        f"upkeep:{'verify' if job.with_verify else 'clean'}" if job.is_upkeep else f"repository:{job.repository_id}"
    ]
    if job.with_distribute and job.repository:
        following = Distribution.objects.following(job.repository)
        resources += [f"distribution:{pk}" for pk in following.values_list("pk", flat=True)]
    Reservation.objects.bulk_create(
        [Reservation(job=job, resource=resource) for resource in resources], ignore_conflicts=True
    )


NOTHING_TO_CANCEL = "There was nothing to cancel: the job has ended, or is being canceled already."


def cancel(job: Job) -> bool:
    """Cancels a waiting job at once, tells a running one to stop; returns whether there was anything to cancel."""
    with transaction.atomic():
        mine = Job.objects.filter(pk=job.pk)
        if mine.filter(state=State.WAITING).update(state=State.CANCELED, finished_at=timezone.now()):
            ring_waiting(job)
            return True
    running = mine.filter(state=State.RUNNING, cancel_requested_at=None)
    return bool(running.update(cancel_requested_at=timezone.now()))


def ring_waiting(job: Job) -> None:
    """Rings for the waiting jobs that need something which `job` needed too."""
    resources = job.reservations.values("resource")
    waiting = Job.objects.filter(state=State.WAITING, reservations__resource__in=resources).exclude(pk=job.pk)
    for pk in waiting.order_by("pk").values_list("pk", flat=True).distinct():
        bell.ring(pk)


def overlooked() -> list[int]:
    """The ids of waiting jobs with nothing in their way, in order of request."""
    waiting = Job.objects.filter(state=State.WAITING).order_by("pk")
    return [job.pk for job in waiting if not Job.objects.in_the_way_of(job).exists()]
