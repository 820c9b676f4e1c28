"""The first page."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import scenes

pytestmark = pytest.mark.django_db


def test_it_works(admin_client: Client) -> None:
    scenes.a_busy_house()
    text = admin_client.get("/").content.decode()
    for shown in (
        "debian-tools",
        "mirrors/debian-tools",
        "stable/debian-tools",
        "61.2\N{NO-BREAK SPACE}GB",
        "newest is 2",
    ):
        assert shown in text


def test_an_empty_house_shows_the_form_big(admin_client: Client) -> None:
    text = admin_client.get("/").content.decode()
    assert "Mirror your first upstream" in text
    assert 'action="/repositories/create/"' in text
    assert "files that vanish upstream are kept" in text


def test_ten_rows_or_twenty_take_the_same_number_of_queries(admin_client: Client) -> None:
    def with_ten_more(number: int) -> int:
        for place in range(10):
            repository = scenes.a_repository(f"files-{number}-{place}")
            scenes.a_completed_job(repository)
            scenes.a_job_that_fetches(repository)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert admin_client.get("/").status_code == 200
        return len(queries)

    assert with_ten_more(1) == with_ten_more(2)


def test_running_jobs_poll_and_an_idle_house_does_not(admin_client: Client) -> None:
    repository = scenes.a_repository()
    assert "data-live" not in admin_client.get("/").content.decode()
    job = scenes.a_job_that_fetches(repository)
    text = admin_client.get("/").content.decode()
    assert f'hx-get="/running/?watched={job.pk}&amp;known=' in text
    assert 'hx-trigger="every 2s, refresh"' in text


def test_a_live_answer_brings_the_list_only_when_jobs_came_or_ended(admin_client: Client) -> None:
    job = scenes.a_job_that_fetches(scenes.a_repository())
    knows = {"watched": str(job.pk), "known": admin_client.get("/").context["known"]}
    assert "hx-swap-oob" not in admin_client.get("/running/", knows).content.decode()
    settled = admin_client.get("/running/", {"watched": f"{job.pk},{job.pk + 1}"}).content.decode()
    assert settled.count('hx-swap-oob="true"') == 3


def test_the_last_live_answer_polls_no_more(admin_client: Client) -> None:
    scenes.an_unchanged_job(scenes.a_repository())
    text = admin_client.get("/running/", {"watched": "1"}).content.decode()
    assert "hx-get" not in text
    assert 'id="repositories" hx-swap-oob="true"' in text


def test_a_live_answer_holds_no_form_but_those_that_it_brings_along(admin_client: Client) -> None:
    job = scenes.a_job_that_fetches(scenes.a_repository())
    text = admin_client.get("/running/", {"watched": str(job.pk)}).content.decode()
    assert "<form" not in text
    assert "<details" not in text


def test_it_says_so_when_no_worker_is_there(admin_client: Client) -> None:
    scenes.a_job(scenes.a_repository())
    assert "No worker is running" in admin_client.get("/").content.decode()
    scenes.a_worker()
    assert "No worker is running" not in admin_client.get("/").content.decode()


def test_a_waiting_job_names_the_one_in_its_way(admin_client: Client) -> None:
    found = scenes.a_busy_house()
    text = admin_client.get("/").content.decode()
    assert f'waits for <a id="run-waits-{found["waiting"].pk}" href="/jobs/{found["fetching"].pk}/">' in text


def test_the_list_has_pages(admin_client: Client) -> None:
    for number in range(51):
        scenes.a_repository(f"files-{number:02}")
    text = admin_client.get("/").content.decode()
    assert "files-49" in text
    assert "files-50" not in text
    assert "files-50" in admin_client.get("/?page=2").content.decode()


def test_the_list_of_repositories_is_here(admin_client: Client) -> None:
    assert admin_client.get("/repositories/")["Location"] == "/"


@pytest.mark.parametrize(
    "path", ["/", "/repositories/new/", "/repositories/{}/upload/", "/repositories/{}/versions/0/"]
)
def test_pages_of_repositories_and_versions_belong_to_it(admin_client: Client, path: str) -> None:
    repository = scenes.a_repository()
    text = admin_client.get(path.format(repository.pk)).content.decode()
    assert '<a href="/" aria-current="page">Overview</a>' in text


def test_the_base_path_is_checked_while_it_is_typed(admin_client: Client) -> None:
    text = admin_client.get("/").content.decode()
    assert 'hx-get="/distributions/base-path-check/"' in text
    assert text.count('id="base-path-check"') == 1
