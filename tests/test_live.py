"""Live parts of a page: who has seen all is told so, for little; and many who look on."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import live
from repos import joblog, jobs
from repos.models import Job, Repository
from tests import scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None) -> Repository:
    return scenes.a_repository()


def ask(client: Client, url: str, seen: str) -> Any:
    return client.get(url, headers={"HX-Request": "true", "Live-Seen": seen})


def test_it_works(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    seen = live.of_job(job.pk)
    assert f'data-seen="{seen}"' in admin_client.get(f"/jobs/{job.pk}/").content.decode()
    answer = ask(admin_client, f"/jobs/{job.pk}/panel/", seen)
    assert (answer.status_code, answer.content) == (204, b"")
    job.reports.filter(state="running").update(done=2_000)
    answer = ask(admin_client, f"/jobs/{job.pk}/panel/", seen)
    assert (answer.status_code, answer.headers["Live-Pace"]) == (200, "1")
    assert "2,000" in answer.content.decode()


CHANGES: dict[str, Callable[[Job], object]] = {
    "a report": lambda job: job.reports.filter(state="running").update(bytes_done=5),
    "its words": lambda job: job.reports.filter(state="running").update(suffix="1 failed"),
    "what is fetched": lambda job: job.reports.filter(state="running").update(current='[["a",null,1]]'),
    "a new report": lambda job: scenes.a_report(job, "sync", "associating.content", "Recording", "running"),
    "a cancel": jobs.cancel,
    "a line of the log": lambda job: joblog.note(job, "Something happened."),
    "its end": lambda job: Job.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_news(repository: Repository, change: str) -> None:
    job = scenes.a_job_that_fetches(repository)
    before = live.of_job(job.pk), live.of_job(job.pk)
    CHANGES[change](job)
    assert before[0] == before[1] != live.of_job(job.pk)


def test_what_it_waits_for_is_news_of_a_waiting_job() -> None:
    found = scenes.a_busy_house()
    before = live.of_job(found["waiting"].pk)
    Job.objects.filter(pk=found["fetching"].pk).update(state="completed", finished_at=timezone.now())
    assert live.of_job(found["waiting"].pk) != before


def test_other_jobs_are_no_news_of_a_running_one() -> None:
    found = scenes.a_busy_house()
    before, of_all = live.of_job(found["fetching"].pk), live.of_jobs()
    found["publishing"].reports.filter(state="running").update(done=3_000)
    assert live.of_job(found["fetching"].pk) == before
    assert live.of_jobs() != of_all


def test_a_new_job_is_news_of_the_list(repository: Repository) -> None:
    before = live.of_jobs()
    job = scenes.a_job(repository)
    between = live.of_jobs()
    Job.objects.filter(pk=job.pk).update(state="canceled", finished_at=timezone.now())
    assert len({before, between, live.of_jobs()}) == 3


def test_half_a_minute_later_it_is_drawn_anew(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the sake of “3 min ago”."""
    job = scenes.a_job_that_fetches(repository)
    monkeypatch.setattr(live, "STALE", 30)
    seen = {}
    for second in (60, 89, 90):
        monkeypatch.setattr(live, "time", SimpleNamespace(time=lambda now=second: now))
        seen[second] = live.of_job(job.pk)
    assert seen[60] == seen[89] != seen[90]


def test_no_news_takes_three_statements(admin_client: Client, repository: Repository) -> None:
    """The session, the user, and whether anything is new."""
    job = scenes.a_job_that_fetches(repository)
    seen = live.of_job(job.pk)
    with CaptureQueriesContext(connection) as found:
        assert ask(admin_client, f"/jobs/{job.pk}/panel/", seen).status_code == 204
    assert len(found) == 3


def test_nobody_is_told_anything_without_signing_in(client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    answer = ask(client, f"/jobs/{job.pk}/panel/", live.of_job(job.pk))
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next=/jobs/{job.pk}/panel/")


def test_what_is_not_there_is_not_found(admin_client: Client) -> None:
    assert ask(admin_client, "/jobs/99/panel/", "x").status_code == 404


def test_a_part_is_made_once_for_all_who_look_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SHARED", 60.0)
    made: list[int] = []

    def make() -> HttpResponse:
        made.append(1)
        return HttpResponse(f"{len(made)}")

    def shown(seen: str, query: str = "") -> str:
        request = RequestFactory().get(f"/{query}")
        return live.answer(request, seen, make, shared="a test").content.decode()

    asked = (("one", ""), ("one", ""), ("two", ""), ("two", "?page=2"), ("two", ""))
    assert [shown(*one) for one in asked] == ["1", "1", "2", "3", "2"]


def test_a_part_of_an_ended_job_is_each_reader_s_own(client: Client, repository: Repository) -> None:
    """It brings the job's deeds along, which are not for everybody."""
    job = scenes.a_failed_job(repository)
    for name, offered in (("viewer", False), ("admin", True)):
        user = scenes.an_operator(name)
        user.is_superuser = offered
        user.save()
        client.force_login(user)
        assert ("Run again" in ask(client, f"/jobs/{job.pk}/panel/", "").content.decode()) is offered


def test_the_more_look_on_the_less_often_each_may_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("dashboard.live.time.monotonic", lambda: now)
    crowd = live._Crowd()
    told = []
    for _ in range(40):
        pace = crowd.pace(0.001)
        told.append(pace)
        for _ in range(999):
            crowd.pace(0.001)
        now += pace
    assert told[0] == 1
    assert told[-1] < 25
    assert 1000 * (0.001 + live.OVERHEAD) / told[-1] <= live.SHARE
    # And once they have gone, whoever is left asks as before.
    for _ in range(5):
        now += 20
        left = crowd.pace(0.001)
    assert left == 1
