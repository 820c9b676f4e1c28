"""What arguments name: found, or the command ends with status 2."""

from typing import NoReturn

from django.core.management.base import CommandError

from repos import conf
from repos.models import Distribution, Job, Publication, PublishSettings, Remote, Repository, RepositoryVersion

from .statuses import BAD_ARGUMENTS


def repository_named(name: str) -> Repository:
    found = Repository.objects.select_related("remote", "publish_settings").filter(name=name).first()
    return found or _nothing(f"There is no repository called “{name}” in {conf.data()}.")


def remote_named(name: str) -> Remote:
    return Remote.objects.filter(name=name).first() or _nothing(f"There is no remote called “{name}”.")


def distribution_at(base_path: str) -> Distribution:
    """The one at `base_path`, which may have slashes at its ends."""
    found = Distribution.objects.select_related("repository", "publication__version__repository")
    return found.filter(base_path=base_path.strip("/")).first() or _nothing(
        f"There is no distribution at “{base_path}”."
    )


def job_numbered(number: int) -> Job:
    return Job.objects.for_page().filter(pk=number).first() or _nothing(f"There is no job {number}.")


def version_numbered(repository: Repository, number: int) -> RepositoryVersion:
    found = repository.versions.complete().select_related("repository").filter(number=number).first()
    return found or _nothing(f"“{repository}” has no version {number} any more, or never had.")


def publication_numbered(number: int) -> Publication:
    found = Publication.objects.select_related("version__repository", "settings").filter(pk=number).first()
    return found or _nothing(f"There is no publication {number}.")


def publish_settings_numbered(number: int) -> PublishSettings:
    return PublishSettings.objects.filter(pk=number).first() or _nothing(f"There are no publish settings {number}.")


def _nothing(sentence: str) -> NoReturn:
    raise CommandError(sentence, returncode=BAD_ARGUMENTS)
