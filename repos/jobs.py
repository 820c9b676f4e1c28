"""Jobs as requests: made, joined, made again, confirmed, canceled. What running one means is in chain.py."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils import timezone

from . import bell, joblog
from .actions import NO_DETAILS, Actions, Change, Details, in_words, names_settings
from .chunks import chunks
from .errors.refusals import Gone, Refused
from .models import Job, Repository, RequestedChange
from .models.job import State
from .obstacles import identical, refusal
from .reservations import reserve, ring_waiting
from .terms import term
from .words import later, say

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Requested:
    """A job, and whether it was there before: an identical request is joined, not repeated."""

    job: Job
    joined: bool


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
        actions = Actions.by_default(repository)
    if reason := refusal(repository, actions, details):
        raise Refused(reason)
    words = in_words(actions, details)
    if changes is not None:
        words += f" change={uuid.uuid4().hex}"
    if job := identical(repository, words):
        return Requested(job, joined=True)
    try:
        return Requested(_make(repository, actions, details, words, changes or (), by), joined=False)
    except IntegrityError:
        # Somebody else made the identical request in this very moment.
        if job := identical(repository, words):
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
        raise Gone(say("The repository “{repository}”", repository=repository))
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
        dry_run=details.dry_run,
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
    if job.publish_settings is None and names_settings(job):
        raise Refused(
            say("The publish settings of job {job} were deleted. Publish the version with others.", job=job.pk)
        )
    changes = None
    if job.with_modify and job.of_version is None:
        if not job.changes.exists():
            raise Refused(
                say(
                    "What job {job} was to change is not known any more: a clean-up took it away, long after its end. "
                    "Upload or remove the files anew.",
                    job=job.pk,
                )
            )
        changes = ((one.path, one.artifact) for one in job.changes.select_related("artifact").order_by("pk"))
    return request(job.repository, actions=Actions.of(job), details=Details.of(job), changes=changes, by=by)


def retry(job: Job, *, by: "User | None" = None) -> Requested:
    """Asks for the same as `job`, which could not get some files: only those are fetched. Raises Refused."""
    if not job.failed:
        raise Refused(say("No file failed in job {job}, so there is nothing to fetch again.", job=job.pk))
    if job.is_active:
        raise Refused(
            say("Job {job} is still {state}. Wait for its end, or cancel it.", job=job.pk, state=term(job.state))
        )
    if job.with_sync and (newer := _later_agreement(job)):
        raise Refused(
            say(
                "Job {later} came later and got every file: of job {job} nothing is left to fetch.",
                later=newer.pk,
                job=job.pk,
            )
        )
    return again(job, by=by)


def _later_agreement(job: Job) -> Job | None:
    """A later sync of the same repository in which no file failed."""
    later = Job.objects.runs().filter(repository=job.repository_id, pk__gt=job.pk, with_sync=True)
    return later.filter(state=State.COMPLETED, failed=0).order_by("-pk").first()


def confirm(job: Job, *, by: "User | None" = None) -> Requested:
    """Asks for the same as `job`, which the brake stopped, letting it remove as many files as it said it would.

    Raises Refused.
    """
    if job.would_remove is None:
        raise Refused(say("Job {job} was not stopped by the brake, so there is nothing to confirm.", job=job.pk))
    if Job.objects.filter(repository=job.repository_id, pk__gt=job.pk, version__isnull=False).exists():
        raise Refused(
            say(
                "“{repository}” has changed since job {job}. Sync it anew, and see what it would remove now.",
                repository=job.repository,
                job=job.pk,
            )
        )
    return request(job.repository, actions=Actions.of(job), details=Details(may_remove=job.would_remove), by=by)


NOTHING_TO_CANCEL = later("There was nothing to cancel: the job has ended, or is being canceled already.")


def cancel(job: Job, *, by: "User | None" = None) -> bool:
    """Cancels a waiting job at once, tells a running one to stop; returns whether there was anything to cancel."""
    with transaction.atomic():
        mine, now = Job.objects.filter(pk=job.pk), timezone.now()
        if mine.filter(state=State.WAITING).update(state=State.CANCELED, finished_at=now):
            ring_waiting(job)
        elif not mine.filter(state=State.RUNNING, cancel_requested_at=None).update(cancel_requested_at=now):
            return False
        joblog.note(job, say("Told to stop by {who}.", who=by) if by else say("Told to stop."))
        return True
