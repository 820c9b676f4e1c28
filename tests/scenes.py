"""Rows as a busy installation has them, in every state: what pages and pictures of them are made of."""

import hashlib
import json
import math
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from repos import conf, reservations, tokens, units, workers, would
from repos.actions import SYNC_ONLY, Actions
from repos.create import make_repository
from repos.distributions import make_distribution
from repos.models import (
    AccessToken,
    Artifact,
    Content,
    Distribution,
    DryRun,
    FailedFile,
    Job,
    LogLine,
    ProgressReport,
    Publication,
    Repository,
    RepositoryVersion,
    Switch,
)
from repos.samples import Samples
from repos.would import Would
from tests import history

MB = 1_000_000
ALL = Actions()


def an_operator(name: str = "admin") -> User:
    return User.objects.get_or_create(username=name, defaults={"is_superuser": True, "is_staff": True})[0]


def a_repository(name: str = "debian-tools", **values: Any) -> Repository:
    known = {"url": f"https://downloads.example.org/{name}/PULP_MANIFEST", "base_path": f"mirrors/{name}"}
    repository = make_repository(name=name, **(known | values))
    _backdate(repository.versions.all(), timezone.now() - timedelta(days=12))
    return repository


def a_version(repository: Repository, **values: Any) -> RepositoryVersion:
    known = {"files": 4_812, "size": 18_400 * MB, "added": 12, "removed": 3, "changed": 4}
    number = repository.latest_version().number + 1
    return repository.versions.create(number=number, complete=True, **(known | values))


def _backdate(rows: QuerySet[Any], moment: datetime | None, field: str = "created_at") -> None:
    """Rows are dated when they are made; a scene wants them older."""
    if moment:
        rows.update(**{field: moment})


def a_publication(version: RepositoryVersion) -> Publication:
    return Publication.objects.create(version=version, settings=version.repository.publish_settings)


def a_job(repository: Repository | None, actions: Actions = ALL, *, ago: float = 0, **values: Any) -> Job:
    """A waiting job, requested `ago` seconds before now."""
    requested = timezone.now() - timedelta(seconds=ago)
    asked = actions.columns() | {"request": " ".join(actions.words())}
    job = Job.objects.create(repository=repository, requested_at=requested, **(asked | values))
    reservations.reserve(job)
    return job


def a_running_job(repository: Repository | None, actions: Actions = ALL, *, ago: float = 95, **values: Any) -> Job:
    now = timezone.now()
    running = {"state": "running", "worker": "mirror-1:/srv/millrace", "attempt": 1, "heartbeat_at": now}
    started = now - timedelta(seconds=ago - 1)
    job = a_job(repository, actions, ago=ago, **(running | {"started_at": started} | values))
    job.reservations.update(held=True)
    return job


def an_ended_job(
    repository: Repository | None,
    state: str,
    actions: Actions = ALL,
    *,
    ago: float = 3600,
    took: float = 42,
    **values: Any,
) -> Job:
    started = timezone.now() - timedelta(seconds=ago - 1)
    ended = {"state": state, "attempt": 1, "started_at": started, "finished_at": started + timedelta(seconds=took)}
    return a_job(repository, actions, ago=ago, **(ended | values))


def a_report(job: Job, action: str, code: str, message: str, state: str = "completed", **values: Any) -> ProgressReport:
    """A line of the job's progress, beginning where the one before ended; `took` is in seconds."""
    took = timedelta(seconds=values.pop("took", 1))
    before = job.reports.last()
    started = (before and before.finished_at) or job.started_at or timezone.now()
    finished = None if state == "running" else started + took
    return job.reports.create(
        action=action, code=code, message=message, state=state, started_at=started, finished_at=finished, **values
    )


def the_list_was_read(job: Job, files: int = 4_812) -> None:
    size = files * 110
    a_report(job, "sync", "sync.downloading.metadata", "Fetching the list of files", done=1, bytes_done=size, took=0.4)
    a_report(job, "sync", "sync.parsing.metadata", "Reading the list of files", done=files, took=0.8)


