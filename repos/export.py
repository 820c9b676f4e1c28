"""What is served as plain trees of files, for nginx, rsync and all other servers that know nothing of Millrace.

The folder that is exported to has, for each distribution,

    <base path>                        a link to the tree that is served; another is renamed over it
    .millrace/<distribution>/
        <publication>-<when>.<made>/   a tree: the served one, or the one before
        at                             where the link lies

The tree before is what the next one is made of, by their difference; who still reads it has until then. What was begun
and not ended lies in `making`, and is thrown away.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .errors.refusals import Refused
from .models import Content, Damage, Distribution, Publication
from .plain_tree import Tree
from .words import say

OURS = ".millrace"
MAKING = "making"


@dataclass(frozen=True, slots=True)
class Exported:
    """What one export has done: files that were put into the tree, some of them by copying, and taken out of it."""

    publication: Publication
    put: int = 0
    copied: int = 0
    removed: int = 0


class Place:
    """Where one distribution is exported."""

    def __init__(self, root: Path, distribution: int) -> None:
        self._root = root
        self.folder = root / OURS / str(distribution)

    def tree(self, publication: Publication) -> Path | None:
        """The whole tree that there is of it."""
        return next((one for one in self.trees() if one.stem == _name(publication)), None)

    def new_tree(self, publication: Publication) -> Path:
        return self.folder / f"{_name(publication)}.{time.time_ns()}"

    def trees(self) -> list[Path]:
        """All that are whole."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return [one for one in found if one.is_dir() and one.name != MAKING]

    def link(self) -> Path | None:
        """Where the link lies; None if there is none yet."""
        try:
            return self._root / (self.folder / "at").read_text()
        except FileNotFoundError:
            return None

    def served(self) -> Path | None:
        """The tree that the link leads to."""
        link = self.link()
        return self.folder / link.readlink().name if link and link.is_symlink() else None

    def serve(self, tree: Path, base_path: str) -> None:
        """Has the link at `base_path` lead to `tree`, from one moment to the next. Raises Refused."""
        link = self._root / base_path
        self._refuse_what_is_in_the_way(link)
        link.parent.mkdir(parents=True, exist_ok=True)
        beside = self.folder / "link"
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.path.relpath(tree, link.parent))
        (self.folder / "at").write_text(base_path)
        beside.replace(link)

    def withdraw_link(self) -> None:
        """Takes the link away, and the folders that are empty without it."""
        link = self.link()
        if link is None:
            return
        if link.is_symlink():
            link.unlink()
        (self.folder / "at").unlink()
        with suppress(OSError):
            for above in link.relative_to(self._root).parents[:-1]:
                (self._root / above).rmdir()

    def _refuse_what_is_in_the_way(self, link: Path) -> None:
        wrong = [one for one in link.relative_to(self._root).parents[:-1] if (self._root / one).is_symlink()]
        if wrong or (link.exists() and not link.is_symlink()) or (link.is_symlink() and link != self.link()):
            what = self._root / wrong[0] if wrong else link
            raise Refused(
                say(
                    "{what} is in the way: it is not of this export. Take it away, or export to another folder.",
                    what=what,
                )
            )


def export(base_path: str, root: Path, *, protected: bool = False, anew: bool = False) -> Exported | None:
    """Exports what is served at `base_path`; None if that was done already. `anew` makes each file again.

    Raises Refused where nothing is served, where something of it is damaged, where something else is in the way, and
    where it is protected, unless that (`protected`) is meant: whoever serves the tree lets everybody have it.
    """
    with _alone(root):
        found = Distribution.objects.select_related("publication__version").filter(base_path=base_path).first()
        if found is None:
            raise Refused(say("There is no distribution at “{base_path}”.", base_path=base_path))
        return _export(found, root, protected=protected, anew=anew)


def export_all(
    root: Path, *, protected: bool = False, anew: bool = False
) -> Iterator[tuple[Distribution, Exported | Refused | None]]:
    """The same for everything that is served, and takes away what is not any more, or is protected now."""
    with _alone(root):
        served = Distribution.objects.select_related("publication__version").exclude(publication=None)
        meant = list(served if protected else served.filter(protected=False))
        _withdraw_others(root, meant)
        for one in meant:
            try:
                yield one, _export(one, root, protected=protected, anew=anew)
            except Refused as refusal:
                yield one, refusal


