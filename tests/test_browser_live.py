"""Live parts in a real browser: what changes is merged into what is there, and nothing else is touched."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from repos.models import Job
from tests import scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor
from tests.running import until

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bell"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture
def job(transactional_db: None) -> Job:
    return scenes.a_job_that_fetches(scenes.a_repository())


def goes_on(job: Job, page: Page) -> None:
    """Half of it is there, and the page says so."""
    job.reports.filter(state="running").update(done=2_406, bytes_done=9_200_000_000)
    expect(page.locator(".meters")).to_contain_text("50")


def test_it_works(visitor: Page, job: Job) -> None:
    """Elements stay the same ones, so nothing that a person does with them is lost."""
    visitor.goto(f"/jobs/{job.pk}/")
    visitor.evaluate(
        "window.before = [...document.querySelectorAll('#panel, #action-sync, #panel svg, #panel progress')]"
    )
    goes_on(job, visitor)
    assert visitor.evaluate("window.before.length > 5 && window.before.every((element) => element.isConnected)")


def test_marked_text_stays_marked(visitor: Page, job: Job) -> None:
    visitor.goto(f"/jobs/{job.pk}/")
    visitor.evaluate("getSelection().selectAllChildren(document.querySelector('#log li:nth-child(2) span'))")
    marked = visitor.evaluate("getSelection().toString()")
    assert "Started by the worker" in marked
    goes_on(job, visitor)
    assert visitor.evaluate("getSelection().toString()") == marked


def test_what_a_person_folds_stays_folded(visitor: Page, job: Job) -> None:
    visitor.goto(f"/jobs/{job.pk}/")
    fold = visitor.locator("#fold-sync")
    expect(fold).to_have_attribute("open", "")
    fold.locator("summary").click()
    job.reports.filter(state="running").update(done=2_406, bytes_done=9_200_000_000)
    expect(fold.locator("summary")).to_contain_text("50")
    expect(fold).not_to_have_attribute("open", "")


def test_a_step_unfolds_when_it_begins_and_folds_when_it_ends(visitor: Page, job: Job) -> None:
    visitor.goto(f"/jobs/{job.pk}/")
    expect(visitor.locator("#fold-publish")).to_have_count(0)
    job.reports.filter(state="running").update(state="completed", finished_at=job.requested_at)
    scenes.a_report(job, "publish", "publish.metadata", "Writing PULP_MANIFEST", "running", done=1, total=9)
    expect(visitor.locator("#fold-publish")).to_have_attribute("open", "")
    expect(visitor.locator("#fold-sync")).not_to_have_attribute("open", "")


def test_the_place_stays(visitor: Page, job: Job) -> None:
    scenes.the_log_tells(job, *(f"Line {number}." for number in range(60)))
    visitor.goto(f"/jobs/{job.pk}/")
    visitor.evaluate("scrollTo(0, 900)")
    before = visitor.evaluate("scrollY")
    assert before > 300
    goes_on(job, visitor)
    assert visitor.evaluate("scrollY") == before


def test_where_nothing_is_new_nothing_comes_and_it_is_asked_less_often(
    browser: Browser, live_server: LiveServer, operator: User, job: Job
) -> None:
    with browser.new_context(base_url=live_server.url) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.clock.install()
        asked: list[str] = []
        statuses: list[int] = []
        page.on("request", lambda request: asked.append(request.url) if "/panel/" in request.url else None)
        page.on("response", lambda answer: statuses.append(answer.status) if "/panel/" in answer.url else None)
        page.goto(f"/jobs/{job.pk}/")
        page.evaluate("new MutationObserver((all) => (window.changed = all.length)).observe(panel, {childList: true})")
        for _ in range(12):
            page.clock.run_for(1000)
            until(lambda: page.evaluate("true") and len(statuses) == len(asked), "what was asked is answered")
        assert set(statuses) == {204}
        assert 5 <= len(statuses) <= 10
        assert page.evaluate("window.changed") is None


def test_the_clock_goes_on_between_two_pieces_of_news(visitor: Page, job: Job) -> None:
    visitor.goto(f"/jobs/{job.pk}/")
    visitor.route("**/panel/", lambda route: route.fulfill(status=204))
    clock = visitor.locator("#elapsed")
    expect(clock).to_have_text(re.compile(r"^1\smin\s(3[89]|[45]\d)\s*s$"))


def test_jobs_that_come_take_their_place_in_the_list(visitor: Page, job: Job) -> None:
    visitor.goto("/jobs/")
    tick = visitor.locator(f"#tick-{job.pk}")
    tick.check()
    visitor.evaluate(f"window.row = document.getElementById('row-{job.pk}')")
    other = scenes.a_running_job(scenes.a_repository("docs"))
    expect(visitor.locator(f"#row-{other.pk}")).to_be_visible()
    expect(visitor.locator("#list tbody tr").first).to_have_id(f"row-{other.pk}")
    expect(tick).to_be_checked()
    assert visitor.evaluate("window.row.isConnected")


def test_chosen_jobs_are_canceled(visitor: Page, job: Job) -> None:
    visitor.goto("/jobs/?state=active")
    visitor.locator(f"#tick-{job.pk}").check()
    visitor.get_by_text("Cancel the chosen…").click()
    visitor.get_by_role("button", name="Cancel them").click()
    expect(visitor.get_by_text("1 job was told to stop.")).to_be_visible()
    job.refresh_from_db()
    assert job.cancel_requested_at


def test_the_search_keeps_what_is_typed_while_the_list_lives(visitor: Page, job: Job) -> None:
    visitor.goto("/jobs/")
    visitor.get_by_role("searchbox").fill("nothing")
    expect(visitor.get_by_text("No job matches")).to_be_visible()
    expect(visitor).to_have_url("/jobs/?q=nothing")
    visitor.go_back()
    expect(visitor.locator(f"#row-{job.pk}")).to_be_visible()


def test_the_last_news_brings_the_deeds_of_an_ended_job(visitor: Page, job: Job) -> None:
    visitor.goto(f"/jobs/{job.pk}/")
    expect(visitor.get_by_role("button", name="Cancel")).to_be_visible()
    Job.objects.filter(pk=job.pk).update(state="canceled", finished_at=job.requested_at)
    expect(visitor.get_by_role("button", name="Run again")).to_be_visible()
    expect(visitor).to_have_title(f"Canceled: job {job.pk}, debian-tools · Millrace")
    expect(visitor.locator("#panel")).not_to_have_attribute("data-live", "")


def test_a_job_that_is_gone_is_not_polled_for_ever(visitor: Page, job: Job) -> None:
    visitor.goto(f"/jobs/{job.pk}/")
    Job.objects.all().delete()
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("not", ignore_case=True)
