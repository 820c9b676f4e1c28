"""Real rows and real files of the pool, in few words. Each function returns what it made.

    files = factories.repository()                      # with version 0, and a distribution at "files"
    factories.serve(files, {"a.txt": b"1", "b": None})  # next version, its publication, the switch to it

They write rows directly, so that a test of what is served does not depend on how it came about.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from repos import pool
from repos.models import (
    Artifact,
    Content,
    Distribution,
    Publication,
    PublishedMetadata,
    PublishSettings,
    Remote,
    Repository,
    RepositoryVersion,
    Switch,
)


def repository(name: str = "files", base_path: str = "files") -> Repository:
    """With a remote, the default publish settings, the empty version 0 and a distribution that follows."""
    remote = Remote.objects.create(name=name, url=f"http://127.0.0.1/{name}/PULP_MANIFEST")
    made = Repository.objects.create(name=name, remote=remote, publish_settings=PublishSettings.objects.matching())
    made.versions.create(number=0, complete=True)
    made.distributions.create(base_path=base_path)
    return made


def artifact(data: bytes) -> Artifact:
    """The bytes, in the pool and as a row."""
    sha256 = hashlib.sha256(data).hexdigest()
    pool.path(sha256).parent.mkdir(parents=True, exist_ok=True)
    pool.path(sha256).write_bytes(data)
    return Artifact.objects.get_or_create(sha256=sha256, defaults={"size": len(data)})[0]


def version(repository: Repository, changes: Mapping[str, bytes | None]) -> RepositoryVersion:
    """The next version: the newest one with these files added or changed, and those that map to None removed."""
    number = repository.latest_version().number + 1
    present = repository.content.filter(removed=Content.FOREVER)
    gone = present.filter(path__in=list(changes)).update(removed=number)
    new = [
        Content(repository=repository, path=path, artifact=artifact(data), added=number)
        for path, data in changes.items()
        if data is not None
    ]
    Content.objects.bulk_create(new)
    sizes = list(present.values_list("artifact__size", flat=True))
    figures = {"files": len(sizes), "size": sum(sizes), "added": len(new), "removed": gone}
    return repository.versions.create(number=number, complete=True, **figures)


def publication(version: RepositoryVersion) -> Publication:
    """Of the repository's settings, with the manifest that they name."""
    settings = version.repository.publish_settings
    made = Publication.objects.create(version=version, settings=settings)
    files = Content.objects.of(version).exclude(path=settings.manifest)
    lines = [f"{path},{sha256},{size}\n" for path, sha256, size in files.in_path_order()]
    manifest = artifact("".join(lines).encode())
    PublishedMetadata.objects.create(publication=made, path=settings.manifest, artifact=manifest)
    return made


def switch(distribution: Distribution, publication: Publication | None, *, days_ago: float = 0) -> Switch:
    """Serves `publication` (None: nothing) from now on, or from then."""
    distribution.refresh_from_db()
    earlier, distribution.publication = distribution.publication, publication
    distribution.save()
    made = Switch.objects.create(distribution=distribution, earlier=earlier, later=publication, reason="a test")
    Switch.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(days=days_ago))
    return made


def serve(repository: Repository, changes: Mapping[str, bytes | None], *, days_ago: float = 0) -> Publication:
    """The next version, published and served at all distributions of the repository."""
    made = publication(version(repository, changes))
    for distribution in repository.distributions.all():
        switch(distribution, made, days_ago=days_ago)
    return made


def the_metadata(repository: Repository) -> Artifact:
    """The bytes of the one metadata file that the repository has published."""
    return Artifact.objects.get(metadata__publication__version__repository=repository)
