"""Files of the pool on their way out."""

import os
import stat
from io import FileIO

from repos import pool, quarantine
from repos.published import File

# In bytes, at a time. Waitress would read as much as a socket may ever hold, and read again what it did not take.
MOST = 256 * 1024


class Damaged(Exception):
    """The pool does not have what it should, or it cannot be read; the text says what is wrong."""


def read(file: File, span: range) -> bytes:
    """The bytes `span` of a file, at once. Raises Damaged when it is known to be, is missing or has another size.

    As few system calls as can be: at each of them the interpreter goes to another thread and has to be waited for.
    """
    _refuse_what_is_known(file)
    path = pool.path(file.sha256)
    try:
        opened = pool.opened(file.sha256)
    except OSError as error:
        raise Damaged(str(error)) from error
    try:
        _check(opened, file, path)
        return os.pread(opened, len(span), span.start)
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror}") from error
    finally:
        os.close(opened)


class Part(FileIO):
    """The bytes `span` of a file, for a WSGI server to send: an open file that ends where they end.

    It gives some at a time, as a file may; whoever wants them all reads until nothing comes.
    Some servers send as much as Content-Length says, others all there is: both are right. Raises what `read` raises;
    so it does half-way when a verify finds these bytes to be wrong: the server then breaks off.
    """

    def __init__(self, file: File, span: range) -> None:
        _refuse_what_is_known(file)
        path = pool.path(file.sha256)
        try:
            super().__init__(path, opener=lambda name, flags: pool.opened(file.sha256))
        except OSError as error:
            raise Damaged(str(error)) from error
        try:
            _check(self.fileno(), file, path)
        except Damaged:
            self.close()
            raise
        self._stop = span.stop
        self.seek(span.start)

    def read(self, size: int | None = -1, /) -> bytes:
        if quarantine.is_taken(os.fstat(self.fileno()).st_mode):
            raise Damaged(f"{self.name} was found to be damaged while it was sent")
        left = min(max(self._stop - self.tell(), 0), MOST)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


def _refuse_what_is_known(file: File) -> None:
    # Where the pool cannot be written, the wrong bytes lie there still.
    if file.is_damaged:
        raise Damaged(f"{file.sha256} was found to be damaged")


def _check(opened: int, file: File, path: os.PathLike[str]) -> None:
    found = os.fstat(opened)
    if found.st_size != file.size or not stat.S_ISREG(found.st_mode):
        raise Damaged(f"{path} has {found.st_size} bytes and should have {file.size}")
