"""A signal that asks a process to end is heard wherever its main thread is."""

import signal
import threading
from collections.abc import Iterator

import pytest

from dashboard.ending import on_signals, when_asked
from tests.running import PATIENCE

NUMBERS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_it_is_heard_while_the_main_thread_holds_what_the_end_needs(number: signal.Signals) -> None:
    """As `Event.wait` does for a moment: a handler that took it there would wait for the thread that it interrupts."""
    lock, heard = threading.Lock(), threading.Event()

    def end() -> None:
        with lock:
            heard.set()

    on_signals(when_asked(end))
    with lock:
        signal.raise_signal(number)
        assert not heard.is_set()
    assert heard.wait(PATIENCE)


def test_it_is_heard_each_time() -> None:
    heard = threading.Semaphore(0)
    on_signals(when_asked(heard.release))
    for number in [*NUMBERS, *NUMBERS]:
        signal.raise_signal(number)
    assert all(heard.acquire(timeout=PATIENCE) for _ in range(4))
