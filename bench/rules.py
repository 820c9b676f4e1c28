"""DESIGN's rules, looked for in the rows and the pool, at any moment at which nothing is half written.

Each check yields sentences: what is broken. Reads the database by its own models: Django has to be set up.
"""

import itertools
from collections.abc import Iterator

from django.db.models import Count, F, Q, Sum

from bench.moving import read
from repos import orphans, pool
from repos.models import (
    Artifact,
    Content,
    Distribution,
    Job,
    ProgressReport,
    Publication,
    RepositoryVersion,
    Reservation,
    Switch,
)

Broken = Iterator[str]


def broken() -> list[str]:
    """All that is broken."""
    return list(
        itertools.chain(of_base_paths(), of_what_is_served(), of_history(), of_jobs(), of_versions(), of_publications())
    ) + list(of_pool())


def of_base_paths() -> Broken:
    """7: none is the same as another, or inside it."""
    parts = sorted(path.split("/") for path in Distribution.objects.values_list("base_path", flat=True))
    # Sorted by its parts, what is inside a path comes right behind it.
    for outer, inner in itertools.pairwise(parts):
        if inner[: len(outer)] == outer:
            yield f"the base path {'/'.join(inner)} is inside {'/'.join(outer)}"


def of_what_is_served() -> Broken:
    """12: one whole publication of a complete version of the distribution's own repository."""
    for one in Distribution.objects.exclude(publication=None).select_related("publication__version"):
        version = one.publication.version if one.publication else None
        if version is None or not version.complete or version.repository_id != one.repository_id:
            yield f"{one} serves {one.publication_id}, of {version}"


def of_history() -> Broken:
    """8: each switch goes on where the one before it ended. A null may be a publication that was deleted since."""
    last: dict[int, int | None] = {}
    for switch in Switch.objects.order_by("pk"):
        before = last.get(switch.distribution_id)
        if before != switch.earlier_id and None not in (before, switch.earlier_id):
            yield f"switch {switch.pk} is from {switch.earlier_id}, but {before} was served"
        last[switch.distribution_id] = switch.later_id
    for one in Distribution.objects.all():
        if one.publication_id != last.get(one.pk):
            yield f"{one} serves {one.publication_id}, its history ends with {last.get(one.pk)}"


def of_jobs() -> Broken:
    """9, 14: nothing is held twice, or by a job that does not run; what has ended has said so, and why."""
    held = Reservation.objects.filter(held=True)
    for resource in held.values("resource").annotate(holders=Count("pk")).filter(holders__gt=1):
        yield f"{resource['resource']} is held {resource['holders']} times"
    yield from (
        f"job {one.job_id} does not run, and holds {one.resource}" for one in held.exclude(job__state="running")
    )
    open_ones = ProgressReport.objects.filter(state="running").exclude(job__state="running")
    yield from (f"job {one.job_id} does not run, its report {one.code} does" for one in open_ones)
    surprises = Job.objects.filter(state="failed", error_code__in=["bug", "database"])
    yield from (f"job {one.pk}: {one.error}" for one in surprises)
    strangers = Job.objects.filter(version__isnull=False).exclude(repository=F("version__repository"))
    yield from (f"job {one.pk} made a version of another repository" for one in strangers)


def of_versions() -> Broken:
    """Each is what it says."""
    for version in RepositoryVersion.objects.complete().select_related("repository"):
        rows = Content.objects.of(version)
        found = (rows.count(), rows.aggregate(size=Sum("artifact__size", default=0))["size"])
        if found != (version.files, version.size):
            yield f"{version} says {version.files} files, {version.size} bytes; it has {found}"


def of_publications() -> Broken:
    """Each has the metadata that its settings name, and its list is that of its version."""
    for one in Publication.objects.select_related("version", "settings").prefetch_related("metadata__artifact"):
        metadata = {each.path: each.artifact.sha256 for each in one.metadata.all()}
        if metadata.keys() != set(one.settings.metadata_names()):
            yield f"publication {one.pk} has the metadata {sorted(metadata)}"
        files = {path: sha256 for path, sha256, _ in Content.objects.of(one.version).in_path_order()}
        listed = metadata.get(one.settings.manifest)
        if listed and read(pool.path(listed).read_bytes()) != {
            path: sha256 for path, sha256 in files.items() if path not in metadata
        }:
            yield f"the list of publication {one.pk} is not that of {one.version}"


def of_pool() -> Broken:
    """15: whatever a row names is there, in full, unless it is known to be damaged."""
    for sha256, size in Artifact.objects.filter(damage=None).values_list("sha256", "size"):
        if not pool.has(sha256, size):
            yield f"{sha256} has a row, and no bytes"


def of_strays() -> Broken:
    """After a clean-up: nothing old is in the pool that no row knows, and no old row that nothing names.

    What is younger is spared: a job that was canceled may have brought it just now.
    """
    spared = orphans.spared_since()
    known = set(Artifact.objects.values_list("sha256", flat=True))
    stored = pool.path("00").parent.parent.glob("*/*")
    old = {file.name for file in stored if file.stat().st_mtime < spared.timestamp()}
    yield from (f"{name} is in the pool, and no row knows it" for name in sorted(old - known))
    unnamed = orphans.unnamed().filter(orphans.aged(spared))
    yield from (f"{one} is old, and nothing names it" for one in unnamed)
    marked = Artifact.objects.filter(doomed=True).filter(Q(content__isnull=False) | Q(metadata__isnull=False))
    yield from (f"{one} is named by rows, and marked to go" for one in marked.distinct())
