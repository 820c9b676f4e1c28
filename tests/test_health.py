"""How the installation is, and the page that shows it."""

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard import cache, health
from repos.actions import Actions
from repos.finding import Kind
from repos.models import Worker
from tests import scenes
from tests.settings import POSTGRESQL

pytestmark = pytest.mark.django_db


def page(client: Client, path: str = "/status/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def test_it_works() -> None:
    scenes.a_worker()
    found = health.health()
    assert [worker.name for worker in found.workers] == ["mirror-1:/srv/millrace"]
    assert found.database.name == ("PostgreSQL" if POSTGRESQL else "SQLite")
    assert 0 < found.database.seconds < 1
    assert found.disk.total == found.disk.used + found.disk.free
    assert (found.stored, found.redis, found.wrong) == ((0, 0), None, [])


def test_the_queue_says_since_when_the_longest_wait() -> None:
    repository = scenes.a_repository()
    running = scenes.a_running_job(repository, ago=300)
    waiting = scenes.a_job(repository, Actions(distribute=False), ago=200)
    scenes.a_job(scenes.a_repository("other"), ago=100)
    found = health.queue()
    assert (found.running, found.waiting) == (1, 2)
    assert (found.runs_since, found.waits_since) == (running.started_at, waiting.requested_at)


def test_where_nothing_waits_there_is_no_time() -> None:
    found = health.queue()
    assert (found.waiting, found.waits_since, found.runs_since) == (0, None, None)


def test_only_what_concerns_all_is_wrong_with_the_installation() -> None:
    scenes.a_failed_job(scenes.a_repository())
    scenes.a_worker()
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert [one.kind for one in health.health().wrong] == [Kind.WORKER]


def test_a_redis_that_is_gone_is_told_without_its_password(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MILLRACE_REDIS_URL = "redis://:secret@redis.example:6379/0"
    found = cache.redis()
    assert found
    assert (found.address, found.seconds is not None) == ("redis.example:6379", True)

    def gone(*arguments: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(caches["default"], "get", gone)
    monkeypatch.setattr(cache, "_asked_again", 0.0)
    found = cache.redis()
    assert found
    assert found.seconds is None


# ---- the page ----


def test_the_page_says_that_all_is_well(admin_client: Client) -> None:
    scenes.a_worker()
    text = page(admin_client)
    for shown in ("All is well", "mirror-1:/srv/millrace", "ready", "every 24 hours", "in each process, by itself"):
        assert shown in text


def test_the_page_says_what_is_wrong_and_what_to_do(admin_client: Client) -> None:
    scenes.a_worker()
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    text = page(admin_client)
    assert "No worker is running, so a job would wait." in text
    assert "<code>manage.py serve</code>" in text
    assert "gone" in text


def test_a_house_without_workers_says_how_to_start_one(admin_client: Client) -> None:
    assert "No worker has signed in. A server starts one" in page(admin_client)


def test_it_is_live_and_the_fragment_is_a_part_of_the_page(admin_client: Client) -> None:
    text = page(admin_client)
    assert 'hx-get="/status/now/" hx-trigger="every 5s, refresh"' in text
    assert page(admin_client, "/status/now/")[:60] in text


def test_no_secret_is_on_it(admin_client: Client, settings: Settings) -> None:
    settings.MILLRACE_REDIS_URL = "redis://:hunter2@redis.example:6379/0"
    text = page(admin_client)
    assert "hunter2" not in text
    assert settings.SECRET_KEY not in text
