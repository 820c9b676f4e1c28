"""The first page."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard import live
from repos.models import Repository
from tests import scenes

pytestmark = pytest.mark.django_db


def test_it_works(admin_client: Client) -> None:
    scenes.a_busy_house()
    text = admin_client.get("/").content.decode()
    for shown in (
        "debian-tools",
        "mirrors/debian-tools",
        "The last 6 runs: 4 ok, 1 running, 1 waiting",
    ):
        assert shown in text
    assert admin_client.get("/").context["figures"].stored >= 61_234 * scenes.MB


def test_an_empty_house_shows_the_form_big(admin_client: Client) -> None:
    text = admin_client.get("/").content.decode()
    assert "Mirror your first upstream" in text
    assert 'action="/repositories/create/"' in text
    assert "Files that vanish upstream are kept." in text


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

    # What is remembered from page to page is asked for once.
    admin_client.get("/")
    assert with_ten_more(1) == with_ten_more(2)


def test_it_is_live_and_slower_while_nothing_runs(admin_client: Client) -> None:
    repository = scenes.a_repository()
    assert 'hx-trigger="every 5s, refresh"' in admin_client.get("/").content.decode()
    job = scenes.a_job_that_fetches(repository)
    text = admin_client.get("/").content.decode()
    assert f'hx-get="/running/?watched={job.pk}&amp;known=' in text
    assert 'hx-trigger="every 1s, refresh"' in text


def test_who_has_seen_all_is_told_nothing(admin_client: Client) -> None:
    scenes.a_completed_job(scenes.a_repository())
    shown = admin_client.get("/").context
    knows, seen = {name: shown[name] for name in ("watched", "known")}, {"live-seen": shown["seen"]}
    assert admin_client.get("/running/", knows, headers=seen).status_code == 204
    scenes.a_job_that_fetches(scenes.a_repository("other"))
    assert admin_client.get("/running/", knows, headers=seen).status_code == 200


def test_what_is_shared_by_all_has_nothing_of_one(
    admin_client: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked first had forms; who asks next is a viewer and gets the same, or nothing that is another's."""
    monkeypatch.setattr(live, "SHARED", 60.0)
    scenes.a_failed_job(scenes.a_repository())
    job = scenes.a_job_that_fetches(scenes.a_repository("other"))
    assert "csrfmiddlewaretoken" in admin_client.get("/running/", {"watched": ""}).content.decode()
    client.force_login(User.objects.create_user("viewer"))
    shown = client.get("/").context
    for knows in ({"watched": str(job.pk), "known": shown["known"]}, {"watched": ""}):
        assert "csrfmiddlewaretoken" not in client.get("/running/", knows).content.decode()


def test_a_live_answer_brings_the_list_only_when_jobs_came_or_ended(admin_client: Client) -> None:
    job = scenes.a_job_that_fetches(scenes.a_repository())
    knows = {"watched": str(job.pk), "known": admin_client.get("/").context["known"]}
    assert "hx-swap-oob" not in admin_client.get("/running/", knows).content.decode()
    settled = admin_client.get("/running/", {"watched": f"{job.pk},{job.pk + 1}"}).content.decode()
    assert settled.count('hx-swap-oob="merge"') == 3


def test_when_the_last_job_has_ended_all_is_brought_along(admin_client: Client) -> None:
    scenes.an_unchanged_job(scenes.a_repository())
    text = admin_client.get("/running/", {"watched": "1"}).content.decode()
    assert " hidden>" in text
    assert 'id="repositories" hx-swap-oob="merge"' in text


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


def test_those_that_run_or_need_attention_come_first_and_the_others_are_elsewhere(admin_client: Client) -> None:
    for number in range(51):
        scenes.a_repository(f"files-{number:02}")
    runs, failed = (Repository.objects.get(name=name) for name in ("files-50", "files-49"))
    scenes.a_job_that_fetches(runs)
    scenes.a_failed_job(failed)
    response = admin_client.get("/")
    shown = [one.name for one in response.context["repositories"]]
    assert shown == ["files-50", "files-49", *(f"files-{number:02}" for number in range(28))]
    assert 'href="/repositories/">All 51 repositories</a>' in response.content.decode()


def test_what_needs_attention_beyond_the_first_is_folded(admin_client: Client) -> None:
    for number in range(8):
        scenes.a_failed_job(scenes.a_repository(f"files-{number}"))
    text = admin_client.get("/").content.decode()
    shown, folded = text.split('<details class="findings-more"')
    assert (shown.count("finding-failed"), folded.count("finding-failed")) == (6, 2)
    assert "2 more" in folded


def test_what_storing_each_file_once_saves_is_told(admin_client: Client) -> None:
    repository = scenes.a_repository()
    scenes.stored(5_000_000)
    for _ in range(2):
        scenes.a_version(repository, size=5_000_000)
    text = admin_client.get("/").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "5.0 MB saved: each file is stored once" in text


def test_the_base_path_is_checked_while_it_is_typed(admin_client: Client) -> None:
    text = admin_client.get("/").content.decode()
    assert 'hx-get="/distributions/base-path-check/"' in text
    assert text.count('id="base-path-check"') == 1
