"""A repository with very many files, many of them in one folder: for pages that must stay quick whatever there is.

Like tests/years.py it writes rows, and no bytes; beside those of that it can stand.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

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
)

NAME = "large"
# Where the many files of one folder are; the others are a thousand to a folder.
FOLDER = "many"
_EACH = 1_000

# The digits of a number are as good as those of a digest.
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < %(files)s) "
_ARTIFACTS = (
    "INSERT INTO repos_artifact (sha256, size, created_at, wanted_at, doomed) "
    + _NUMBERS
    + "SELECT substr(%(zeros)s || n, length('' || n) + 1), 1000 + n %% 5000, %(now)s, %(now)s, %(no)s "
    "FROM numbers ORDER BY n"
)
_PATH = (
    f"CASE WHEN n < %(folder)s THEN '{FOLDER}/file-' || n "
    f"ELSE 'part-' || (n / {_EACH}) || '/file-' || n || '.tar.gz' END"
)
_CONTENT = (
    "INSERT INTO repos_content (repository_id, path, artifact_id, added, removed) "
    + _NUMBERS
    + f"SELECT %(repository)s, {_PATH}, %(first)s + n, 1, "
    "CASE WHEN n %% 10 = 0 THEN 2 ELSE %(forever)s END FROM numbers ORDER BY n"
)
_CHANGED = (
    "INSERT INTO repos_content (repository_id, path, artifact_id, added, removed) "
    + _NUMBERS
    + f"SELECT %(repository)s, {_PATH}, %(first)s + n + 1, 2, %(forever)s FROM numbers WHERE n %% 10 = 0 ORDER BY n"
)


@dataclass(frozen=True)
class Large:
    """Its version 2 has so many files, and so many of them in one folder; a tenth is other than in version 1."""

    files: int = 1_000_000
    folder: int = 50_000

    def write(self) -> Repository:
        with transaction.atomic():
            repository = self._repository()
            self._files(repository)
            self._served(repository)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return repository

    def _repository(self) -> Repository:
        remote = Remote.objects.create(name=NAME, url=f"http://127.0.0.1/{NAME}/PULP_MANIFEST")
        settings = PublishSettings.objects.matching()
        return Repository.objects.create(name=NAME, remote=remote, publish_settings=settings, synced_at=timezone.now())

    def _files(self, repository: Repository) -> None:
        """An artifact more than files, for the last of those that change."""
        newest = Artifact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        values: dict[str, Any] = {"zeros": "0" * 64, "now": timezone.now(), "no": False, "forever": Content.FOREVER}
        values |= {"repository": repository.pk, "folder": self.folder, "first": newest + 1}
        with connection.cursor() as cursor:
            cursor.execute(_ARTIFACTS, values | {"files": self.files + 1})
            cursor.execute(_CONTENT, values | {"files": self.files})
            cursor.execute(_CHANGED, values | {"files": self.files})

    def _served(self, repository: Repository) -> None:
        size, tenth = self.files * 3_500, self.files // 10
        RepositoryVersion.objects.create(repository=repository, number=0, complete=True)
        for number, figures in ((1, {"added": self.files}), (2, {"changed": tenth})):
            version = RepositoryVersion.objects.create(
                repository=repository, number=number, complete=True, files=self.files, size=size, **figures
            )
        publication = Publication.objects.create(version=version, settings=repository.publish_settings)
        manifest = Artifact.objects.create(sha256="f" * 64, size=self.files * 100)
        PublishedMetadata.objects.create(publication=publication, path="PULP_MANIFEST", artifact=manifest)
        Distribution.objects.create(base_path=NAME, repository=repository, publication=publication)
