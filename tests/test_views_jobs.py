"""Jobs: the list, the page with its live panel, cancel and run again."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from repos import causes
from repos.actions import Actions
from repos.models import FailedFile, Job, Repository, RequestedChange, Switch
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def repository(db: None) -> Repository:
    return scenes.a_repository()


def page(client: Client, job: Job) -> str:
    return client.get(f"/jobs/{job.pk}/").content.decode()


def panel(client: Client, job: Job) -> str:
    return client.get(f"/jobs/{job.pk}/panel/", headers=HTMX).content.decode()


def test_it_works(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, scenes.a_job_that_fetches(repository))
    for shown in (
        "1,204 <small>of 4,812</small>",
        "48.0\N{NO-BREAK SPACE}MB/s",
        "about 5\N{NO-BREAK SPACE}min",
        "25\N{NO-BREAK SPACE}%",
    ):
        assert shown in text


# ---- the panel ----


def test_the_fragment_is_the_very_part_of_the_page(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository)
    alone = admin_client.get(f"/jobs/{job.pk}/panel/").content.decode().strip()
    assert alone in page(admin_client, job)


def test_an_active_job_polls_and_has_no_form_in_what_it_polls(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    text = panel(admin_client, job)
    assert f'hx-get="/jobs/{job.pk}/panel/"' in text
    assert 'hx-trigger="every 1s, refresh"' in text
    assert "<form" not in text
    assert "hx-swap-oob" not in text


def test_the_last_fragment_ends_the_polling_and_brings_the_button(admin_client: Client, repository: Repository) -> None:
    text = panel(admin_client, scenes.a_completed_job(repository))
    assert "hx-trigger" not in text
    assert 'id="acts" hx-swap-oob="true"' in text
    assert "Run again" in text
    assert "<title>Completed: job" in text


def test_without_script_an_active_page_reloads_itself(admin_client: Client, repository: Repository) -> None:
    refresh = '<noscript><meta http-equiv="refresh" content="3"></noscript>'
    assert refresh in page(admin_client, scenes.a_job_that_fetches(repository))
    assert refresh not in page(admin_client, scenes.an_unchanged_job(scenes.a_repository("docs")))


def test_polling_costs_few_queries_however_much_there_is(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository, failures=120)
    with CaptureQueriesContext(connection) as queries:
        panel(admin_client, job)
    assert len(queries) <= 10


def test_a_skipped_action_says_why(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, scenes.an_unchanged_job(repository))
    assert "unchanged since version 0" in text
    assert "nothing had changed" in text


def test_failures_come_before_the_steps_and_in_full(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, scenes.a_failed_job(repository))
    assert text.index('id="broken"') < text.index('id="failures"') < text.index('id="actions"')
    for shown in ("images/disk-00.qcow2", "there is no such file (404)", "https://downloads.example.org/data/images/"):
        assert shown in text


def test_each_failure_says_what_to_do(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository, failures=3)
    text = unescape(page(admin_client, job))
    for cause in job.failed_files.values_list("cause", flat=True):
        assert causes.advice_on_file(cause) in text


def test_failures_are_in_the_order_of_their_paths(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository, failures=3)
    first = job.failed_files.earliest("pk")
    FailedFile.objects.filter(pk=first.pk).update(path="z-last")
    listed = admin_client.get(f"/jobs/{job.pk}/").context["failures"]
    assert [one.path for one in listed] == sorted(one.path for one in listed)


def test_failures_have_pages(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository, failures=51)
    assert "images/disk-50.qcow2" not in page(admin_client, job)
    assert "images/disk-50.qcow2" in admin_client.get(f"/jobs/{job.pk}/?failures=2").content.decode()


def test_a_waiting_job_names_the_one_in_its_way(admin_client: Client) -> None:
    found = scenes.a_busy_house()
    text = page(admin_client, found["waiting"])
    assert f'<a id="waits-{found["fetching"].pk}" href="/jobs/{found["fetching"].pk}/">' in text


def test_a_waiting_job_without_any_worker_says_so(admin_client: Client, repository: Repository) -> None:
    assert "No worker is running" in page(admin_client, scenes.a_job(repository))
    scenes.a_worker()
    assert "for a worker that is free" in page(admin_client, Job.objects.get())


def test_the_result_links_to_what_it_made(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, scenes.a_completed_job(repository))
    assert f'href="/repositories/{repository.pk}/versions/1/"' in text
    assert 'href="/content/mirrors/debian-tools/"' in text


def test_text_from_outside_is_escaped(admin_client: Client, repository: Repository) -> None:
    error = "<script>alert(1)</script>"
    assert error not in page(admin_client, scenes.an_ended_job(repository, "failed", error=error))


# ---- deeds ----


def test_cancel(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job(repository)
    assert admin_client.post(f"/jobs/{job.pk}/cancel/")["Location"] == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == "canceled"


def test_a_job_that_is_being_canceled_says_so(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    text = admin_client.post(f"/jobs/{job.pk}/cancel/", follow=True).content.decode()
    assert "Canceling…" in text
    assert "badge-canceling" in text


def test_canceling_what_has_ended_says_that_there_was_nothing_to_do(
    admin_client: Client, repository: Repository
) -> None:
    job = scenes.an_unchanged_job(repository)
    text = admin_client.post(f"/jobs/{job.pk}/cancel/", follow=True).content.decode()
    assert "There was nothing to cancel" in text


def test_run_again_asks_for_the_same_actions(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository)
    response = admin_client.post(f"/jobs/{job.pk}/again/")
    new = Job.objects.first()
    assert new and new != job
    assert response["Location"] == f"/jobs/{new.pk}/"
    assert new.actions == job.actions


def test_run_again_that_is_refused_answers_409_with_the_reason(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_failed_job(repository)
    repository.distributions.all().delete()
    response = admin_client.post(f"/jobs/{job.pk}/again/")
    assert response.status_code == 409
    assert "No distribution follows" in response.content.decode()


# ---- the list ----


def test_ten_rows_or_twenty_take_the_same_number_of_queries(admin_client: Client) -> None:
    def with_ten_more(number: int) -> int:
        for place in range(5):
            repository = scenes.a_repository(f"files-{number}-{place}")
            scenes.a_completed_job(repository)
            scenes.a_job_that_fetches(repository)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get("/jobs/").status_code == 200
        return len(queries)

    assert with_ten_more(1) == with_ten_more(2)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", 7),
        ("?state=active", 1),
        ("?state=failed", 1),
        ("?state=completed", 3),
        ("?state=waiting", 0),
        ("?state=nonsense", 7),
        ("?repository=nonsense&after=nonsense", 7),
        ("?action=sync&state=completed", 3),
        ("?action=clean", 0),
        ("?q=TOOLS", 7),
        ("?q=nothing", 0),
    ],
)
def test_the_list_is_filtered_by_the_query_string(
    admin_client: Client, repository: Repository, query: str, shown: int
) -> None:
    for make in (scenes.a_completed_job, scenes.a_completed_job, scenes.an_unchanged_job, scenes.a_failed_job):
        make(repository)
    scenes.a_canceled_job(repository)
    scenes.an_ended_job(repository, "canceled")
    scenes.a_job_that_fetches(repository)
    assert len(admin_client.get(f"/jobs/{query}").context["list"].rows) == shown


def test_a_job_is_found_by_its_number(admin_client: Client, repository: Repository) -> None:
    jobs = [scenes.an_unchanged_job(repository) for _ in range(2)]
    assert admin_client.get(f"/jobs/?q={jobs[0].pk}").context["list"].rows == [jobs[0]]


def test_the_list_can_be_of_one_repository(admin_client: Client) -> None:
    jobs = [scenes.an_unchanged_job(scenes.a_repository(name)) for name in ("docs", "tools")]
    response = admin_client.get(f"/jobs/?repository={jobs[0].repository_id}")
    assert response.context["list"].rows == [jobs[0]]


def test_the_list_polls_only_while_a_job_on_it_is_active(admin_client: Client, repository: Repository) -> None:
    scenes.an_unchanged_job(repository)
    assert "data-live" not in admin_client.get("/jobs/").content.decode()
    scenes.a_job_that_fetches(repository)
    assert 'hx-get="/jobs/table/?state=active"' in admin_client.get("/jobs/?state=active").content.decode()


def test_a_job_that_only_switched_says_so(admin_client: Client, repository: Repository) -> None:
    now = timezone.now()
    asked = {"with_sync": False, "with_publish": True, "with_distribute": True, "request": "publish distribute"}
    job = Job.objects.create(repository=repository, state="completed", started_at=now, finished_at=now, **asked)
    assert "unchanged" in admin_client.get("/jobs/").content.decode()
    Switch.objects.create(distribution=repository.distributions.get(), job=job, reason="published version 1")
    text = admin_client.get("/jobs/").content.decode()
    assert "switched what is served" in text
    assert "unchanged" not in text


def test_the_filters_tell_how_many_ended_up_to_a_bound(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("dashboard.lists", "dashboard.views.jobs"):
        monkeypatch.setattr(f"{module}.MOST_COUNTED", 3)
    for state, many in (("completed", 4), ("failed", 3)):
        for _ in range(many):
            scenes.an_ended_job(repository, state, error="It broke.")

    def told(query: str) -> dict[str, str]:
        text = admin_client.get(f"/jobs/{query}").content.decode()
        return dict(re.findall(r">(Active|Completed|Failed|Canceled)<span class=\"count\">([^<]*)<", text))

    assert told("") == told("?state=failed") == {"Active": "0", "Completed": "3+", "Failed": "3", "Canceled": "0"}
    # There they would count what the list does not show.
    for query in ("?q=debian", "?action=sync", f"?repository={repository.pk}"):
        assert told(query) == {"Active": "0"}


def test_what_is_done_by_hand_is_called_a_change(admin_client: Client, repository: Repository) -> None:
    job = scenes.an_ended_job(repository, "completed", Actions(sync=False, publish=True, distribute=False, modify=True))
    scenes.a_report(job, "modify", "associating.content", "Recording the new files", done=1, total=1)
    listed = admin_client.get("/jobs/", {"action": "modify"}).content.decode()
    for text in (listed, page(admin_client, job)):
        assert "change → publish" in text
        assert "Modify" not in text
    assert f'id="row-{job.pk}"' in listed


def test_a_job_by_hand_lists_the_first_of_its_changes(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job(repository, Actions(sync=False, publish=False, distribute=False, modify=True))
    added = factories.artifact(b"1")
    RequestedChange.objects.create(job=job, path="old.iso")

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(admin_client, job)
        return len(asked)

    def add(numbers: range) -> None:
        RequestedChange.objects.bulk_create(
            RequestedChange(job=job, path=f"{number:02}.iso", artifact=added) for number in numbers
        )

    add(range(5))
    before = queries()
    assert "and others" not in page(admin_client, job)
    add(range(5, 20))
    text = page(admin_client, job)
    for shown in ("old.iso", "00.iso", "09.iso", "and others"):
        assert shown in text
    assert "10.iso" not in text
    assert queries() == before
    assert "00.iso" not in panel(admin_client, job)
