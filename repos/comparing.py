"""The differences between two versions of a repository: how many there are, and which, a page at a time and by path.

They are read from the numbers of the versions with which files came and went (see models/content.py), so that what is
the same in both costs nothing, however much of it there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat

from .browse import LAST_SIGN
from .compare import Kind
from .models import Content, RepositoryVersion
from .models.content import ContentQuerySet

PAGE = 100
# Differences of a page of a stream.
MANY = 5_000
# So few rows that came or went are all looked at, and those that match are sorted.
FEW = 5_000
# So many files are looked at by path, where differences are dense; and so many at most before a person goes on.
NEAR = 20_000
MOST = 200_000


class File(NamedTuple):
    """What is at a path: the digest and the size (bytes) of it."""

    sha256: str
    size: int


class Difference(NamedTuple):
    """A path at which the one version has `old` and the other `new`; None is nothing."""

    kind: Kind
    path: str
    old: File | None
    new: File | None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many files come, go and change from one version to another, and how many bytes come and go with them."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0

    @property
    def files(self) -> int:
        return self.added + self.removed + self.changed

    def of(self, kind: str) -> int:
        """How many there are of this kind; of no kind: of all."""
        return int(getattr(self, kind)) if kind else self.files


@dataclass(frozen=True, slots=True)
class Page:
    """Differences by path. `after` is the cursor of the next page, empty if there is none.

    `partly` says that the search stopped before the page was full, as it had looked at enough.
    """

    differences: list[Difference]
    after: str = ""
    partly: bool = False


def totals(old: RepositoryVersion, new: RepositoryVersion) -> Totals:
    """What comes and goes from `old` to `new`, in whichever order the two were made."""
    if old.number == new.number:
        return Totals()
    if old.number > new.number:
        return _turned(totals(new, old))
    return _Pair(old, new).totals()


def _turned(found: Totals) -> Totals:
    return Totals(found.removed, found.added, found.changed, found.bytes_out, found.bytes_in)


def page(
    old: RepositoryVersion,
    new: RepositoryVersion,
    *,
    kind: str = "",
    q: str = "",
    after: str = "",
    limit: int = PAGE,
) -> Page:
    """The next differences behind the path `after`, of this kind and with `q` in their paths (A to Z as a to z)."""
    if old.number == new.number:
        return Page([])
    if old.number > new.number:
        found = page(new, old, kind=_TURNED.get(kind, kind), q=q, after=after, limit=limit)
        return Page([_turn(one) for one in found.differences], found.after, found.partly)
    return _Pair(old, new, kind, q).page(after, limit)


_TURNED: dict[str, Kind] = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED}


def _turn(one: Difference) -> Difference:
    return Difference(_TURNED.get(one.kind, one.kind), one.path, one.new, one.old)


def differences(old: RepositoryVersion, new: RepositoryVersion, *, kind: str = "", q: str = "") -> Iterator[Difference]:
    """Yields all of them by path, a page at a time."""
    after: str | None = ""
    while after is not None:
        found = page(old, new, kind=kind, q=q, after=after, limit=MANY)
        yield from found.differences
        after = found.after or None


# By hand, since the ORM has no join of files with those at the same path. One number after the other: so the indexes by
# `added` and `removed` find them, of which the latter has only what is gone.
_SIDES = {
    "come": "c.added IN ({between}) AND c.removed > %(new)s",
    "gone": "c.removed IN ({between}) AND c.removed < %(forever)s AND c.added <= %(old)s",
}
_TOTALS = """SELECT COUNT(*), COALESCE(SUM(a.size), 0),
    COUNT(CASE WHEN o.artifact_id <> c.artifact_id THEN 1 END),
    COUNT(CASE WHEN o.artifact_id = c.artifact_id THEN 1 END),
    COALESCE(SUM(CASE WHEN o.artifact_id = c.artifact_id THEN a.size END), 0)
FROM repos_content c JOIN repos_artifact a ON a.id = c.artifact_id
{there} WHERE c.repository_id = %(repository)s AND {side}
"""
# What the other version has at the path: looked up for each, as PostgreSQL would else read all of that version.
_AT_PATH = """o.repository_id = c.repository_id AND o.path = c.path
    AND +o.added <= %(other)s AND o.removed > %(other)s
