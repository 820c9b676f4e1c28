"""The second verb: freezes a version with its publish settings into a publication."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.db import transaction

from . import manifest, pool, space, splice, stock
from .chunks import chunks
from .errors.refusals import Refused
from .manifest import Entry
from .models import Artifact, Content, Publication, PublishedMetadata, PublishSettings, RepositoryVersion
from .progress import Progress, Report
from .words import say

# Names of lists. A version may have such a file, which the upstream shipped: what is published covers it up.
LISTS = {"PULP_MANIFEST", "MANIFEST", "SHA256SUMS", "SHA256SUM", "CHECKSUM", "CHECKSUMS"}

# A list is made from an earlier one if not more than one in so many files has changed since; else it is made anew.
SPARSE = 20


class Format(NamedTuple):
    """How a metadata file's lines are made from the files of a version, and which path such a line is about."""

    lines: Callable[[Iterable[Entry]], Iterator[bytes]]
    path_of: splice.PathOf


def publish(
    version: RepositoryVersion, settings: PublishSettings, folder: Path, *, progress: Progress
) -> Publication | None:
    """Makes the publication of this pair, or returns None if there already is one.

    Its metadata files are written in `folder`, a working directory, and are in the pool for good before any row names
    them; those that another publication of the version has are not written again. Raises Refused where one would cover
    up a file of the version that is no list.
    """
    if existing := Publication.objects.filter(version=version, settings=settings).first():
        why = say(
            "Version {number} was published with these settings on {time} UTC",
            number=version.number,
            time=f"{existing.created_at:%Y-%m-%d %H:%M}",
        )
        progress.skipped("publish", why)
        return None
    _refuse_to_cover_files(version, settings)
    files = _known(version, settings)
    for name in files:
        with progress.step(
            "publish", "publish.metadata", say("Taking over {name}, which is published already", name=name)
        ):
            pass
    if new := [(name, form) for name, form in metadata_files(settings) if name not in files]:
        written = _written(version, settings, new, folder, progress)
        stock.record(dict(written.values()), progress.check)
        files |= {name: sha256 for name, (sha256, _) in written.items()}
    with transaction.atomic():
        publication = Publication.objects.create(version=version, settings=settings)
        progress.confirm(publication=publication)
        for name in settings.metadata_names():
            artifact = Artifact.objects.get(sha256=files[name])
            PublishedMetadata.objects.create(publication=publication, path=name, artifact=artifact)
    progress.log(say("Published version {number} with {settings}.", number=version.number, settings=settings))
    return publication


def _refuse_to_cover_files(version: RepositoryVersion, settings: PublishSettings) -> None:
    names = set(settings.metadata_names()) - LISTS
    for covered in Content.objects.of(version).filter(path__in=names)[:1]:
        raise Refused(
            say(
                "“{path}” is a file of version {number}, so no list can be published under that name. Choose "
                "another name for the list in the publish settings.",
                path=covered.path,
                number=version.number,
            )
        )


def metadata_files(settings: PublishSettings) -> list[tuple[str, Format]]:
    """The metadata files that `settings` ask for: each a name and a format."""
    named = [(settings.manifest, _MANIFEST), (settings.checksums, _CHECKSUMS)]
    return [(name, form) for name, form in named if name]


# ---- what is there already ---------------------------------------------------------------------------------


def _known(version: RepositoryVersion, settings: PublishSettings) -> dict[str, str]:
    """The metadata files that another publication of the version has too, under whatever name: name and sha256."""
    found: dict[Format, str] = {}
    for one in _alike(version, settings):
        digests = dict(one.metadata.values_list("path", "artifact__sha256"))
        found |= {form: digests[name] for name, form in metadata_files(one.settings) if name in digests}
    # From here on no clean-up takes them.
    usable = {sha256 for sha256, one in stock.wanted(found.values()).items() if stock.is_usable(one)}
    return {name: found[form] for name, form in metadata_files(settings) if found.get(form) in usable}


def _alike(version: RepositoryVersion, settings: PublishSettings) -> list[Publication]:
    """The publications of the version that leave out of their lists just what one with `settings` would."""
    others = list(Publication.objects.filter(version=version).select_related("settings"))
    names = {name for one in (settings, *(each.settings for each in others)) for name in one.metadata_names()}
    lists = set(Content.objects.of(version).filter(path__in=names).values_list("path", flat=True)) if others else set()
    left_out = lists.intersection(settings.metadata_names())
    return [one for one in others if lists.intersection(one.settings.metadata_names()) == left_out]


# ---- what is written ---------------------------------------------------------------------------------------


