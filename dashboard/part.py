"""Files of the pool on their way out."""

import os
from io import FileIO

from repos import pool
from repos.published import File


class Damaged(Exception):
    """The pool does not have what it should; the text says what it has."""


class Part(FileIO):
    """The bytes `span` of a file of the pool, for a WSGI server to send: an open file that ends where they end.

    Some servers send as much as Content-Length says, others all there is: both are right. Raises Damaged when the file
    is missing or has another size.
    """

    def __init__(self, file: File, span: range) -> None:
        try:
            super().__init__(pool.path(file.sha256))
        except OSError as error:
            raise Damaged(str(error)) from error
        size = os.fstat(self.fileno()).st_size
        if size != file.size:
            self.close()
            raise Damaged(f"{self.name} has {size} bytes and should have {file.size}")
        self._stop = span.stop
        if span.start:
            self.seek(span.start)

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self._stop - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""
