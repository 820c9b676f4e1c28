"""Differences as text for programs: lines whose cells are parted by tabs, or one JSON object; both piece by piece.

A file that is not there has empty cells in the one, and is null in the other. Sizes are in bytes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from .compare import Kind
from .comparing import Difference, File, Totals
from .models import RepositoryVersion

MARKS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}


def tsv(differences: Iterable[Difference]) -> Iterator[str]:
    """Yields `mark path old-sha256 old-size new-sha256 new-size`; no path has a tab in it (see paths.py)."""
    for one in differences:
        cells = MARKS[one.kind], one.path, *_cells(one.old), *_cells(one.new)
        yield "\t".join(cells) + "\n"


def _cells(file: File | None) -> tuple[str, str]:
    return (file.sha256, str(file.size)) if file else ("", "")


def as_json(facts: Mapping[str, object], differences: Iterable[Difference]) -> Iterator[str]:
    """Yields an object of `facts` and the list `files`."""
    start = json.dumps(dict(facts), ensure_ascii=False, indent=1)
    yield f'{start.removesuffix(chr(10) + "}")},\n "files": ['
    for number, one in enumerate(differences):
        yield f"{',' if number else ''}\n  {json.dumps(_told(one), ensure_ascii=False)}"
    yield "\n ]\n}\n"


def _told(one: Difference) -> dict[str, object]:
    return {
        "kind": one.kind,
        "path": one.path,
        "old": one.old and one.old._asdict(),
        "new": one.new and one.new._asdict(),
    }


def facts(old: RepositoryVersion, new: RepositoryVersion, totals: Totals) -> dict[str, object]:
    """What is told of a comparison as a whole."""
    numbers = {"repository": new.repository.name, "from": old.number, "to": new.number}
    return numbers | {field: getattr(totals, field) for field in Totals.__dataclass_fields__}
