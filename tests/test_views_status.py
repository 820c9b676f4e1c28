"""What programs ask an installation."""

import pytest
from django.db import OperationalError
from django.test import Client

from tests import scenes
from tests.running import RUNG


def test_it_works(db: None, client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


def test_health_costs_one_query(db: None, client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        client.get("/healthz")


def test_a_database_that_is_gone_is_said(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone() -> None:
        raise OperationalError("password=secret")

    with monkeypatch.context() as broken:
        broken.setattr("dashboard.views.status.connection.cursor", gone)
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (503, b"the database does not answer\n")
    assert "does not answer" in caplog.text


def test_status_tells_of_workers_queue_database_and_storage(admin_client: Client) -> None:
    scenes.a_worker()
    scenes.stored(5_000)
    repository = scenes.a_repository()
    scenes.a_running_job(repository)
    found = admin_client.get("/status.json").json()
    assert found["versions"]["millrace"]
    assert [(worker["threads"], worker["alive"]) for worker in found["workers"]] == [(2, True)]
    assert found["queue"] == {"length": 0, "waiting": 0, "running": 1}
    assert found["database"]["engine"] in ("sqlite", "postgresql")
    assert (found["storage"]["files"], found["storage"]["bytes"]) == (1, 5_000)
    assert found["storage"]["disk_free"] > 0
    assert RUNG == []