# The files that a running job is busy with: path, bytes that came, size.
IN_HAND = [
    ["pool/main/l/linux/linux-image-6.12.48-amd64.deb", 61 * MB, 104 * MB],
    ["pool/main/t/texlive/texlive-fonts-extra-doc_2026.1.deb", 12 * MB, 88 * MB],
    ["pool/main/z/zstd/zstd_1.5.7.deb", None, 640_000],
]


def samples_of(done: int, size: int, took: float) -> str:
    """As a report has them of a download that stuttered."""
    kept = Samples(0, 0)
    for place in range(1, 61):
        part = (place + math.sin(place / 3) * 1.4) / 60 if place < 60 else 1
        kept.add(took * place / 60, int(done * part), int(size * part))
    return kept.text()


def the_log_tells(job: Job, *lines: str, level: str = "info") -> None:
    """Lines of its log, a second apart from its start on, after those that are there."""
    last = job.log.last()
    start = last.at + timedelta(seconds=1) if last else job.started_at or job.requested_at
    rows = (
        LogLine(job=job, at=start + timedelta(seconds=n), message=line, level=level) for n, line in enumerate(lines)
    )
    LogLine.objects.bulk_create(rows)


def files_are_fetched(job: Job, *, done: int, total: int, size: int, state: str = "running", **values: Any) -> None:
    part: dict[str, Any] = {"done": done, "total": total, "bytes_done": size * done // total}
    part |= {"bytes_total": size, "rate": 48 * MB}
    part |= {"samples": samples_of(done, size * done // total, values.get("took", 92))}
    if state == "running":
        part |= {"current": json.dumps(IN_HAND)}
    a_report(job, "sync", "sync.downloading.artifacts", "Fetching what is new", state, **(part | values))


def files_were_recorded(job: Job, arriving: int, leaving: int = 0) -> None:
    if leaving:
        message = "Taking out what went or changed"
        a_report(job, "sync", "unassociating.content", message, done=leaving, total=leaving, took=0.2)
    a_report(job, "sync", "associating.content", "Recording the new files", done=arriving, total=arriving, took=0.6)


def it_was_published(job: Job, version: RepositoryVersion) -> Publication:
    amount: dict[str, Any] = {"done": version.files, "total": version.files, "bytes_done": version.files * 110}
    a_report(job, "publish", "publish.metadata", "Writing PULP_MANIFEST", took=0.7, **amount)
    publication = a_publication(version)
    _backdate(Publication.objects.filter(pk=publication.pk), job.finished_at)
    Job.objects.filter(pk=job.pk).update(version=version, publication=publication)
    return publication


def it_was_distributed(job: Job, publication: Publication) -> None:
    assert job.repository
    following = Distribution.objects.following(job.repository)
    suffix = ", ".join(one.base_path for one in following)
    amount: dict[str, Any] = {"done": len(following), "total": len(following)}
    a_report(job, "distribute", "distribute.switching", "Switching what is served", suffix=suffix, took=0.02, **amount)
    for one in following:
        Switch.objects.create(distribution=one, earlier=one.publication, later=publication, job=job, reason="published")
    _backdate(job.switches.all(), job.finished_at, "at")
    following.update(publication=publication)


def a_completed_job(repository: Repository, *, ago: float = 3600, took: float = 42, **version: Any) -> Job:
    """A run that found something new, published it and switched to it."""
    job = an_ended_job(repository, "completed", ago=ago, took=took, requested_by=an_operator())
    made = a_version(repository, **version)
    _backdate(RepositoryVersion.objects.filter(pk=made.pk), job.finished_at)
    arriving = made.added + made.changed
    fetched = made.size * arriving // made.files
    the_list_was_read(job, made.files)
    files_are_fetched(job, done=arriving, total=arriving, size=fetched, state="completed", took=took - 3)
    files_were_recorded(job, arriving, made.removed + made.changed)
    it_was_distributed(job, it_was_published(job, made))
    return Job.objects.get(pk=job.pk)


def an_unchanged_job(repository: Repository, *, ago: float = 600) -> Job:
    job = an_ended_job(repository, "completed", ago=ago, took=0.3)
    newest, published = repository.latest_version().number, timezone.now() - timedelta(days=3)
    a_report(
        job, "sync", "sync.downloading.metadata", "Fetching the list of files", done=1, suffix="not changed", took=0.1
    )
    for action, why in (
        ("sync", f"The upstream's list is the same: unchanged since version {newest}"),
        ("publish", f"Version {newest} was published with these settings on {published:%Y-%m-%d %H:%M} UTC"),
        ("distribute", f"Every distribution that follows already serves version {newest}"),
    ):
        a_report(job, action, f"{action}.was_skipped", why, "skipped", took=0)
    return job


def two_versions(repository: Repository, files: int = 40) -> None:
    """The next two versions, with files: of these some go with the second, some change, and others come."""
    gone, back = len(range(0, files, 4)), len(range(0, files, 8))
    first = a_version(repository, files=files, size=0, added=files, removed=0, changed=0)
    second = a_version(repository, files=files, size=0, added=12, removed=gone - back, changed=back)
    ends = {number: second.number for number in range(files) if number % 4 == 0}
    rows = [(number, first.number, ends.get(number, Content.FOREVER)) for number in range(files)]
    rows += [(number, second.number, Content.FOREVER) for number in ends if number % 8 == 0]
    rows += [(number, second.number, Content.FOREVER) for number in range(files, files + 12)]
    Content.objects.bulk_create(
        Content(repository=repository, path=_path(number), artifact=_bytes(number, added), added=added, removed=removed)
        for number, added, removed in rows
    )
    for version in (first, second):
        there = Content.objects.of(version).aggregate(files=Count("pk"), size=Sum("artifact__size"))
        RepositoryVersion.objects.filter(pk=version.pk).update(**there)


def _path(number: int) -> str:
    return f"firmware/{'abc'[number % 3]}/router-{number % 7}/image-{number:03}.bin"


def _bytes(number: int, version: int) -> Artifact:
    digest = hashlib.sha256(f"{number} {version}".encode()).hexdigest()
    return Artifact.objects.create(sha256=digest, size=8 * MB + number * 40_000 + version * 900_000)


def a_dry_run(repository: Repository, *, ago: float = 300, changes: int = 60) -> Job:
    """That has ended: a part of the files that it found are to be fetched."""
    job = an_ended_job(repository, "completed", SYNC_ONLY, ago=ago, took=2, dry_run=True, request="sync dry=True")
    base = repository.latest_version()
    kinds = ["added", "added", "changed", "removed"] * changes
    rows = [_would(number, kinds[number]) for number in range(changes)]
    with would.Writing(conf.data() / "would.sqlite3") as writing:
        writing.add(rows)
        files, size = writing.fetched()
    would.keep(conf.data() / "would.sqlite3", job)
    counts = {kind: kinds[:changes].count(kind) for kind in ("added", "removed", "changed")}
    the_list_was_read(job, base.files + counts["added"] - counts["removed"])
    message = f"Comparing with version {base.number}"
    a_report(job, "sync", "sync.comparing", message, done=changes, total=changes, took=0.2)
    growth = sum(one.size - one.old_size for one in rows)
    DryRun.objects.create(job=job, base=base.number, growth=growth, fetched_files=files, fetched_bytes=size, **counts)
    deeds = "add {added} files, remove {removed} files, change {changed} files".format(**counts)
    outcome = f"A sync would {deeds}, and fetch {files} files ({units.size(size)})."
    Job.objects.filter(pk=job.pk).update(outcome=outcome)
    return Job.objects.get(pk=job.pk)


def _would(number: int, kind: str) -> Would:
    path, size = f"pool/main/{'bdfgl'[number % 5]}/package-{number:04}/package_{number}.deb", 90_000 + number * 31_001
    digest = "" if kind == "removed" else hashlib.sha256(path.encode()).hexdigest()
    sizes = (0, size) if kind == "removed" else (size, 0 if kind == "added" else size - 4_321)
    return Would(kind, path, digest, *sizes, fetched=kind != "removed" and number % 7 > 0)


def tokens_in_each_state(distribution: Distribution) -> AccessToken:
    """Of which the one that is returned can be used."""
    revoked, expired, usable = (
        tokens.make(name, distributions=[distribution], days=90, by=an_operator()).token
        for name in ("laptop of Ada", "continuous integration", "build server")
    )
    tokens.make("backup of everything", everything=True, by=an_operator())
    tokens.revoke(revoked)
    AccessToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=2))
    tokens.used(usable)
    return usable


def a_failed_job(repository: Repository, *, ago: float = 1800, failures: int = 7) -> Job:
    url = "https://downloads.example.org/data"
    error = (
        f"{failures} files could not be fetched, so no version was made. The first: images/disk-00.qcow2: the file is "
        "not what the list says. What was fetched is kept: the next run fetches only the rest."
    )
    job = an_ended_job(repository, "failed", ago=ago, took=31, error=error, error_code="files", failed=failures)
    the_list_was_read(job, 960)
    the_log_tells(job, "Started by the worker mirror-1:/srv/millrace.", "Read the upstream's list: 960 files.")
    the_log_tells(job, "images/disk-00.qcow2 failed: the file is not what the list says.", level="warning")
    files_are_fetched(job, done=953, total=960, size=7_200 * MB, state="failed", suffix=f"{failures} failed", took=28)
    FailedFile.objects.bulk_create(_failure(job, number, url) for number in range(failures))
    return job


def _failure(job: Job, number: int, url: str) -> FailedFile:
    path = f"images/disk-{number:02}.qcow2"
    digest = hashlib.sha256(path.encode()).hexdigest()
    failed = FailedFile(
        job=job, path=path, url=f"{url}/{path}", tries=4, expected_sha256=digest, expected_size=734_003_200
    )
    if number % 3 == 0:
        failed.cause, failed.message = "digest", "the file is not what the list says"
        failed.actual_size, failed.actual_sha256 = 734_003_200, hashlib.sha256(digest.encode()).hexdigest()
    elif number % 3 == 1:
        failed.cause, failed.message = "size", "the connection broke off before the end"
        failed.actual_size = 212_860_928
    else:
        failed.cause, failed.message, failed.tries = "404", "there is no such file (404)", 1
    return failed


def a_canceled_job(repository: Repository, *, ago: float = 7200) -> Job:
    job = an_ended_job(repository, "canceled", ago=ago, took=12, cancel_requested_at=timezone.now())
    the_list_was_read(job)
    files_are_fetched(job, done=1_204, total=4_812, size=18_400 * MB, state="canceled", took=10)
    return job


def a_job_that_fetches(repository: Repository) -> Job:
    """Running, a quarter through its downloads."""
    job = a_running_job(repository, requested_by=an_operator())
    the_list_was_read(job)
    files_are_fetched(job, done=1_204, total=4_812, size=18_400 * MB)
    started = "Started by the worker mirror-1:/srv/millrace."
    newest = repository.latest_version().number
    compared = f"Compared with version {newest}: 4,812 {'changed' if newest else 'added'}."
    the_log_tells(job, started, "Read the upstream's list: 4,812 files.", compared)
    return job


def a_job_that_publishes(repository: Repository) -> Job:
    job = a_running_job(repository, ago=21)
    version = a_version(repository, size=repository.latest_version().size + 61 * MB)
    the_list_was_read(job, version.files)
    files_are_fetched(job, done=16, total=16, size=61 * MB, state="completed", took=14)
    files_were_recorded(job, 16, 7)
    a_report(job, "publish", "publish.metadata", "Writing PULP_MANIFEST", "running", done=2_000, total=version.files)
    Job.objects.filter(pk=job.pk).update(version=version)
    return job


def stored(size: int) -> None:
    Artifact.objects.create(sha256=hashlib.sha256(str(size).encode()).hexdigest(), size=size)


def some_files(repository: Repository, files: int = 90) -> None:
    """As a tree, from its first version on or from a later one."""
    paths = ["README.md", "SHA256SUMS", "Release.gpg"]
    paths += [f"{'pool/main/' if n % 3 else 'dists/'}{'abdfg'[n % 5]}/package_{n}.deb" for n in range(files)]
    paths += [f"pool/main/tool-{n:02}.tar.xz" for n in range(12)]
    rows = [Artifact(sha256=hashlib.sha256(path.encode()).hexdigest(), size=len(path) ** 5) for path in paths]
    Artifact.objects.bulk_create(rows, ignore_conflicts=True)
    stored = {one.sha256: one for one in Artifact.objects.filter(sha256__in=[row.sha256 for row in rows])}
    Content.objects.bulk_create(
        Content(repository=repository, path=path, artifact=stored[row.sha256], added=1 + n % 4)
        for n, (path, row) in enumerate(zip(paths, rows, strict=True))
    )


def a_worker() -> None:
    workers.enter("mirror-1:/srv/millrace", threads=2)


def a_busy_house(runs: int = 0) -> dict[str, Job]:
    """Everything at once; returns the jobs that are worth a look, by what they are. `runs` came before, of each."""
    a_worker()
    stored(61_234 * MB)
    tools, docs = a_repository("debian-tools"), a_repository("python-docs", base_path="docs/python")
    data, images = a_repository("open-data", base_path="data"), a_repository("cloud-images", mirror=True)
    firmware = a_repository("router-firmware", base_path="firmware/router")
    make_distribution(tools, "stable/debian-tools")
    for repository in (tools, docs, images):
        history.runs(repository, runs)
    _the_first(tools, days=9, files=4_775, size=18_210 * MB)
    for days, files in ((6, 4_784), (4, 4_793), (2, 4_802)):
        a_completed_job(tools, ago=days * 86400, files=files, size=18_720 * MB - days * 70 * MB)
    some_files(tools)
    _the_first(docs, days=3, files=12_403, size=412 * MB)
    _the_first(images, days=8, files=4_803, size=42_000 * MB)
    found = {
        "completed": a_completed_job(images, ago=5400, took=31, files=4_803, size=42_100 * MB, added=6, removed=6),
        "canceled": a_canceled_job(firmware),
        "failed": a_failed_job(data),
        "unchanged": an_unchanged_job(docs),
    }
    found["publishing"] = a_job_that_publishes(images)
    found["fetching"] = a_job_that_fetches(tools)
    found["waiting"] = a_job(tools, Actions(distribute=False), ago=20, requested_by=an_operator())
    _they_are_old(days=18)
    return found


def _the_first(repository: Repository, *, days: int, files: int, size: int) -> None:
    """Its first sync: all files came."""
    a_completed_job(repository, ago=days * 86400, took=840, files=files, size=size, added=files, removed=0, changed=0)


def _they_are_old(days: int) -> None:
    """Those that were synced, and where they are served; each agreed with its upstream when its last sync ended."""
    for job in Job.objects.filter(state="completed", reports__action="sync").order_by("finished_at"):
        Repository.objects.filter(jobs=job).update(synced_at=job.finished_at)
    synced, made = Repository.objects.exclude(synced_at=None), timezone.now() - timedelta(days=days)
    _backdate(RepositoryVersion.objects.filter(repository__in=synced, number=0), made)
    _backdate(Distribution.objects.filter(repository__in=synced), made)
    _backdate(synced, made)
