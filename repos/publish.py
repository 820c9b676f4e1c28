"""The second verb: freezes a version with its publish settings into a publication."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from django.db import transaction

from . import manifest, pool, space, stock
from .chunks import chunks
from .errors import Refused
from .manifest import Entry
from .models import Artifact, Content, Publication, PublishedMetadata, PublishSettings, RepositoryVersion
from .progress import Progress, Report

# Names of lists. A version may have such a file, which the upstream shipped: what is published covers it up.
LISTS = {"PULP_MANIFEST", "MANIFEST", "SHA256SUMS", "SHA256SUM", "CHECKSUM", "CHECKSUMS"}

# How a metadata file's lines are made from the files of the version.
Format = Callable[[Iterable[Entry]], Iterator[bytes]]


def publish(
    version: RepositoryVersion, settings: PublishSettings, folder: Path, *, progress: Progress
) -> Publication | None:
    """Makes the publication of this pair, or returns None if there already is one.

    Its metadata files are written in `folder`, a working directory, and are in the pool for good before any row names
    them. Raises Refused where one would cover up a file of the version that is no list.
    """
    if existing := Publication.objects.filter(version=version, settings=settings).first():
        why = f"Version {version.number} was published with these settings on {existing.created_at:%Y-%m-%d %H:%M} UTC"
        progress.skipped("publish", why)
        return None
    _refuse_to_cover_files(version, settings)
    files = [
        (name, *_written(version, settings, name, form, folder, progress)) for name, form in metadata_files(settings)
    ]
    stock.record({sha256: size for _, sha256, size in files}, progress.check)
    with transaction.atomic():
        publication = Publication.objects.create(version=version, settings=settings)
        progress.confirm(publication=publication)
        for name, sha256, _ in files:
            artifact = Artifact.objects.get(sha256=sha256)
            PublishedMetadata.objects.create(publication=publication, path=name, artifact=artifact)
    return publication


def _refuse_to_cover_files(version: RepositoryVersion, settings: PublishSettings) -> None:
    names = set(settings.metadata_names()) - LISTS
    if covered := Content.objects.of(version).filter(path__in=names).first():
        raise Refused(
            f"“{covered.path}” is a file of version {version.number}, so no list can be published under that name. "
            "Choose another name for the list in the publish settings."
        )


def metadata_files(settings: PublishSettings) -> list[tuple[str, Format]]:
    """The metadata files that `settings` ask for: each a name and a format."""
    named = [(settings.manifest, manifest.write), (settings.checksums, _checksums)]
    return [(name, form) for name, form in named if name]


def _written(
    version: RepositoryVersion, settings: PublishSettings, name: str, form: Format, folder: Path, progress: Progress
) -> tuple[str, int]:
    """Writes one metadata file into the pool; returns its sha256 and its size in bytes."""
    space.refuse_when_low()
    file = folder / "metadata"
    with progress.step("publish", "publish.metadata", f"Writing {name}", total=version.files) as report:
        write_metadata(file, version, settings, form, report=report, check=progress.check)
        sha256, size = pool.put(file)
        report.bytes_done = size
    return sha256, size


def write_metadata(
    file: Path,
    version: RepositoryVersion,
    settings: PublishSettings,
    form: Format,
    *,
    report: Report,
    check: Callable[[], None],
) -> None:
    """Writes one metadata file: always the same bytes for the same version, settings and format."""
    with file.open("wb") as stream:
        for lines in chunks(form(_listed(version, settings, report))):
            check()
            stream.writelines(lines)


def _listed(version: RepositoryVersion, settings: PublishSettings, report: Report) -> Iterator[Entry]:
    """The files of `version` that are served as they are: those that metadata files do not cover up."""
    covered = settings.metadata_names()
    for entry in Content.objects.of(version).in_path_order():
        report.done += 1
        if entry[0] not in covered:
            yield entry


def _checksums(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The lines of `sha256sum`: names with a backslash or a line break cannot occur, so none is escaped."""
    for path, sha256, _ in entries:
        yield f"{sha256}  {path}\n".encode()
