"""What is stored: which bytes have to be fetched, and how those that came are made known.

Rows follow the bytes: an artifact is known only once its bytes would outlast a power failure. And rows are not believed
blindly: what is damaged, or no longer in the pool, is fetched anew, as if it had never been there.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from time import monotonic
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from . import damage, pool, rows, space, units
from .chunks import ADDED
from .errors.storage import NotStored
from .faults import Fault
from .manifest import Entry
from .models import Artifact, Damage
from .words import say

# The longest, in seconds, that bytes are in the pool before they are known, however slowly others follow.
PATIENCE = 3.0

Check = Callable[[], None]


def _never() -> None:
    """Lets whoever asks go on."""


def missing(entries: Collection[Entry], *, wrong_size: Callable[[Entry, int], None], check: Check) -> list[Entry]:
    """Those of the entries (at most ROWS) whose bytes have to be fetched.

    What lies in the pool unknown, since a job died, is read, and made known if it is right. Where the entry's size is
    not that of the bytes with its digest, `wrong_size` is told the entry and that size. Calls `check` now and then,
    which may raise.
    """
    known = _known({sha256 for _, sha256, _ in entries})
    wanting: list[Entry] = []
    found: dict[str, int] = {}
    for entry in entries:
        _, sha256, size = entry
        if artifact := known.get(sha256):
            if artifact.size != size:
                wrong_size(entry, artifact.size)
            elif artifact.damaged or not _is_there(artifact.pk, sha256, size):
                wanting.append(entry)
        elif pool.adopt(sha256, size, check):
            found[sha256] = size
        else:
            wanting.append(entry)
    record(found, check)
    return wanting


def lacking(entries: Collection[Entry]) -> list[Entry]:
    """Those of the entries (at most ROWS) whose bytes would have to be fetched, as far as one sees without reading any.

    Unlike `missing` it notes nothing.
    """
    known = _rows({sha256 for _, sha256, _ in entries})
    return [entry for entry in entries if not _seems_there(known.get(entry[1]), entry)]


def _seems_there(artifact: "_Known | None", entry: Entry) -> bool:
    _, sha256, size = entry
    trusted = artifact is None or (artifact.size == size and not artifact.damaged)
    return trusted and pool.has(sha256, size)


class _Known(NamedTuple):
    """What a row says of an artifact; in `damaged` is the number of its damage, if there is any."""

    pk: int
    size: int
    doomed: bool
    damaged: int | None


def _known(digests: Collection[str]) -> dict[str, _Known]:
    """The artifacts with these digests, by digest; no clean-up takes them as long as the job that asks is running."""
    known = _rows(digests)
    # One that was marked before this job began is not held by it.
    if doomed := [sha256 for sha256, artifact in known.items() if artifact.doomed]:
        known |= _rows(wanted(doomed))
    # What is marked still is gone by now.
    return {sha256: artifact for sha256, artifact in known.items() if not artifact.doomed}


def _rows(digests: Collection[str]) -> dict[str, _Known]:
    found = Artifact.objects.filter(sha256__in=digests)
    columns = found.values_list("sha256", "pk", "size", "doomed", "damage__pk")
    return {sha256: _Known(pk, size, doomed, damaged) for sha256, pk, size, doomed, damaged in columns}


def is_usable(artifact: Artifact) -> bool:
    """Whether its bytes are there, as long as they should be, and not known to be damaged. Notes what it finds."""
    return not hasattr(artifact, "damage") and _is_there(artifact.pk, artifact.sha256, artifact.size)


def _is_there(artifact: int, sha256: str, size: int) -> bool:
    if pool.has(sha256, size):
        return True
    if pool.path(sha256).exists():
        fault = Fault("size", say("it is not {size} bytes long, as it should be", size=units.number(size)))
    else:
        fault = Fault("missing", say("it is not in the pool"))
    damage.note(artifact, fault)
    return False


def wanted(digests: Collection[str]) -> dict[str, Artifact]:
    """The artifacts with these digests, by digest. Clean-ups spare them from now on, for a while: for whoever is about
    to name them in rows.
    """
    with transaction.atomic():
        _want(digests)
        return _by_digest(digests)


def record(sizes: Mapping[str, int], check: Check = _never) -> None:
    """Makes verified bytes known, by digest with their sizes in bytes, all of which are in the pool.

    Others may do so for the same ones at the same time. What was damaged is so no more. Calls `check`, which may raise,
    while the disk is at work. Raises NotStored where it has failed; then they are neither known nor in the pool.
    """
    if not sizes:
        return
    _settle(sizes, check)
    with transaction.atomic():
        # First those that are there: then no clean-up can take a row that the insertion passes over.
        _want(sizes)
        # In one order for everybody: or two who record the same ones might wait for each other.
        added = rows.add_artifacts({sha256: sizes[sha256] for sha256 in sorted(sizes)}, timezone.now())
        # Only what was there before can be damaged.
        if added < len(sizes):
            Damage.objects.filter(artifact__sha256__in=sizes).delete()


def _settle(digests: Collection[str], check: Check) -> None:
    try:
        with space.storing():
            pool.settle(digests, check)
    except NotStored:
        pool.discard(set(digests) - _by_digest(digests).keys())
        raise


def _want(digests: Collection[str]) -> None:
    """Takes the marks of a clean-up away, and keeps the next from making new ones. Inside a transaction.

    Locked in one order, so that nobody waits for somebody who waits for them.
    """
    there = Artifact.objects.select_for_update(no_key=True).filter(sha256__in=digests).order_by("pk")
    if found := list(there.values_list("pk", flat=True)):
        Artifact.objects.filter(pk__in=found).update(doomed=False, wanted_at=timezone.now())


def _by_digest(digests: Collection[str]) -> dict[str, Artifact]:
    found = Artifact.objects.filter(sha256__in=digests).select_related("damage")
    return {artifact.sha256: artifact for artifact in found}


def recorded(stored: Iterable[Entry], check: Check) -> Iterator[list[Entry]]:
    """Records entries as they get into the pool: many at once, or those of a few seconds; yields them then."""
    batch: list[Entry] = []
    since = monotonic()
    for entry in stored:
        batch.append(entry)
        if len(batch) >= ADDED or monotonic() - since > PATIENCE:
            yield _recorded(batch, check)
            batch, since = [], monotonic()
    if batch:
        yield _recorded(batch, check)


def _recorded(batch: list[Entry], check: Check) -> list[Entry]:
    record({sha256: size for _, sha256, size in batch}, check)
    return batch
