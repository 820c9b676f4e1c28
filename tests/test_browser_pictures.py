"""The overview, storage and status in a real browser: pictures that lead on, and pages that keep themselves right."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from repos.models import Job, Worker
from tests import factories, history, scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, stranger, visitor

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is taken for dead, however slow the machine is."""
    monkeypatch.setattr(Worker, "SILENCE", 240)


def test_a_bar_of_the_strip_leads_to_its_job_wherever_its_place_is_clicked(visitor: Page) -> None:
    repository = scenes.a_repository()
    history.runs(repository, 4)
    visitor.goto("/")
    bars = visitor.locator(".strip a")
    expect(bars).to_have_count(4)
    # At the top of its place, above the bar.
    bars.nth(2).click(position={"x": 3, "y": 1})
    expect(visitor).to_have_url(re.compile(rf"/jobs/{Job.objects.order_by('pk')[2].pk}/$"))


def test_a_page_that_shows_nothing_running_notices_a_job_that_comes(visitor: Page) -> None:
    scenes.a_worker()
    repository = scenes.a_repository()
    visitor.goto("/")
    expect(visitor.locator("#running")).to_be_hidden()
    job = scenes.a_job_that_fetches(repository)
    expect(visitor.locator("#running")).to_contain_text(f"Job {job.pk}", timeout=15_000)
    expect(visitor.locator("#repositories .badge-syncing")).to_be_visible()


def test_what_was_unfolded_stays_so_when_a_job_comes(visitor: Page) -> None:
    scenes.a_worker()
    repositories = [scenes.a_repository(f"files-{number}") for number in range(9)]
    for one in repositories:
        scenes.a_failed_job(one)
    visitor.goto("/")
    visitor.get_by_text("3 more", exact=True).click()
    expect(visitor.locator(".findings-more .finding-row")).to_have_count(3)
    job = scenes.a_job_that_fetches(repositories[0])
    expect(visitor.locator("#running")).to_contain_text(f"Job {job.pk}", timeout=15_000)
    expect(visitor.locator(".findings-more .finding-row").first).to_be_visible()


def test_storage_counts_after_the_page_and_its_picture_leads_to_the_versions(visitor: Page) -> None:
    repository = factories.repository("tools")
    factories.version(repository, {"a": b"1" * 1000})
    visitor.goto("/storage/")
    expect(visitor.locator("#plan")).to_contain_text("nothing: every file is needed")
    visitor.locator(".treemap-wide a").click(position={"x": 60, "y": 60})
    expect(visitor).to_have_url(re.compile(rf"/storage/{repository.pk}/$"))
    expect(visitor.locator("#version-1")).to_contain_text("1.0 kB")


def test_on_a_phone_another_treemap_is_shown(visitor: Page) -> None:
    factories.version(factories.repository("tools"), {"a": b"1" * 1000})
    visitor.set_viewport_size({"width": 390, "height": 844})
    visitor.goto("/storage/?counted")
    expect(visitor.locator(".treemap-narrow")).to_be_visible()
    expect(visitor.locator(".treemap-wide")).to_be_hidden()


def test_the_status_says_by_itself_that_a_worker_is_gone(visitor: Page) -> None:
    scenes.a_worker()
    visitor.goto("/status/")
    expect(visitor.locator("#well")).to_be_visible()
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    expect(visitor.locator(".banner-danger")).to_contain_text("No worker is running", timeout=20_000)
    expect(visitor.locator("#workers")).to_contain_text("gone")
