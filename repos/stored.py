"""How much is stored, true to the byte: in all, by repository, by version. Bytes that are shared count once in the sum.

By hand, since the ORM has no way to group what is put together from several tables. Each function makes the same few
queries whatever the number of repositories and versions; with a million files they take a second or two.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Sum

from . import units
from .models import Artifact, PublishedMetadata, Repository, RepositoryVersion


@dataclass(slots=True)
class Amount:
    """So many files, of so many bytes together."""

    files: int = 0
    size: int = 0

    def add(self, size: int) -> None:
        self.files += 1
        self.size += size

    def __str__(self) -> str:
        return f"{units.counted(self.files, 'file')} ({units.size(self.size)})"


@dataclass(frozen=True, slots=True)
class OfRepository:
    """The bytes that a repository needs: those that are its `own`, and those that others need too."""

    repository: Repository
    own: Amount
    shared: Amount

    @property
    def size(self) -> int:
        return self.own.size + self.shared.size


@dataclass(frozen=True, slots=True)
class Stored:
    """All that is stored: what single repositories need (in `repositories`), several (`shared`), or none (`unneeded`).

    `side_by_side` is how many bytes all versions and their metadata would take as folders of their own.
    """

    total: Amount
    repositories: list[OfRepository]
    shared: Amount
    unneeded: Amount
    side_by_side: int

    @property
    def saved(self) -> int:
        """What storing each byte once saves, in bytes; what is uploaded but in no version yet saves nothing."""
        return max(0, self.side_by_side - (self.total.size - self.unneeded.size))


# Who needs what. A union, so that each pair is there once.
_NEEDS = """
SELECT c.repository_id AS repository, c.artifact_id AS artifact FROM repos_content c
UNION SELECT v.repository_id, m.artifact_id FROM repos_publishedmetadata m
    JOIN repos_publication p ON p.id = m.publication_id JOIN repos_repositoryversion v ON v.id = p.version_id
UNION SELECT j.repository_id, r.artifact_id FROM repos_requestedchange r
    JOIN repos_job j ON j.id = r.job_id WHERE r.artifact_id IS NOT NULL
"""
# For each repository and whether others need it too: how many, how large; and how large those it is the first to need.
_BY_REPOSITORY = """
WITH needs AS ({needs}),
spread AS (SELECT artifact, COUNT(*) AS many, MIN(repository) AS first FROM needs GROUP BY artifact)
SELECT n.repository, CASE WHEN s.many > 1 THEN 1 ELSE 0 END, COUNT(*), SUM(a.size),
    SUM(CASE WHEN n.repository = s.first THEN 1 ELSE 0 END),
    SUM(CASE WHEN n.repository = s.first THEN a.size ELSE 0 END)
FROM needs n JOIN spread s ON s.artifact = n.artifact JOIN repos_artifact a ON a.id = n.artifact
GROUP BY 1, 2
""".replace("{needs}", _NEEDS)


def stored() -> Stored:
    """What is stored, and who needs it; the repository that needs most comes first."""
    own: dict[int, Amount] = {}
    shared: dict[int, Amount] = {}
    once = Amount()
    for repository, others, files, size, files_once, size_once in _rows(_BY_REPOSITORY):
        (shared if others else own)[repository] = Amount(files, size)
        if others:
            once = Amount(once.files + files_once, once.size + size_once)
    rows = [
        OfRepository(one, own.get(one.pk, Amount()), shared.get(one.pk, Amount())) for one in Repository.objects.all()
    ]
    files, size, _ = Artifact.objects.totals()
    needed = Amount(sum(one.files for one in own.values()), sum(one.size for one in own.values()))
    return Stored(
        total=Amount(files, size),
        repositories=sorted(rows, key=lambda one: -one.size),
        shared=once,
        unneeded=Amount(files - needed.files - once.files, size - needed.size - once.size),
        side_by_side=_side_by_side(),
    )


def _side_by_side() -> int:
    versions = RepositoryVersion.objects.complete().aggregate(size=Sum("size", default=0))["size"]
    return int(versions + PublishedMetadata.objects.aggregate(size=Sum("artifact__size", default=0))["size"])


# For each file, the first and the last complete version that has it. What a version in the making adds is beyond all.
_SPANS = """
SELECT c.artifact_id AS artifact,
    COALESCE((SELECT MIN(v.number) FROM repos_repositoryversion v
        WHERE v.repository_id = c.repository_id AND v.complete AND v.number >= c.added), 2147483647) AS first,
    CASE WHEN c.added > %s THEN 2147483647 ELSE (SELECT MAX(v.number) FROM repos_repositoryversion v
        WHERE v.repository_id = c.repository_id AND v.complete AND v.number < c.removed) END AS last
FROM repos_content c WHERE c.repository_id = %s
UNION ALL SELECT m.artifact_id, v.number, v.number FROM repos_publishedmetadata m
    JOIN repos_publication p ON p.id = m.publication_id JOIN repos_repositoryversion v ON v.id = p.version_id
    WHERE v.repository_id = %s
"""
_ONLY_IN = """
WITH spans AS ({spans}),
single AS (
    SELECT artifact, MIN(first) AS number FROM spans WHERE first <= last GROUP BY artifact HAVING MIN(first) = MAX(last)
)
SELECT s.number, COUNT(*), SUM(a.size) FROM single s JOIN repos_artifact a ON a.id = s.artifact
WHERE NOT EXISTS (SELECT 1 FROM repos_content c WHERE c.artifact_id = s.artifact AND c.repository_id <> %s)
AND NOT EXISTS (SELECT 1 FROM repos_requestedchange r WHERE r.artifact_id = s.artifact)
AND NOT EXISTS (SELECT 1 FROM repos_publishedmetadata m JOIN repos_publication p ON p.id = m.publication_id
    JOIN repos_repositoryversion v ON v.id = p.version_id WHERE m.artifact_id = s.artifact AND v.repository_id <> %s)
GROUP BY s.number
""".replace("{spans}", _SPANS)


def only_in(repository: Repository) -> dict[int, Amount]:
    """By the number of a version, what nothing but it needs: what deleting it alone would free. Zeros are left out."""
    newest = repository.latest_version().number
    pk = repository.pk
    return {number: Amount(files, size) for number, files, size in _rows(_ONLY_IN, newest, pk, pk, pk, pk)}


def _rows(query: str, *values: int) -> Iterable[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        # PostgreSQL adds up to what has decimals.
        return [tuple(int(value) for value in row) for row in cursor.fetchall()]
