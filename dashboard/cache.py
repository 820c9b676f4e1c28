"""Django's cache, but one that never fails: what it remembers is a help, and no page may break for want of it.

Where the cache is a Redis that is gone, this process remembers by itself until Redis is back; so what is counted here
(failed logins, say) is then counted by each process alone.
"""

import logging
import sys
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache, caches

logger = logging.getLogger(__name__)

# Seconds for which a cache that failed is not asked again: each time might take a time-out.
PAUSE = 5.0
_asked_again = 0.0


@dataclass(frozen=True)
class Redis:
    """Where it is, without its password; `seconds` is how long it takes to answer, None where it does not."""

    address: str
    seconds: float | None


def redis() -> Redis | None:
    """How our Redis is; None where each process remembers by itself, as it is meant to."""
    if not settings.MILLRACE_REDIS_URL:
        return None
    url, begun = urlsplit(settings.MILLRACE_REDIS_URL), time.perf_counter()
    _asked("get", "status")
    answers = time.monotonic() >= _asked_again
    return Redis(url.netloc.rpartition("@")[2] or url.path, time.perf_counter() - begun if answers else None)


def get(key: str, default: Any = None) -> Any:
    return _asked("get", key, default)


def set(key: str, value: Any, seconds: float | None) -> None:
    _asked("set", key, value, seconds)


def add(key: str, value: Any, seconds: float | None) -> bool:
    """Remembers `value` unless there is one already; returns whether there was none."""
    return bool(_asked("add", key, value, seconds))


def incr(key: str, seconds: float | None) -> int:
    """Counts one more, from 0 on, and returns the count. It is forgotten `seconds` after the first."""
    add(key, 0, seconds)
    try:
        return int(_asked("incr", key))
    except ValueError:
        # Its time ended in this very moment.
        set(key, 1, seconds)
        return 1


def delete(key: str) -> None:
    _asked("delete", key)


def _asked(verb: str, *arguments: Any) -> Any:
    global _asked_again
    if time.monotonic() >= _asked_again:
        try:
            return getattr(cache, verb)(*arguments)
        except _failures() as error:
            _asked_again = time.monotonic() + PAUSE
            logger.warning("The cache does not answer, so each process remembers by itself: %s", error)
    return getattr(caches["own"], verb)(*arguments)


def _failures() -> tuple[type[Exception], ...]:
    """How a cache fails. Redis' own errors can only occur once its client was imported."""
    redis = sys.modules.get("redis")
    return (OSError, redis.RedisError) if redis else (OSError,)
