"""Whether the clock on the wall can be believed: it may be set while we run, by hand or by a time server.

Ages are differences of its times. So what deletes by age asks here first, and waits while the clock is in doubt.
"""

import time
from datetime import timedelta

from . import units
from .words import later, say

# A clock that is a little off is set right every now and then; that changes no decision which rests on hours or days.
TOLERATED = timedelta(minutes=5)


def _ahead() -> float:
    """Seconds that the clock is ahead of one which nobody can set, and which goes on while the machine sleeps."""
    return time.time() - time.clock_gettime(_STEADY)


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_AT_START = _ahead()


def drift() -> timedelta:
    """By how much the clock was set since this process began: forward, or (below zero) back."""
    return timedelta(seconds=_ahead() - _AT_START)


def jumped() -> bool:
    """Whether the clock was set by so much that no age can be believed, until this process is started again."""
    return abs(drift()) > TOLERATED


def doubt() -> str:
    """The sentence that says that the clock jumped, and what to do; empty while it did not."""
    if not jumped():
        return ""
    forward = later(
        "The clock of this machine was set forward by {time} while Millrace ran, so nothing is deleted for its age. "
        "Look whether it is right now, then restart Millrace."
    )
    back = later(
        "The clock of this machine was set back by {time} while Millrace ran, so nothing is deleted for its age. "
        "Look whether it is right now, then restart Millrace."
    )
    return say(forward if drift() > timedelta(0) else back, time=units.duration(abs(drift())))