def state() -> set[tuple[object, ...]]:
    """What changes whenever there is something to export."""
    return set(Distribution.objects.values_list("pk", "base_path", "publication", "protected"))


def _export(distribution: Distribution, root: Path, *, protected: bool, anew: bool) -> Exported | None:
    publication, place = distribution.publication, Place(root, distribution.pk)
    if publication is None:
        raise Refused(say("Nothing is published at “{distribution}” yet.", distribution=distribution))
    if distribution.protected and not protected:
        raise Refused(
            say(
                "“{distribution}” is protected; a tree of plain files is not. Say --protected if that is meant.",
                distribution=distribution,
            )
        )
    tree, served = place.tree(publication), place.served()
    in_place = place.link() == root / str(distribution)
    if tree and tree == served and in_place and not anew:
        return None
    _refuse_damaged(publication)
    if not in_place:
        place.withdraw_link()
    made = Exported(publication)
    if tree is None or anew:
        tree, made = _made(place, publication, anew=anew)
    place.serve(tree, str(distribution))
    for other in place.trees():
        if other not in (tree, served):
            shutil.rmtree(other)
    return made


def _made(place: Place, publication: Publication, *, anew: bool) -> tuple[Path, Exported]:
    making, tree = place.folder / MAKING, place.new_tree(publication)
    if making.exists():
        shutil.rmtree(making)
    spare = None if anew else _spare(place, publication)
    files = Tree(making)
    if spare:
        spare[0].rename(making)
        files.change(spare[1], publication)
    else:
        making.mkdir(parents=True)
        files.fill(publication)
    if files.copied:
        # Links are journaled with their names; the bytes of copies are not.
        os.sync()
    making.rename(tree)
    return tree, Exported(publication, files.put, files.copied, files.removed)


def _spare(place: Place, publication: Publication) -> tuple[Path, Publication] | None:
    """The tree that nobody is led to any more, if it is known still what is in it."""
    spare = [one for one in place.trees() if one != place.served()]
    numbers = [int(one.name.partition("-")[0]) for one in spare]
    known = Publication.objects.filter(pk__in=numbers, version__repository=publication.version.repository_id)
    found = ((place.tree(one), one) for one in known.select_related("version"))
    return next(((tree, one) for tree, one in found if tree in spare and tree), None)


def _name(publication: Publication) -> str:
    """Of its trees. Its number alone could come again, where a database is brought back from a backup."""
    return f"{publication.pk}-{publication.created_at:%Y%m%d%H%M%S%f}"


def _withdraw_others(root: Path, meant: list[Distribution]) -> None:
    """Links first that are not as they should be: one that goes may be where another is to be."""
    paths = {str(one.pk): root / str(one) for one in meant}
    for folder in (root / OURS).iterdir():
        if folder.is_dir():
            place = Place(root, int(folder.name))
            if place.link() != paths.get(folder.name):
                place.withdraw_link()
            if folder.name not in paths:
                shutil.rmtree(folder)


def _refuse_damaged(publication: Publication) -> None:
    damaged = Damage.objects.values("artifact")
    metadata = publication.metadata.filter(artifact__in=damaged).values_list("path", flat=True)
    content = Content.objects.of(publication.version).filter(artifact__in=damaged).values_list("path", flat=True)
    if path := metadata.first() or content.order_by("path").first():
        why = say(
            "“{path}” of {version} is damaged, so nothing was changed in the export.",
            path=path,
            version=publication.version,
        )
        raise Refused(say("{why} Repair it (manage.py verify --repair), then try again.", why=why))


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Holds the lock of an export; waits for another process that has it."""
    ours = root / OURS
    try:
        ours.mkdir(parents=True, exist_ok=True)
        with (ours / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise Refused(
            say("{what} cannot be written: {why}.", what=error.filename or root, why=error.strerror)
        ) from error
