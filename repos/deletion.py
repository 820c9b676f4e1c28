"""Deleting: what it takes along, frees and breaks is said before; what others need, or is served, is not deleted.

What keeps something from being deleted is decided again inside the transaction that deletes it, under the lock of all
that switches: so nothing comes to be served meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, ProtectedError, Q, QuerySet
from django.utils import timezone

from . import conf, units, unneeded
from .errors import MillraceError
from .errors.refusals import InUse, Refused
from .errors.values import InvalidValue
from .models import Distribution, Job, Publication, Repository, RepositoryVersion, Switch
from .models.job import State
from .progress import Progress
from .terms import term
from .words import say

# So many of those that are in the way are named.
FEW = 3


@dataclass(frozen=True, slots=True)
class Consequences:
    """What deleting something comes to, in sentences; a `refusal` says why it cannot be deleted at all.

    `frees` is in bytes: those of the files that nothing else would need any more. `in_the_way` are the first of the
    rows that a refusal is about: jobs, and what would have to go or change first.
    """

    refusal: str = ""
    takes: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    frees: int = 0
    in_the_way: tuple[Any, ...] = ()


# ---- distributions -----------------------------------------------------------------------------------------


def of_distribution(distribution: Distribution) -> Consequences:
    if objection := _objection_to_distribution(distribution):
        return _refused(objection)
    breaks: tuple[str, ...] = ()
    if publication := distribution.publication:
        files = units.counted(publication.version.files, "file")
        breaks = (
            say(
                "All downloads from “{distribution}”, where {version} with {files} is served now.",
                distribution=distribution,
                version=publication.version,
                files=files,
            ),
        )
    return Consequences(
        takes=(say("Its history: {entries}.", entries=units.counted(distribution.history.count(), "entry")),),
        breaks=breaks,
    )


def delete_distribution(distribution: Distribution, *, confirmed: str = "") -> None:
    """Deletes it. One that serves something has to be confirmed by its base path; else raises InvalidValue.

    Raises InUse while a job that may move it is running.
    """
    with transaction.atomic():
        current = Distribution.objects.select_for_update().filter(pk=distribution.pk).first()
        if current is None:
            return
        if objection := _objection_to_distribution(current):
            raise objection
        if current.publication_id and confirmed.strip().strip("/") != current.base_path:
            raise InvalidValue(
                "confirmed", say("Type “{current}” to confirm that what is served there may go.", current=current)
            )
        current.delete()


def _objection_to_distribution(distribution: Distribution) -> MillraceError | None:
    running = Job.objects.filter(state=State.RUNNING, reservations__resource=f"distribution:{distribution.pk}")
    if job := running.first():
        return InUse(
            say(
                "Job {job} is running, and may move “{distribution}”. Wait for its end, or cancel it.",
                job=job.pk,
                distribution=distribution,
            ),
            [job],
        )
    return None


# ---- publications ------------------------------------------------------------------------------------------


def of_publication(publication: Publication) -> Consequences:
    if objection := _objection_to_publication(publication):
        return _refused(objection)
    return Consequences(
        takes=_metadata(publication),
        breaks=(say("Rolling back to it: its version would have to be published with the same settings again."),),
        frees=unneeded.bytes_of_publication(publication),
    )


def delete_publication(publication: Publication) -> None:
    """Deletes it. Raises InUse where it is served, within its grace time, or may be needed by a job."""
    with transaction.atomic():
        Repository.objects.locked(publication.version.repository_id)
        if objection := _objection_to_publication(publication):
            raise objection
        Publication.objects.filter(pk=publication.pk).delete()


def _objection_to_publication(publication: Publication) -> MillraceError | None:
    return _in_use(Publication.objects.filter(pk=publication.pk)) or _at_work(publication.version.repository_id)


def _metadata(publication: Publication) -> tuple[str, ...]:
    names = [one.path for one in publication.metadata.all()]
    return (say("Its metadata: {names}.", names=_named(names)),) if names else ()


# ---- versions ----------------------------------------------------------------------------------------------


def of_version(version: RepositoryVersion) -> Consequences:
    if objection := _objection_to_version(version):
        return _refused(objection)
    publications = [str(one.settings) for one in version.publications.select_related("settings")]
    return Consequences(
        takes=(say("Its publications: with {names}.", names=_named(publications)),) if publications else (),
        breaks=(say("Rolling back to it, restoring it, and comparing others with it."),),
        frees=unneeded.bytes_of_version(version),
    )


def delete_version(version: RepositoryVersion, *, progress: Progress | None = None) -> None:
    """Deletes it, then the files that only it has. All other versions, and what is served, stay as they are.

    With `progress` it is a job that lets it go by retention: then other jobs are no objection, unless they name it.
    Raises Refused or InUse, and what `progress` raises. Cut short, it leaves files that no version has; deleting a
    neighbour, or the next clean-up, takes them along.
    """
    with transaction.atomic():
        if progress:
            progress.confirm()
        Repository.objects.locked(version.repository_id)
        current = RepositoryVersion.objects.select_related("repository").filter(pk=version.pk).first()
        if current is None:
            return
        if objection := _objection_to_version(current, by_retention=progress is not None):
            raise objection
        content = unneeded.content_of(current)
        current.delete()
    unneeded.delete_content(content, progress)


def _objection_to_version(version: RepositoryVersion, *, by_retention: bool = False) -> MillraceError | None:
    if not version.complete:
        return Refused(
            say("Version {number} is still in the making. Cancel the job that makes it.", number=version.number)
        )
    if version.number == 0:
        return Refused(say("Version 0 is the empty one, with which every repository begins. It stays."))
    if version.pk == version.repository.latest_version().pk:
        return Refused(
            say(
                "Version {number} is the newest: the next one is made from it. Make another first.",
                number=version.number,
            )
        )
    # Whatever else a job does with older versions, it does without them where they are gone.
    of_version = version.number if by_retention else None
    return _in_use(version.publications.all()) or _at_work(version.repository_id, of_version)


# ---- repositories ------------------------------------------------------------------------------------------


def of_repository(repository: Repository) -> Consequences:
    if objection := _objection_to_repository(repository):
        return _refused(objection)
    counts = (
        units.counted(repository.versions.exclude(number=0).count(), "version"),
        units.counted(Publication.objects.filter(version__repository=repository).count(), "publication"),
        units.counted(repository.jobs.count(), "job"),
    )
    silent = [one.base_path for one in repository.distributions.all()]
    serving_nothing = (
        (say("What is to serve it, but serves nothing yet: {names}.", names=_named(silent)),) if silent else ()
    )
    takes = (f"{', '.join(counts)}.", *serving_nothing)
    return Consequences(takes=takes, frees=unneeded.bytes_of_repository(repository))


def delete_repository(repository: Repository, *, with_remote: bool = False) -> None:
    """Deletes it with its versions, publications, jobs, and the distributions that serve nothing; the bytes stay.

    With `with_remote` its remote goes too, which nothing else may use. Raises InUse. Cut short, it leaves a repository
    without any version, which says so by its name and refuses all jobs; to be deleted again.
    """
    _take_apart(repository, with_remote)
    finish_deleting(repository)


def finish_deleting(repository: Repository, *, progress: Progress | None = None) -> None:
    """Deletes what is left of a repository whose deletion was begun: it has no version any more."""
    if repository.versions.exists():
        return
    unneeded.delete_content(Q(repository=repository), progress)
    with transaction.atomic():
        if progress:
            progress.confirm()
        Repository.objects.locked(repository.pk)
        Repository.objects.filter(pk=repository.pk, versions=None).delete()


@transaction.atomic
def _take_apart(repository: Repository, with_remote: bool) -> None:
    """Everything but the content, which may be much. What is left has no remote and is a mirror: nothing can run."""
    Repository.objects.locked(repository.pk)
    current = Repository.objects.filter(pk=repository.pk).select_related("remote").first()
    if current is None:
        return
    if objection := _objection_to_repository(current, with_remote=with_remote):
        raise objection
    current.distributions.all().delete()
    current.jobs.all().delete()
    current.versions.all().delete()
    name = say("{name} (being deleted, {number})", name=current.name[:150], number=current.pk)
    Repository.objects.filter(pk=current.pk).update(name=name, remote=None, mirror=True)
    if with_remote and current.remote:
        try:
            current.remote.delete()
        except ProtectedError:
            raise InUse(say("Its remote is used by another repository by now. Delete it without.")) from None


def _objection_to_repository(repository: Repository, *, with_remote: bool = False) -> MillraceError | None:
    if serving := list(repository.distributions.exclude(publication=None)):
        names = _named(one.base_path for one in serving)
        return InUse(say("It is served at {names}. Delete what serves it first.", names=names), serving[:FEW])
    others = Repository.objects.exclude(remote=None).filter(remote=repository.remote_id).exclude(pk=repository.pk)
    if with_remote and others:
        return InUse(
            say("Its remote is used by {names} too. Delete it without.", names=_named([one.name for one in others]))
        )
    return _at_work(repository.pk)


# ---- what all of them ask ----------------------------------------------------------------------------------


def _at_work(repository: int, of_version: int | None = None) -> MillraceError | None:
    """The objection that a job is at work on the repository, or names that version of it."""
    active = Job.objects.active().filter(repository=repository)
    if job := (active if of_version is None else active.filter(of_version=of_version)).first():
        return InUse(
            say(
                "Job {job} is {state}, and may need it. Wait for its end, or cancel it.",
                job=job.pk,
                state=term(job.state),
            ),
            [job],
        )
    return None


def _in_use(publications: QuerySet[Publication]) -> MillraceError | None:
    if serving := list(Distribution.objects.filter(publication__in=publications)):
        names = _named(one.base_path for one in serving)
        return InUse(say("It is served at {names}. Serve another publication there first.", names=names), serving[:FEW])
    recent = Switch.objects.superseded_since(timezone.now() - conf.grace()).filter(earlier__in=publications)
    if switch := recent.exclude(later=F("earlier")).select_related("distribution").first():
        until = f"{switch.at + conf.grace():%Y-%m-%d %H:%M} UTC"
        return InUse(
            say(
                "It was served at “{distribution}” not long ago, and running downloads may still need it. Its "
                "grace time ends on {until}.",
                distribution=switch.distribution,
                until=until,
            ),
            [switch.distribution],
        )
    return None


def _refused(objection: MillraceError) -> Consequences:
    return Consequences(str(objection), in_the_way=getattr(objection, "in_the_way", ()))


def _named(names: Iterable[str]) -> str:
    """The first few, in quotes, and how many more there are."""
    shown = [f"“{name}”" for name in names]
    more = [say("{count} more", count=units.number(len(shown) - FEW))] if len(shown) > FEW else []
    *most_of_them, last = [*shown[:FEW], *more]
    return say("{names} and {last}", names=", ".join(most_of_them), last=last) if most_of_them else last
