"""The files of a version, a page at a time and in path order: by cursor, so that a page costs the same at any depth."""

from dataclasses import dataclass

from django.db.models import Q

from .models import Content, RepositoryVersion

FILES = 100
# How many files of the repository, of whatever version, are looked at for a page. Then a person decides to go on.
MOST = 200_000
# No path has a sign behind this one: what begins with a text lies before that text with it.
LAST_SIGN = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of files, with their artifacts and what is damaged of those. `after` is the cursor of the next one, empty
    if there is none.

    `partly` says that the search stopped before the page was full, as it had looked at enough.
    """

    files: list[Content]
    after: str = ""
    partly: bool = False


def files_of(version: RepositoryVersion, *, q: str = "", after: str = "") -> Found:
    """The next files of `version` behind the path `after` that match `q`.

    `q` is a part of the path, without regard to the case of A to Z; with a slash in front, its exact beginning.
    """
    last = _as_far_as(version, q, after)
    rows = Content.objects.of(version).filter(_ahead(q, after))
    if last:
        rows = rows.filter(path__lte=last)
    if q and not q.startswith("/"):
        rows = rows.whose_path_has(q)
    # Not joined: PostgreSQL would then sort all that match, where it could stop at the first hundred.
    files = list(rows.prefetch_related("artifact__damage").order_by("path")[: FILES + 1])
    if len(files) > FILES:
        return Found(files[:FILES], files[FILES - 1].path)
    return Found(files, last, partly=bool(last))


def _as_far_as(version: RepositoryVersion, q: str, after: str) -> str:
    """The last path to look at, empty if there are not so many. Only the index is read."""
    ahead = Content.objects.filter(_ahead(q, after), repository=version.repository_id).order_by("path")
    return ahead.values_list("path", flat=True)[MOST - 1 : MOST].first() or ""


def _ahead(q: str, after: str) -> Q:
    """Behind `after`, as far as `q` may ask for a beginning. Of two lower bounds SQLite might take the wrong one."""
    start = q[1:] if q.startswith("/") else ""
    ahead = Q(path__gt=after) if after >= start else Q(path__gte=start)
    return ahead & Q(path__lt=f"{start}{LAST_SIGN}") if start else ahead
