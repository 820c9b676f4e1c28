"""Artifacts that nothing names: found, marked, and deleted, a few hundred at a time."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from . import conf, pool, trash
from .chunks import chunks
from .models import Artifact, Content, PublishedMetadata, RequestedChange
from .models.content import ArtifactQuerySet
from .progress import Progress

# However short the configured protection is: bytes may be in the pool for so long before their rows are written.
LEAST = timedelta(minutes=5)
# How many artifacts one query looks through.
STRIDE = 5000


def protection() -> timedelta:
    """How long what nothing needs is spared."""
    return max(conf.protection(), LEAST)


def spared_since() -> datetime:
    """What is younger than this is spared."""
    return timezone.now() - protection()


def unnamed(
    content: QuerySet[Content] | None = None,
    metadata: QuerySet[PublishedMetadata] | None = None,
    changes: QuerySet[RequestedChange] | None = None,
) -> ArtifactQuerySet:
    """The artifacts that none of these rows name; of a kind that is not given, all rows count."""
    content = Content.objects.all() if content is None else content
    metadata = PublishedMetadata.objects.all() if metadata is None else metadata
    changes = RequestedChange.objects.all() if changes is None else changes
    naming = [Exists(rows.filter(artifact=OuterRef("pk"))) for rows in (content, metadata, changes)]
    return Artifact.objects.exclude(naming[0]).exclude(naming[1]).exclude(naming[2])


def aged(spared: datetime) -> Q:
    """Of artifacts: neither made nor wanted since `spared`."""
    return Q(created_at__lt=spared, wanted_at__lt=spared)


def in_pieces(rows: ArtifactQuerySet, check: Callable[[], None] = lambda: None) -> Iterator[list[Artifact]]:
    """Yields these artifacts by number, a few hundred at a time. Calls `check`, which may raise, quite often.

    Each query looks through so few numbers that it is short, however many there are.
    """
    after = 0
    while True:
        check()
        beyond = Artifact.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
        end = beyond[STRIDE - 1 : STRIDE].first()
        window = rows.filter(pk__gt=after, pk__lte=end) if end else rows.filter(pk__gt=after)
        yield from chunks(window.order_by("pk"))
        if end is None:
            return
        after = end


def mark(spared: datetime, progress: Progress) -> None:
    """Marks what nothing names and is older than `spared`, in transactions so short that nobody waits for them.

    A file that is younger keeps its artifact: somebody stored its bytes again.
    """
    for piece in in_pieces(unnamed().filter(aged(spared), doomed=False), progress.check):
        old = [one.pk for one in piece if not _is_young(one, spared)]
        with transaction.atomic():
            progress.confirm()
            Artifact.objects.filter(aged(spared), pk__in=old).update(doomed=True)


def delete_marked(spared: datetime, progress: Progress) -> Iterator[list[str]]:
    """Deletes the rows of what is marked still and not needed still; yields their digests once that is committed."""
    for piece in in_pieces(Artifact.objects.filter(doomed=True), progress.check):
        numbers = [one.pk for one in piece if not _is_young(one, spared)]
        with transaction.atomic():
            progress.confirm()
            # Two statements. Whoever is about to name one of them holds its row, so that the first waits for them; the
            # second sees what they have written.
            locked = Artifact.objects.select_for_update().filter(pk__in=numbers, doomed=True).order_by("pk")
            numbers = list(locked.values_list("pk", flat=True))
            going = unnamed().filter(aged(spared), pk__in=numbers, doomed=True)
            digests = dict(going.values_list("pk", "sha256"))
            Artifact.objects.filter(pk__in=list(digests)).delete()
        yield list(digests.values())


def spare_the_others(progress: Progress) -> None:
    """Takes the marks away from what has come to be needed."""
    numbers = Artifact.objects.filter(doomed=True).values_list("pk", flat=True)
    for some in chunks(list(numbers)):
        with transaction.atomic():
            progress.confirm()
            Artifact.objects.filter(pk__in=some).update(doomed=False)


def _is_young(artifact: Artifact, spared: datetime) -> bool:
    found = trash.seen(pool.path(artifact.sha256))
    return found is not None and found.st_mtime >= spared.timestamp()
