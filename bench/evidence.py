"""What has to be true of a Millrace at rest, however it was killed before. Each check yields sentences: what is wrong.

Reads the database by its own models: Django has to be set up.
"""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from urllib.parse import quote

import requests
from django.db.models import F, Q, Sum

from bench.moving import ALIKE, Digests, read, sha256
from repos.models import (
    Artifact,
    Content,
    Damage,
    Distribution,
    FailedFile,
    Job,
    ProgressReport,
    Publication,
    PublishedMetadata,
    Repository,
    RepositoryVersion,
    Reservation,
    Switch,
)

Wrong = Iterator[str]


# ---- rows ----------------------------------------------------------------------------------------------


def of_jobs() -> Wrong:
    """All have ended well, hold nothing, and have said how each of their steps ended."""
    for job in Job.objects.exclude(state="completed"):
        yield f"job {job.pk} is {job.state} with {job.deaths} deaths: {job.error}"
    held = Reservation.objects.filter(held=True).exclude(job__state="running")
    yield from (f"job {one.job_id} has ended and holds {one.resource}" for one in held)
    unfinished = ProgressReport.objects.filter(state="running").exclude(job__state="running")
    yield from (f"job {one.job_id} has ended, its report {one.code} has not" for one in unfinished)
    strangers = ProgressReport.objects.filter(job__state="completed", state__in=["canceled", "failed"])
    yield from (f"completed job {one.job_id} has a report {one.code} that was {one.state}" for one in strangers)
    if failures := FailedFile.objects.count():
        yield f"there are {failures} failed files"


def of_versions() -> Wrong:
    """Each is complete and is what it says; no row belongs to none."""
    yield from (f"{one} is not complete" for one in RepositoryVersion.objects.filter(complete=False))
    for version in RepositoryVersion.objects.select_related("repository"):
        rows = Content.objects.of(version)
        found = (rows.count(), rows.aggregate(size=Sum("artifact__size", default=0))["size"])
        if found != (version.files, version.size):
            yield f"{version} says {version.files} files, {version.size} bytes; it has {found}"
    for repository in Repository.objects.all():
        newest = repository.latest_version().number
        beyond = Q(added__gt=newest) | Q(removed__gt=newest, removed__lt=Content.FOREVER)
        if count := Content.objects.filter(beyond, repository=repository).count():
            yield f"{count} rows of {repository} belong to no version"


def of_artifacts(data: Path) -> Wrong:
    """Each is named by something, and its bytes are in the pool; and the pool has nothing else."""
    orphans = Artifact.objects.filter(content=None, metadata=None)
    yield from (f"artifact {one.sha256} is named by nothing" for one in orphans)
    yield from (f"damage: {one}" for one in Damage.objects.all())
    known = dict(Artifact.objects.values_list("sha256", "size"))
    stored = {file.name: file.stat().st_size for file in (data / "pool").glob("*/*")}
    for digest in sorted(known.keys() | stored.keys()):
        if known.get(digest) != stored.get(digest):
            yield f"artifact {digest} has {known.get(digest)} bytes by its row, {stored.get(digest)} in the pool"


def of_bytes(data: Path, seen: set[str]) -> Wrong:
    """What is in the pool has the digest that it is named by. What is in `seen` was read before, and is added to it."""
    for file in (data / "pool").glob("*/*"):
        if file.name in seen:
            continue
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != file.name or file.parent.name != file.name[:2]:
            yield f"{file.parent.name}/{file.name} has the sha256 {found}"
        seen.add(file.name)


def of_publications(rounds: int) -> Wrong:
    """Each repository has one version, one publication and one switch for each round, and serves the newest."""
    for distribution in Distribution.objects.select_related("repository", "publication__version"):
        repository, served = distribution.repository, distribution.publication
        versions = list(repository.versions.order_by("number").values_list("number", flat=True))
        if versions != list(range(rounds + 1)):
            yield f"{repository} has the versions {versions} after {rounds} rounds"
        if served is None or served.version != repository.latest_version():
            yield f"{distribution} serves {served}, and not {repository.latest_version()}"
        switched = list(Switch.objects.filter(distribution=distribution).order_by("pk"))
        numbers = [one.later.version.number for one in switched if one.later]
        if numbers != list(range(1, rounds + 1)):
            yield f"{distribution} was switched to {numbers} in {rounds} rounds"
    for publication in Publication.objects.select_related("settings"):
        names = sorted(PublishedMetadata.objects.filter(publication=publication).values_list("path", flat=True))
        if names != sorted(publication.settings.metadata_names()):
            yield f"{publication} has the metadata {names}"
    if later := Job.objects.filter(version__isnull=False).exclude(repository=F("version__repository")).count():
        yield f"{later} jobs made versions of other repositories"


# ---- files ---------------------------------------------------------------------------------------------


def of_leftovers(home: Path, known: set[str]) -> Wrong:
    """No working directory, no temporary file; and nothing in the data folder but what is `known` there."""
    for folder in ("data/work", "neighbour/work", "data/arrivals", "data/spool", "data/trash", "tmp"):
        left = [file.relative_to(home) for file in (home / folder).glob("**/*")]
        yield from (f"{file} is left" for file in left)
    for file in (home / "data").iterdir():
        if file.name not in known and not file.name.startswith(("millrace.sqlite3", "queue.sqlite3")):
            yield f"data/{file.name} has come"


# ---- what is served ------------------------------------------------------------------------------------


def of_downloads(base: str, expected: Digests) -> Wrong:
    """What is served below `base` is, by its list and byte by byte, this set. Of files alike some do."""
    listed = read(requests.get(f"{base}PULP_MANIFEST", timeout=30).content)
    if listed != expected:
        yield f"{base}: the list is not that of the newest version ({len(listed)} files, not {len(expected)})"
    with ThreadPoolExecutor(4) as threads:
        asked = [path for path in listed if is_downloaded(path)]
        found = dict(zip(asked, threads.map(_downloader(base), asked), strict=True))
    for path, digest in found.items():
        if digest != expected.get(path):
            yield f"{base}{path}: {digest}, not {expected.get(path)}"


def is_downloaded(path: str) -> bool:
    return not path.startswith(ALIKE) or path.endswith("77")


def _downloader(base: str) -> Callable[[str], str]:
    """Downloads a path and returns its sha256, or the status; a connection for each thread."""
    mine = local()

    def download(path: str) -> str:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
        response = mine.session.get(base + quote(path), timeout=30)
        return sha256(response.content) if response.status_code == 200 else f"status {response.status_code}"

    return download