"""
_THERE = {
    "sqlite": f"LEFT JOIN repos_content o ON {_AT_PATH}",
    "postgresql": f"LEFT JOIN LATERAL (SELECT o.artifact_id FROM repos_content o WHERE {_AT_PATH} LIMIT 1) o ON TRUE",  # noqa: S608
}


class _Pair:
    """Two versions, the older one first, and which of their differences are asked for."""

    def __init__(self, old: RepositoryVersion, new: RepositoryVersion, kind: str = "", q: str = "") -> None:
        self._old, self._new = old, new
        self._kind, self._q = kind, q
        self._content = Content.objects.filter(repository=new.repository_id)
        self._between = range(old.number + 1, new.number + 1)

    # ---- totals ----

    def totals(self) -> Totals:
        """Only the smaller of the two sides is read: what the versions' own figures say tells the other."""
        more, larger = self._new.files - self._old.files, self._new.size - self._old.size
        if more >= 0:
            files, size, changed, same, same_size = self._read("gone", self._new.number)
        else:
            files, size, changed, same, same_size = self._read("come", self._old.number)
        mine = files - changed - same
        size -= same_size
        if more >= 0:
            return Totals(mine + more, mine, changed, size + larger, size)
        return Totals(mine, mine - more, changed, size, size - larger)

    def _read(self, side: str, other: int) -> tuple[int, ...]:
        """Of one side: how many files, how large; how many differ on the other; how many are the same, how large."""
        values = {"repository": self._new.repository_id, "other": other, "forever": Content.FOREVER}
        values |= {"old": self._old.number, "new": self._new.number}
        which = _SIDES[side].format(between=", ".join(map(str, self._between)))
        with connection.cursor() as cursor:
            cursor.execute(_TOTALS.format(side=which, there=_THERE[connection.vendor]), values)
            return tuple(map(int, cursor.fetchone()))

    # ---- the four sets of rows ----

    def _in_old(self) -> ContentQuerySet:
        return Content.objects.of(self._old)

    def _in_new(self) -> ContentQuerySet:
        return Content.objects.of(self._new)

    def _come(self) -> ContentQuerySet:
        """What only the newer version has. One number after the other: so the index by `added` finds them."""
        return self._content.filter(added__in=self._between, removed__gt=self._new.number)

    def _gone(self) -> ContentQuerySet:
        """What only the older version has. That they are gone at all has to be said for the index by `removed`."""
        gone = self._content.filter(removed__in=self._between, removed__lt=Content.FOREVER)
        return gone.filter(added__lte=self._old.number)

    # ---- pages ----

    def page(self, after: str, limit: int) -> Page:
        found: list[Difference] = []
        while True:
            number = limit + 1 - len(found)
            paths, last = self._paths(after, number)
            found += self._at(paths)
            if len(found) > limit:
                return Page(found[:limit], found[limit - 1].path)
            if len(paths) < number:
                return Page(found, last, partly=bool(last))
            # At some of these paths a file went, and came again as it was.
            after = paths[-1]

    def _paths(self, after: str, number: int) -> tuple[list[str], str]:
        """The next paths that may differ; and where they do not fill the page, the path up to which was looked."""
        if self._are_few(FEW):
            return self._sorted(after, number), ""
        paths, last = self._scanned(after, number, NEAR)
        if len(paths) == number or not last:
            return paths, ""
        if self._are_few(MOST):
            return self._sorted(after, number), ""
        paths, last = self._scanned(after, number, MOST)
        return paths, "" if len(paths) == number else last

    def _are_few(self, most: int) -> bool:
        """Whether at most so many rows came and went. Only the indexes are read."""
        come = self._content.filter(added__in=self._between)
        gone = self._content.filter(removed__in=self._between, removed__lt=Content.FOREVER)
        return all(len(rows.order_by().values_list("pk")[most : most + 1]) == 0 for rows in (come, gone))

    def _sorted(self, after: str, number: int) -> list[str]:
        """By the indexes of what came and went: it costs what all differences cost."""
        sides = [side for kind, side in self._sides() if self._kind in ("", kind)]
        found: set[str] = set()
        for side in sides:
            # By an expression: in the order of the path's own index a database would look at all that is the same.
            in_order = side.alias(by=Concat("path", Value(""))).filter(by__gt=after).order_by("by")
            found.update(self._holding(in_order).values_list("path", flat=True)[:number])
        return sorted(found)[:number]

    def _sides(self) -> list[tuple[str, ContentQuerySet]]:
        if not self._kind:
            return [("", self._come()), ("", self._gone())]
        in_old, in_new = _first_at_path(self._in_old()), _first_at_path(self._in_new())
        come, gone = self._come().alias(before=in_old), self._gone().alias(now=in_new)
        return [
            (Kind.ADDED, come.filter(before=None)),
            (Kind.REMOVED, gone.filter(now=None)),
            (Kind.CHANGED, come.exclude(before=None)),
        ]

    def _scanned(self, after: str, number: int, files: int) -> tuple[list[str], str]:
        """By the index of paths, so many files: it costs what lies between, whether it differs or not."""
        ahead = self._content.filter(path__gt=after).order_by("path")
        last = ahead.values_list("path", flat=True)[files - 1 : files].first() or ""
        # As sums: else a database might take the index of one of them.
        rows = self._content.alias(came=F("added") + 0, went=F("removed") + 0)
        rows = rows.alias(before=_first_at_path(self._in_old()), now=_first_at_path(self._in_new()))
        rows = rows.filter(self._differs(), path__gt=after, path__lte=last or LAST_SIGN).order_by("path")
        return list(self._holding(rows).values_list("path", flat=True).distinct()[:number]), last

    def _differs(self) -> Q:
        old, new = self._old.number, self._new.number
        come = Q(came__gt=old, came__lte=new, went__gt=new)
        gone = Q(came__lte=old, went__gt=old, went__lte=new)
        by_kind = {
            Kind.ADDED: come & Q(before=None),
            Kind.REMOVED: gone & Q(now=None),
            Kind.CHANGED: come & ~Q(before=None),
        }
        return by_kind[Kind(self._kind)] if self._kind else come | gone

    def _holding(self, rows: ContentQuerySet) -> ContentQuerySet:
        return rows.whose_path_has(self._q) if self._q else rows

    def _at(self, paths: list[str]) -> Iterator[Difference]:
        """What the two versions have at these paths, where that differs."""
        old, new = _files(self._in_old(), paths), _files(self._in_new(), paths)
        for path in paths:
            before, now = old.get(path), new.get(path)
            if before != now:
                kind = Kind.ADDED if before is None else Kind.REMOVED if now is None else Kind.CHANGED
                if self._kind in ("", kind):
                    yield Difference(kind, path, before, now)


def _first_at_path(rows: ContentQuerySet) -> Subquery:
    """The row at the path of an outer one. As the first it is looked up for each: to join them, all would be read."""
    return Subquery(rows.filter(path=OuterRef("path")).values("pk")[:1])


def _files(rows: ContentQuerySet, paths: list[str]) -> dict[str, File]:
    """What these rows have at these paths."""
    found = rows.filter(path__in=paths).values_list("path", "artifact__sha256", "artifact__size")
    return {path: File(sha256, size) for path, sha256, size in found}
