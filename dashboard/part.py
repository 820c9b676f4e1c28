"""Files of the pool on their way out."""

import os
from io import FileIO

from repos import pool
from repos.published import File

# In bytes, at a time. Waitress would read as much as a socket may ever hold, and read again what it did not take.
MOST = 256 * 1024


class Damaged(Exception):
    """The pool does not have what it should; the text says what it has."""


def read(file: File, span: range) -> bytes:
    """The bytes `span` of a file, at once. Raises Damaged when the file is missing or has another size.

    As few system calls as can be: at each of them the interpreter goes to another thread and has to be waited for.
    """
    path = pool.path(file.sha256)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Damaged(str(error)) from error
    try:
        _check(opened, file, path)
        return os.pread(opened, len(span), span.start)
    finally:
        os.close(opened)


class Part(FileIO):
    """The bytes `span` of a file, for a WSGI server to send: an open file that ends where they end.

    It gives some at a time, as a file may; whoever wants them all reads until nothing comes.
    Some servers send as much as Content-Length says, others all there is: both are right. Raises what `read` raises.
    """

    def __init__(self, file: File, span: range) -> None:
        path = pool.path(file.sha256)
        try:
            super().__init__(path)
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
        left = min(max(self._stop - self.tell(), 0), MOST)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


def _check(opened: int, file: File, path: os.PathLike[str]) -> None:
    size = os.fstat(opened).st_size
    if size != file.size:
        raise Damaged(f"{path} has {size} bytes and should have {file.size}")
