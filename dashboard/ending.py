"""How a process of ours is asked to end: by SIGTERM, or by Ctrl-C."""

import queue
import signal
import threading
from collections.abc import Callable
from types import FrameType


def when_asked(end: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    """A handler of signals that has `end` called in a thread of its own.

    A handler interrupts the main thread wherever that is: it may be holding the very lock that `end` takes, as
    `threading.Event.wait` does for a moment, and both would wait for ever. A `SimpleQueue` may be put into there.
    """
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()

    def listen() -> None:
        while True:
            asked.get()
            end()

    threading.Thread(target=listen, name="ending", daemon=True).start()
    return lambda number, _: asked.put(number)


def on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
