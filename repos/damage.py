"""What is known to be damaged: noted where it is found, forgotten where the bytes are whole again."""

import logging
import os
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from . import pool, units
from .faults import Fault
from .models import Artifact, Content, Damage, Job, PublishedMetadata
from .words import say

logger = logging.getLogger(__name__)

Row = TypeVar("Row", Content, PublishedMetadata)

# Ends the `why` of what a repair asked for everywhere in vain: another would not help, people have to.
# Stored behind the reason, and so in English; `in_words` says it.
LOST = "; no upstream has these bytes"
WHY = 500
IS_LOST = Q(why__endswith=LOST)
IS_NEEDED = Exists(Content.objects.filter(artifact=OuterRef("artifact"))) | Exists(
    PublishedMetadata.objects.filter(artifact=OuterRef("artifact"))
)


def note(artifact: int, fault: Fault, *, quarantined: bool = False) -> bool:
    """Notes what is wrong with the artifact of this number; False if there is no such artifact any more.

    That its bytes are missing is no news where they are known to be wrong: they were taken away for that.
    """
    values = {"cause": fault.cause, "why": fault.why[:WHY], "quarantined": quarantined}
    try:
        with transaction.atomic():
            # Locked, it is not deleted before this is written.
            if not Artifact.objects.select_for_update(no_key=True).filter(pk=artifact).exists():
                return False
            found, made = Damage.objects.get_or_create(artifact_id=artifact, defaults=values)
            if not made and fault.cause != Damage.Cause.MISSING:
                values["why"] = _told(fault.why, lost=found.why.endswith(LOST))
                Damage.objects.filter(pk=found.pk).update(**values)
    except IntegrityError:
        return False
    return True


def note_lost(damaged: Collection[Damage], lost: Collection[str]) -> None:
    """Notes which of these no upstream has, by sha256; of the others that a repair may help."""
    changed = []
    for one in damaged:
        why = _told(one.why, lost=one.artifact.sha256 in lost)
        if why != one.why:
            one.why = why
            changed.append(one)
    Damage.objects.bulk_update(changed, ["why"])


def in_words(why: str) -> str:
    """A reason as it is stored, for people."""
    return say("{why}; no upstream has these bytes", why=why.removesuffix(LOST)) if why.endswith(LOST) else why


def _told(why: str, *, lost: bool) -> str:
    why = why.removesuffix(LOST)
    return f"{why[: WHY - len(LOST)]}{LOST}" if lost else why[:WHY]


def may_be_repaired(damaged: "QuerySet[Damage]") -> "QuerySet[Damage]":
    """Those that something needs, and that no repair has asked for everywhere in vain."""
    return damaged.filter(IS_NEEDED).exclude(IS_LOST)


def left_by(job: Job) -> "QuerySet[Damage]":
    """What this verify has listed as damaged, and is so still."""
    return Damage.objects.filter(artifact__sha256__in=job.failed_files.values("expected_sha256"))


def note_unserved(sha256: str) -> None:
    """Notes that bytes could not be served, once, by a look at what lies in their place. Never raises."""
    try:
        artifact = Artifact.objects.filter(sha256=sha256, damage=None).first()
        fault = _at_a_glance(artifact) if artifact else None
        if artifact and fault and note(artifact.pk, fault):
            logger.error("%s is damaged: %s", sha256, fault.why)
    except DatabaseError as error:
        logger.error("That %s is damaged could not be noted: %s", sha256, error)


def _at_a_glance(artifact: Artifact) -> Fault | None:
    """What is wrong as far as can be seen without reading; None where it has mended itself."""
    try:
        opened = pool.opened(artifact.sha256)
    except FileNotFoundError:
        return Fault("missing", say("it is not in the pool"))
    except OSError as error:
        return Fault("unreadable", say("it cannot be read: {why}", why=error.strerror))
    try:
        size = os.fstat(opened).st_size
        os.pread(opened, 1, 0)
    except OSError as error:
        return Fault("unreadable", say("it cannot be read: {why}", why=error.strerror))
    finally:
        os.close(opened)
    return (
        None
        if size == artifact.size
        else Fault(
            "size",
            say(
                "it is {size} bytes long and should be {artifact_size}",
                size=units.number(size),
                artifact_size=units.number(artifact.size),
            ),
        )
    )


def healed(artifact: int) -> None:
    """The bytes of the artifact with this number are whole again."""
    Damage.objects.filter(artifact=artifact).delete()


@dataclass(frozen=True, slots=True)
class Damaged:
    """Damage with some of the places where its bytes are needed; `more` are left out. Without any, nothing needs it."""

    damage: Damage
    content: list[Content]
    metadata: list[PublishedMetadata]
    more: bool


def with_places(found: Collection[Damage], most: int = 3) -> list[Damaged]:
    """The same with at most so many places of each, in two queries."""
    artifacts = [one.artifact_id for one in found]
    content: dict[int, list[Content]] = defaultdict(list)
    for row in _first(Content.objects.filter(artifact__in=artifacts), most).select_related("repository"):
        content[row.artifact_id].append(row)
    metadata: dict[int, list[PublishedMetadata]] = defaultdict(list)
    published = PublishedMetadata.objects.filter(artifact__in=artifacts)
    for one in _first(published, most).select_related("publication__version__repository"):
        metadata[one.artifact_id].append(one)
    return [
        Damaged(one, content[one.artifact_id][:most], metadata[one.artifact_id][:most], _more(one, content, most))
        for one in found
    ]


def _first(rows: "QuerySet[Row]", most: int) -> "QuerySet[Row]":
    """The first of each artifact, and one more where there are others."""
    numbered = rows.annotate(place=Window(RowNumber(), partition_by="artifact", order_by="pk"))
    return numbered.filter(place__lte=most + 1).order_by("pk")


def _more(one: Damage, content: dict[int, list[Content]], most: int) -> bool:
    return len(content[one.artifact_id]) > most
