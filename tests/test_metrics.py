"""What Prometheus is told, read as Prometheus reads it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from dashboard import metrics
from repos.models import Worker
from tests import factories, scenes

pytestmark = pytest.mark.django_db
TOKEN = "correct-horse-battery"


def told() -> dict[tuple[str, ...], float]:
    """Every line's value by its name and the values of its labels."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {(line.name, *line.labels.values()): line.value for family in families for line in family.samples}


def test_it_works() -> None:
    factories.serve(scenes.a_repository("iso"), {"a.txt": b"1", "b.txt": b"22"})
    scenes.a_running_job(scenes.a_repository("docs"))
    found = told()
    assert found["millrace_repositories",] == 2
    assert found["millrace_repository_files", "iso"] == 2
    assert found["millrace_repository_bytes", "iso"] == 3
    assert found["millrace_jobs", "running"] == 1
    assert found["millrace_jobs", "waiting"] == 0
    assert found["millrace_disk_free_bytes",] > found["millrace_disk_reserve_bytes",]
    assert found["millrace_repository_freshness", "docs", "syncing"] == 1
    assert ("millrace_repository_last_run_seconds", "docs") not in found


def test_an_empty_installation_has_metrics() -> None:
    found = told()
    assert (found["millrace_repositories",], found["millrace_stored_files",]) == (0, 0)
    assert found["millrace_database_response_seconds",] >= 0


ENDS: dict[str, Callable[[Any], Any]] = {
    "failed": scenes.a_failed_job,
    "unchanged": scenes.an_unchanged_job,
    "canceled": scenes.a_canceled_job,
}


@pytest.mark.parametrize("result", ENDS)
def test_a_run_that_ended_says_when_and_how(result: str) -> None:
    job = ENDS[result](scenes.a_repository("iso"))
    assert told()["millrace_repository_last_run_timestamp_seconds", "iso", result] == pytest.approx(
        job.finished_at.timestamp()
    )


def test_a_worker_says_whether_it_is_there() -> None:
    scenes.a_worker()
    found, name = told(), Worker.objects.get().name
    assert found["millrace_worker_up", name] == 1
    assert found["millrace_worker_heartbeat_timestamp_seconds", name] == pytest.approx(time.time(), abs=600)


def test_what_is_served_has_its_version() -> None:
    repository = scenes.a_repository("iso")
    factories.serve(repository, {"a.txt": b"1"})
    factories.serve(repository, {"a.txt": b"2"})
    path = repository.distributions.get().base_path
    assert told()["millrace_distribution_version", path, "iso"] == repository.latest_version().number


def test_ten_repositories_or_twenty_take_the_same_number_of_queries() -> None:
    told()
    counts = []
    for number in range(20):
        scenes.a_completed_job(scenes.a_repository(f"repository-{number}"))
        if number in (9, 19):
            with CaptureQueriesContext(connection) as queries:
                told()
            counts.append(len(queries))
    assert counts[0] == counts[1]


# ---- who is told ----


def test_who_is_signed_in_is_told(admin_client: Client) -> None:
    answer = admin_client.get("/metrics")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, metrics.CONTENT_TYPE)
    assert "no-store" in answer.headers["Cache-Control"]
    assert "millrace_repositories 0.0" in answer.content.decode()


@pytest.mark.parametrize("header", ["", "Bearer wrong", f"Bearer {TOKEN}x", "Bearer ", TOKEN])
@pytest.mark.parametrize("wanted", ["", TOKEN])
def test_a_stranger_is_not(client: Client, settings: Settings, header: str, wanted: str) -> None:
    settings.MILLRACE_METRICS_TOKEN = wanted
    answer = client.get("/metrics", headers={"Authorization": header})
    assert (answer.status_code, answer.content) == (401, b"This takes a login, or the token for metrics.\n")
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_the_token_opens_it(client: Client, settings: Settings) -> None:
    settings.MILLRACE_METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_token_opens_nothing_else(client: Client, settings: Settings) -> None:
    settings.MILLRACE_METRICS_TOKEN = TOKEN
    assert client.get("/status.json", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 302


def test_the_token_is_shown_nowhere(admin_client: Client, settings: Settings) -> None:
    settings.MILLRACE_METRICS_TOKEN = TOKEN
    for address in ("/metrics", "/status/", "/status.json"):
        assert TOKEN not in admin_client.get(address).content.decode()
