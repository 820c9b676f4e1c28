"""How much is stored, true to the byte: in all, by repository, by version. Bytes that are shared count once in the sum.

By hand, since the ORM has no way to group what is put together from several tables. Each function makes the same few
queries whatever the number of repositories and versions; with a million files they take about a second.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection
from django.db.models import OuterRef, Subquery, Sum

from . import units
from .models import Artifact, Content, PublishedMetadata, Repository, RepositoryVersion


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


# What each repository has files of. Read in the order of the index by artifact, so that nothing has to be sorted.
_OF_FILES = """
SELECT f.repository_id, COUNT(*), SUM(a.size)
FROM (SELECT DISTINCT artifact_id, repository_id FROM repos_content) AS f JOIN repos_artifact a ON a.id = f.artifact_id
GROUP BY f.repository_id
"""
# Those which several repositories need, or that are not only files. For each repository and whether others need it
# too: how many, how large; how many and how large those it is the first to need; and those it has files of.
_OF_SPECIAL = """
WITH elsewhere AS (
    SELECT v.repository_id AS repository, m.artifact_id AS artifact FROM repos_publishedmetadata m
        JOIN repos_publication p ON p.id = m.publication_id JOIN repos_repositoryversion v ON v.id = p.version_id
    UNION SELECT j.repository_id, r.artifact_id FROM repos_requestedchange r
        JOIN repos_job j ON j.id = r.job_id WHERE r.artifact_id IS NOT NULL
),
special AS (
    SELECT artifact_id AS artifact FROM repos_content
        GROUP BY artifact_id HAVING MIN(repository_id) < MAX(repository_id)
    UNION SELECT artifact FROM elsewhere
),
needs AS (
    SELECT repository, artifact, MAX(file) AS file FROM (
        SELECT c.repository_id AS repository, c.artifact_id AS artifact, 1 AS file
            FROM special s JOIN repos_content c ON c.artifact_id = s.artifact
        UNION ALL SELECT repository, artifact, 0 FROM elsewhere
    ) AS named GROUP BY repository, artifact
),
spread AS (SELECT artifact, COUNT(*) AS many, MIN(repository) AS first FROM needs GROUP BY artifact)
SELECT n.repository, CASE WHEN s.many > 1 THEN 1 ELSE 0 END, COUNT(*), SUM(a.size),
    SUM(CASE WHEN n.repository = s.first THEN 1 ELSE 0 END),
    SUM(CASE WHEN n.repository = s.first THEN a.size ELSE 0 END),
    SUM(n.file), SUM(n.file * a.size)
FROM needs n JOIN spread s ON s.artifact = n.artifact JOIN repos_artifact a ON a.id = n.artifact
GROUP BY 1, 2
"""


def stored() -> Stored:
    """What is stored, and who needs it; the repository that needs most comes first."""
    own, shared, once = _needed()
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
        side_by_side=side_by_side(),
    )


def _needed() -> tuple[dict[int, Amount], dict[int, Amount], Amount]:
    """By repository, what only it needs, and what others need too; and the latter in all, each once."""
    own = {repository: Amount(files, size) for repository, files, size in _rows(_OF_FILES)}
    shared: dict[int, Amount] = {}
    once = Amount()
    for repository, others, files, size, files_once, size_once, counted, counted_size in _rows(_OF_SPECIAL):
        alone = own.setdefault(repository, Amount())
        alone.files, alone.size = alone.files - counted, alone.size - counted_size
        if others:
            shared[repository] = Amount(files, size)
            once = Amount(once.files + files_once, once.size + size_once)
        else:
            alone.files, alone.size = alone.files + files, alone.size + size
    return own, shared, once


def side_by_side() -> int:
    """The bytes that all versions and their metadata would take as folders of their own."""
    versions = RepositoryVersion.objects.complete().aggregate(size=Sum("size", default=0))["size"]
    # Not joined: PostgreSQL would read all artifacts for the few that are metadata.
    each = Subquery(Artifact.objects.filter(pk=OuterRef("artifact")).values("size"))
    return int(versions + PublishedMetadata.objects.aggregate(size=Sum(each, default=0))["size"])


# Each complete version with its neighbours. A file is in no other if it came after the one before, and went with the
# next one. The pluses leave SQLite only the index that is short: of what went, or of what the newest brought.
_ONLY_IN = """
WITH span AS (
    SELECT id, number, LAG(number) OVER (ORDER BY number) AS before,
        LEAD(number, 1, {forever}) OVER (ORDER BY number) AS after
    FROM repos_repositoryversion WHERE repository_id = %(repository)s AND complete
),
found AS (
    SELECT s.number, c.artifact_id AS artifact FROM span s JOIN repos_content c
        ON c.removed > s.number AND c.removed <= s.after AND c.removed < {forever}
        AND +c.added > s.before AND +c.added <= s.number AND +c.repository_id = %(repository)s
        WHERE s.after < {forever}
    UNION SELECT s.number, c.artifact_id FROM span s JOIN repos_content c
        ON c.added > s.before AND c.added <= s.number
        AND +c.removed > s.number AND +c.repository_id = %(repository)s
        WHERE s.after = {forever}
    UNION SELECT s.number, m.artifact_id FROM span s JOIN repos_publication p ON p.version_id = s.id
        JOIN repos_publishedmetadata m ON m.publication_id = p.id
)
SELECT f.number, COUNT(*), SUM(a.size)
FROM found f JOIN span s ON s.number = f.number JOIN repos_artifact a ON a.id = f.artifact
WHERE NOT EXISTS (SELECT 1 FROM repos_content c WHERE c.artifact_id = f.artifact AND (
    c.repository_id <> %(repository)s
    OR NOT (c.added > s.before AND c.added <= s.number AND c.removed > s.number AND c.removed <= s.after)
    -- What no version has, for it was left by a deletion, says nothing; what one in the making has, does.
    AND (c.added > %(newest)s OR EXISTS (
        SELECT 1 FROM repos_repositoryversion v WHERE v.repository_id = %(repository)s AND v.complete
        AND v.number >= c.added AND v.number < c.removed))
))
AND NOT EXISTS (SELECT 1 FROM repos_requestedchange r WHERE r.artifact_id = f.artifact)
AND NOT EXISTS (SELECT 1 FROM repos_publishedmetadata m JOIN repos_publication p ON p.id = m.publication_id
    WHERE m.artifact_id = f.artifact AND p.version_id <> s.id)
GROUP BY f.number
""".replace("{forever}", str(Content.FOREVER))


def only_in(repository: Repository) -> dict[int, Amount]:
    """By the number of a version, what nothing but it needs: what deleting it alone would free. Zeros are left out."""
    values = {"repository": repository.pk, "newest": repository.latest_version().number}
    return {number: Amount(files, size) for number, files, size in _rows(_ONLY_IN, values)}


def _rows(query: str, values: Mapping[str, int] | None = None) -> Iterable[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        # PostgreSQL adds up to what has decimals.
        return [tuple(int(value) for value in row) for row in cursor.fetchall()]
