"""A house in which everything that people or upstreams can write is an attempt at something."""

from django.contrib.auth.models import Group, User

from repos.models import (
    Distribution,
    FailedFile,
    Job,
    ProgressReport,
    Publication,
    PublishedMetadata,
    PublishSettings,
    Remote,
    Repository,
    RequestedChange,
    Switch,
    Worker,
)
from tests import factories, scenes

# Ends an attribute, an element and a comment; runs in HTML, in SVG, and as a template.
MARKUP = "\"'>--><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{% now 'Y' %}"


def a_house() -> dict[str, list[int]]:
    """By noun, the numbers that name one of each in an address (see tests/test_urls.py)."""
    user = User.objects.create(username=MARKUP[:150])
    repository = factories.repository(MARKUP, "files")
    settings, _ = PublishSettings.objects.get_or_create(manifest=MARKUP, checksums=f"{MARKUP}2")
    Repository.objects.filter(pk=repository.pk).update(publish_settings=settings)
    factories.serve(repository, {f"{MARKUP.replace('/', '∕')}.txt": b"1", "folder/" + MARKUP.replace("/", "∕"): b"2"})
    publication = factories.serve(repository, {"b.txt": b"2"})
    publication = Publication.objects.create(version=publication.version, settings=settings)
    PublishedMetadata.objects.create(publication=publication, path=MARKUP, artifact=factories.artifact(b"3"))
    Remote.objects.update(
        # No constraint lets another scheme into a remote.
        url=f"http://host/{MARKUP}",
        user_agent=MARKUP,
        username=MARKUP,
        proxy_url=f"http://host/{MARKUP}",
        proxy_username=MARKUP,
    )
    job = _a_job(repository, user, publication)
    distribution = repository.distributions.get()
    Distribution.objects.filter(pk=distribution.pk).update(base_path=MARKUP.replace("/", "∕"))
    Switch.objects.update(reason=MARKUP, by=user, job=job)
    Worker.objects.create(name=MARKUP, pid=1, threads=1)
    Group.objects.create(name=MARKUP)
    assert repository.remote
    return {
        "": [],
        "repository": [repository.pk],
        "version": [repository.pk, 1],
        "publication": [publication.pk],
        "distribution": [distribution.pk],
        "remote": [repository.remote.pk],
        "settings": [settings.pk],
        "user": [user.pk],
        "job": [job.pk],
    }


def _a_job(repository: Repository, user: User, publication: Publication) -> Job:
    """One that failed, with all that an upstream said."""
    job = scenes.a_failed_job(repository, failures=2)
    FailedFile.objects.filter(job=job).update(path=MARKUP, message=MARKUP, url=f"http://host/{MARKUP}", advice=MARKUP)
    ProgressReport.objects.filter(job=job).update(message=MARKUP, suffix=MARKUP)
    RequestedChange.objects.create(job=job, path=MARKUP, artifact=factories.artifact(b"1"))
    Job.objects.filter(pk=job.pk).update(
        error=MARKUP, outcome=MARKUP, requested_by=user, worker=MARKUP, publication=publication
    )
    return job