def _written(
    version: RepositoryVersion,
    settings: PublishSettings,
    files: Collection[tuple[str, Format]],
    folder: Path,
    progress: Progress,
) -> dict[str, tuple[str, int]]:
    """Writes metadata files into the pool: by name, sha256 and size in bytes."""
    space.refuse_when_low()
    with ExitStack() as steps:
        reports = [
            steps.enter_context(
                progress.step("publish", "publish.metadata", say("Writing {name}", name=name), total=version.files)
            )
            for name, _ in files
        ]
        places = [(folder / f"metadata-{number}", form) for number, (_, form) in enumerate(files)]
        lists = _spliced([name for name, _ in files], places, version, settings, progress.check)
        lists = lists or _whole(places, version, settings, reports=reports, check=progress.check)
        for report, one in zip(reports, lists, strict=True):
            report.done, report.bytes_done = version.files, one.size
            pool.keep(one.file, one.sha256)
    return {name: (one.sha256, one.size) for (name, _), one in zip(files, lists, strict=True)}


def write_metadata(
    file: Path, version: RepositoryVersion, settings: PublishSettings, form: Format, *, check: Callable[[], None]
) -> str:
    """Writes one metadata file: always the same bytes for the same version, settings and format. Returns its sha256."""
    [written] = _whole([(file, form)], version, settings, reports=[], check=check)
    return written.sha256


class _List:
    """A metadata file while it is written, hashed on the way."""

    def __init__(self, file: Path, form: Format) -> None:
        self.file, self.form, self.size = file, form, 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, lines: bytes, stream: BinaryIO) -> None:
        self._digest.update(lines)
        self.size += stream.write(lines)


def _whole(
    places: Collection[tuple[Path, Format]],
    version: RepositoryVersion,
    settings: PublishSettings,
    *,
    reports: Collection[Report],
    check: Callable[[], None],
) -> list[_List]:
    """Writes lists anew, all of them while the version is read once."""
    lists = [_List(file, form) for file, form in places]
    # Those that metadata files cover up are not served as they are.
    covered = settings.metadata_names()
    with ExitStack() as opened:
        streams = [opened.enter_context(one.file.open("wb")) for one in lists]
        for some in chunks(Content.objects.of(version).in_path_order()):
            check()
            entries = [entry for entry in some if entry[0] not in covered]
            for one, stream in zip(lists, streams, strict=True):
                one.add(b"".join(one.form.lines(entries)), stream)
            for report in reports:
                report.done += len(some)
    return lists


# ---- what is made from an earlier list ---------------------------------------------------------------------


def _spliced(
    names: Collection[str],
    places: Collection[tuple[Path, Format]],
    version: RepositoryVersion,
    settings: PublishSettings,
    check: Callable[[], None],
) -> list[_List]:
    """Writes lists from those of the version that was published so before; none where that cannot be, or does not pay.

    The earlier bytes are not believed: they are hashed while they are copied.
    """
    published = Publication.objects.filter(settings=settings, version__repository=version.repository_id)
    before = published.filter(version__number__lt=version.number).select_related("version")
    earlier = before.order_by("-version__number").first()
    changes = _changes(earlier.version, version, version.files // SPARSE) if earlier else None
    if earlier is None or changes is None:
        return []
    for name in settings.metadata_names():
        changes.pop(name, None)
    digests = dict(earlier.metadata.values_list("path", "artifact__sha256"))
    made = [_made_from(digests[name], _List(*place), changes, check) for name, place in zip(names, places, strict=True)]
    return [one for one in made if one] if all(made) else []


def _changes(before: RepositoryVersion, version: RepositoryVersion, most: int) -> dict[str, Entry | None] | None:
    """What becomes of the paths that differ, in their order; None if there are more than so many."""
    rows = Content.objects.filter(repository=version.repository_id)
    went = rows.filter(added__lte=before.number, removed__gt=before.number, removed__lte=version.number)
    came = rows.filter(added__gt=before.number, added__lte=version.number, removed__gt=version.number)
    changes: dict[str, Entry | None] = dict.fromkeys(went.values_list("path", flat=True)[: most + 1])
    for entry in came.values_list("path", "artifact__sha256", "artifact__size")[: most + 1]:
        changes[entry[0]] = entry
    return dict(sorted(changes.items())) if len(changes) <= most else None


def _made_from(sha256: str, one: _List, changes: dict[str, Entry | None], check: Callable[[], None]) -> _List | None:
    """Makes the list from the one with this digest; None if that one is not whole."""
    lines = ((path.encode(), b"".join(one.form.lines([entry] if entry else []))) for path, entry in changes.items())
    digest = hashlib.sha256()

    def hashed(blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            check()
            digest.update(block)
            yield block

    try:
        with os.fdopen(pool.opened(sha256), "rb") as stream, one.file.open("wb") as file:
            for piece in splice.spliced(hashed(splice.blocks(stream)), lines, one.form.path_of):
                one.add(piece, file)
    except (OSError, ValueError):
        return None
    return one if digest.hexdigest() == sha256 else None


def _checksums(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The lines of `sha256sum`: names with a backslash or a line break cannot occur, so none is escaped."""
    for path, sha256, _ in entries:
        yield f"{sha256}  {path}\n".encode()


_MANIFEST = Format(manifest.write, lambda line: line.rsplit(b",", 2)[0])
_CHECKSUMS = Format(_checksums, lambda line: line[66:-1])
