"""A cache that never fails: while its Redis is gone, this process remembers by itself."""

from collections.abc import Iterator

import pytest
from django.core.cache import caches
from pytest_django.fixtures import Settings

from dashboard import cache
from dashboard.settings import redis_options
from tests.stoppable import Redis, running_redis

pytestmark = pytest.mark.any_database


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_asked_again", 0.0)
    for one in ("default", "own"):
        caches[one].clear()


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The cache is a Redis now."""
    with running_redis() as server:
        shared = {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": server.url,
            "OPTIONS": redis_options() | {"socket_timeout": 0.2},
        }
        settings.CACHES = settings.CACHES | {"default": shared}
        yield server


def test_it_works() -> None:
    assert cache.get("a") is None
    assert cache.get("a", 7) == 7
    cache.set("a", "b", 60)
    assert cache.get("a") == "b"
    assert not cache.add("a", "c", 60)
    cache.delete("a")
    assert cache.add("a", "c", 60)


def test_it_counts() -> None:
    assert [cache.incr("a", 60) for _ in range(3)] == [1, 2, 3]


def test_a_redis_remembers(redis: Redis) -> None:
    cache.set("a", {"b": 1}, 60)
    assert [cache.incr("n", 60) for _ in range(2)] == [1, 2]
    assert caches["default"].get("a") == {"b": 1}
    assert caches["own"].get("a") is None


def test_while_it_is_gone_this_process_remembers(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache.set("a", "there", 60)
    redis.stop()
    assert cache.get("a") is None
    cache.set("a", "here", 60)
    assert cache.get("a") == "here"
    assert [cache.incr("n", 60) for _ in range(2)] == [1, 2]
    assert len(caplog.records) == 1, "it says so once"
    redis.start()
    monkeypatch.setattr(cache, "_asked_again", 0.0)
    assert cache.get("a") is None
    cache.set("a", "there", 60)
    assert caches["default"].get("a") == "there"


def test_one_that_hangs_is_waited_for_once(redis: Redis) -> None:
    redis.freeze()
    cache.set("a", "here", 60)
    before = cache._asked_again
    for _ in range(100):
        assert cache.get("a") == "here"
    assert cache._asked_again == before, "it was not asked again"
