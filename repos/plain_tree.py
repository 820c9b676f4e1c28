"""The files of a publication in a folder of their own: hard links to the pool where it can have them, else copies."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.db.models import Q, QuerySet

from . import pool
from .errors.refusals import Refused
from .models import Content, Publication, RepositoryVersion
from .words import say

# How a file system says that it cannot link these two, or that there are as many links to a file as it can have.
_UNLINKABLE = {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

# Path, sha256 and size in bytes.
Named = tuple[str, str, int]


class Tree:
    """The files below `root`, a folder that nobody looks into yet; counts what is done to it."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self.put = self.copied = self.removed = 0

    def fill(self, publication: Publication) -> None:
        """All files of a publication, into a folder that has none."""
        metadata = _metadata(publication)
        for file in Content.objects.of(publication.version).in_path_order():
            if file[0] not in metadata:
                self._put(*file)
        for file in metadata.values():
            self._put(*file)

    def change(self, old: Publication, new: Publication) -> None:
        """Makes the files of `old` those of `new`, of the same repository: what differs is taken away, then put."""
        metadata, covered = _metadata(new), {*_metadata(old), *_metadata(new)}
        for path, *_ in _only_in(old.version, new.version):
            self._remove(path)
        for path in covered:
            self._remove(path)
        for file in _only_in(new.version, old.version):
            if file[0] not in covered:
                self._put(*file)
        uncovered = _named(Content.objects.of(new.version).filter(path__in=covered - metadata.keys()))
        for file in [*metadata.values(), *uncovered]:
            self._put(*file)

    def _put(self, path: str, sha256: str, size: int) -> None:
        source, target = str(pool.path(sha256)), f"{self._root}/{path}"
        try:
            self._link(source, target)
            found = os.lstat(target)
            if found.st_size != size or not stat.S_ISREG(found.st_mode):
                raise Refused(
                    say(
                        "“{path}” is damaged here, so it is not exported. Verify what is stored, then try again.",
                        path=path,
                    )
                )
            if found.st_mode & WRITABLE:
                # It is the pool's own file: who wrote into it here would damage it there.
                Path(target).chmod(stat.S_IMODE(found.st_mode) & ~WRITABLE)
        except OSError as error:
            raise Refused(say("“{path}” cannot be exported: {why}.", path=path, why=error.strerror)) from error
        self.put += 1

    def _link(self, source: str, target: str) -> None:
        try:
            os.link(source, target, follow_symlinks=False)
        except FileNotFoundError:
            folder = Path(target).parent
            if folder.is_dir():
                raise
            folder.mkdir(parents=True)
            self._link(source, target)
        except OSError as error:
            if error.errno not in _UNLINKABLE:
                raise
            self._copy(source, target)

    def _copy(self, source: str, target: str) -> None:
        """Shares the blocks of the two, where the file system can."""
        taken = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            given = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                while os.sendfile(given, taken, None, 1 << 30):
                    pass
            finally:
                os.close(given)
        finally:
            os.close(taken)
        self.copied += 1

    def _remove(self, path: str) -> None:
        """The file, and the folders that are empty without it."""
        with suppress(FileNotFoundError):
            Path(f"{self._root}/{path}").unlink()
            self.removed += 1
        with suppress(OSError):
            while path := path.rpartition("/")[0]:
                Path(f"{self._root}/{path}").rmdir()


def _metadata(publication: Publication) -> dict[str, Named]:
    rows = publication.metadata.values_list("path", "artifact__sha256", "artifact__size")
    return {file[0]: file for file in rows}


def _only_in(version: RepositoryVersion, other: RepositoryVersion) -> Iterator[Named]:
    """The files of `version` that `other` does not have with the same bytes."""
    missing = Q(added__gt=other.number)
    if version.number < other.number:
        # The second half is what the index on `removed` is limited to.
        missing = Q(removed__lte=other.number) & Q(removed__lt=Content.FOREVER)
    return _named(Content.objects.of(version).filter(missing))


def _named(content: "QuerySet[Content]") -> Iterator[Named]:
    return content.values_list("path", "artifact__sha256", "artifact__size").iterator(chunk_size=2000)
