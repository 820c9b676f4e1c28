"""Files of the pool on their way out."""

import errno
import os
import stat
from io import FileIO

from repos import pool, quarantine
from repos.lookup import File

# In bytes, at a time. Waitress would read as much as a socket may ever hold, and read again what it did not take.
MOST = 256 * 1024


class Damaged(Exception):
    """The pool does not have what it should, or it cannot be read; the text says what is wrong."""


def read(file: File, span: range, *, wait: bool = True) -> bytes:
    """The bytes `span` of a file, at once. Raises Damaged when it is known to be, is missing or has another size.

    Raises it as well where it may not `wait` for a disk, and would have to.
    As few system calls as can be: at each of them the interpreter goes to another thread and has to be waited for.
    """
    _refuse_what_is_known(file)
    try:
        opened = pool.opened(file.sha256)
    except OSError as error:
        raise Damaged(str(error)) from error
    try:
        _check(os.fstat(opened), file)
        return os.pread(opened, len(span), span.start) if wait else _read_from_memory(opened, span)
    except OSError as error:
        raise Damaged(f"{pool.path(file.sha256)}: {error.strerror}") from error
    finally:
        os.close(opened)


def _read_from_memory(opened: int, span: range) -> bytes:
    """What the kernel has read before; raises OSError where it has not, or cannot tell."""
    found = bytearray(len(span))
    if os.preadv(opened, [found], span.start, os.RWF_NOWAIT) < len(span):
        raise BlockingIOError(errno.EAGAIN, "would have to be waited for")
    return bytes(found)


def check(file: File) -> None:
    """Looks at a file without opening it: raises Damaged when it is known to be, is missing or has another size."""
    _refuse_what_is_known(file)
    try:
        found = os.lstat(pool.path(file.sha256))
    except OSError as error:
        raise Damaged(str(error)) from error
    _check(found, file)


class Part(FileIO):
    """The bytes `span` of a file, for a WSGI server to send: an open file that ends where they end.

    It gives some at a time, as a file may; whoever wants them all reads until nothing comes.
    Some servers send as much as Content-Length says, others all there is: both are right. Raises what `read` raises;
    so it does half-way when a verify finds these bytes to be wrong: the server then breaks off.
    """

    def __init__(self, file: File, span: range) -> None:
        _refuse_what_is_known(file)
        try:
            super().__init__(pool.path(file.sha256), opener=lambda name, flags: pool.opened(file.sha256))
        except OSError as error:
            raise Damaged(str(error)) from error
        try:
            _check(os.fstat(self.fileno()), file)
        except Damaged:
            self.close()
            raise
        self._stop = span.stop
        self.seek(span.start)

    def read(self, size: int | None = -1, /) -> bytes:
        self.refuse_if_taken()
        left = min(max(self._stop - self.tell(), 0), MOST)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""

    def refuse_if_taken(self) -> None:
        """Raises Damaged once a verify has found these bytes to be wrong."""
        if quarantine.is_taken(os.fstat(self.fileno()).st_mode):
            raise Damaged(f"{self.name} was found to be damaged while it was sent")


def _refuse_what_is_known(file: File) -> None:
    # Where the pool cannot be written, the wrong bytes lie there still.
    if file.is_damaged:
        raise Damaged(f"{file.sha256} was found to be damaged")


def _check(found: os.stat_result, file: File) -> None:
    if found.st_size != file.size or not stat.S_ISREG(found.st_mode):
        path = pool.path(file.sha256)
        raise Damaged(f"{path} has {found.st_size} bytes and should have {file.size}")
