"""The sha256 of a file while it comes: in a thread of its own, of what is there from the beginning on without a gap.

It reads what was written just now, which is in memory still. So a stream is received on one core and hashed on another,
its pieces may come in any order, and what an earlier fetch has left is hashed while the rest comes.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Callable

# The most that is read at once, in bytes: little enough to stay in a core's own cache.
BLOCK = 256 * 1024
# Seconds after which it looks again by itself.
_LOOK = 0.2


class Following:
    """Hashes the file behind `handle` up to where `prefix` says, which only grows, but for `forget`."""

    def __init__(self, handle: int, prefix: Callable[[], int]) -> None:
        self._handle = handle
        self._prefix = prefix
        self._buffer = memoryview(bytearray(BLOCK))
        self._more = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: OSError | None = None
        self.forget()

    def forget(self) -> None:
        """Begins anew. Not while it runs."""
        self._digest = hashlib.sha256()
        self._at = 0

    def start(self) -> None:
        """Has a thread do it from now on."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="sha256", daemon=True)
            self._thread.start()

    def arrived(self, block: bytes, at: int) -> None:
        """Says that there is more: where no thread looks after it, `block` is hashed here if it is what comes next."""
        if self._thread is not None:
            self._more.set()
        elif at == self._at:
            self._digest.update(block)
            self._at += len(block)

    def pause(self) -> None:
        """Ends the thread, at its next block."""
        if self._thread is not None:
            self._ended.set()
            self._more.set()
            self._thread.join()
            self._thread = None

    def finish(self, stop: threading.Event) -> str:
        """The digest, once `prefix` is the whole. Ends early with a wrong one at `stop`. Raises OSError."""
        self.pause()
        if self._failed:
            raise self._failed
        while not stop.is_set() and self._step():
            pass
        return self._digest.hexdigest()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                if not self._step():
                    self._more.wait(_LOOK)
                    self._more.clear()
        except OSError as error:
            self._failed = error

    def _step(self) -> bool:
        """Hashes a block, if there is one."""
        size = min(BLOCK, self._prefix() - self._at)
        if size <= 0:
            return False
        read = os.preadv(self._handle, [self._buffer[:size]], self._at)
        self._digest.update(self._buffer[:read])
        self._at += read
        if not read:
            raise OSError(errno.EIO, "the file is shorter than what was written to it")
        return True
