"""A repository in a real browser: its tabs, its menu of runs, its files as a tree, and the list of all."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from repos.models import Job, Repository
from tests import factories, scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
    pytest.mark.usefixtures("bell"),
]


@pytest.fixture
def repository(transactional_db: None) -> Repository:
    made = scenes.a_repository()
    factories.serve(made, {"a.txt": b"1", "deep/b.txt": b"2", "deep/er/c.txt": b"3"})
    return made


def test_it_works(visitor: Page, repository: Repository) -> None:
    """Through the tabs by links, into the folders and out again, and back by the browser's own button."""
    visitor.goto("/repositories/")
    visitor.get_by_role("link", name="debian-tools", exact=True).click()
    tabs = visitor.get_by_role("navigation", name="Repository", exact=True)
    tabs.get_by_role("link", name="Files").click()
    visitor.get_by_role("link", name="deep/").click()
    visitor.get_by_role("link", name="er/").click()
    expect(visitor.get_by_role("link", name="c.txt")).to_be_visible()
    expect(visitor).to_have_url(re.compile(r"\?folder=deep/er/$"))
    visitor.get_by_role("navigation", name="Folder").get_by_role("link", name="deep").click()
    expect(visitor.get_by_role("link", name="b.txt")).to_be_visible()
    visitor.go_back()
    expect(visitor.get_by_role("link", name="c.txt")).to_be_visible()
    for tab in ("Versions", "Publications", "Distributions", "Jobs", "Settings", "Overview"):
        tabs.get_by_role("link", name=tab).click()
        expect(tabs.locator("[aria-current]")).to_contain_text(tab)
    visitor.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name="Repositories").click()
    expect(visitor).to_have_url(re.compile("/repositories/$"))


def test_the_menu_of_runs_goes_by_keyboard(visitor: Page, repository: Repository) -> None:
    visitor.goto(f"/repositories/{repository.pk}/files/")
    visitor.get_by_label("Ways to run it").focus()
    visitor.keyboard.press("Enter")
    way = visitor.get_by_role("button", name="Sync and publish")
    expect(way).to_be_visible()
    visitor.keyboard.press("Escape")
    expect(way).to_be_hidden()
    visitor.keyboard.press("Enter")
    visitor.keyboard.press("Tab")
    visitor.keyboard.press("Tab")
    expect(way).to_be_focused()
    visitor.keyboard.press("Enter")
    expect(visitor).to_have_url(re.compile(r"/jobs/\d+/$"))
    assert Job.objects.get().actions == ["sync", "publish"]


def test_a_tab_that_is_open_learns_of_a_job(visitor: Page, repository: Repository) -> None:
    visitor.goto(f"/repositories/{repository.pk}/files/")
    visitor.get_by_label("Choose a.txt").check()
    job = scenes.a_job_that_fetches(repository)
    expect(visitor.get_by_role("link", name=f"Watch job {job.pk}")).to_be_visible(timeout=15_000)
    expect(visitor.locator("#status")).to_contain_text("Syncing")
    expect(visitor.get_by_label("Choose a.txt")).to_be_checked()


def test_many_are_chosen_and_synced(visitor: Page, repository: Repository) -> None:
    for name in ("other", "third"):
        scenes.a_repository(name)
    visitor.goto("/repositories/")
    visitor.get_by_label("Choose all").check()
    visitor.get_by_label("Choose third").uncheck()
    expect(visitor.get_by_text("2 chosen")).to_be_visible()
    visitor.get_by_role("button", name="Sync the chosen").click()
    expect(visitor.get_by_text("2 jobs were requested.")).to_be_visible()
    assert {job.subject for job in Job.objects.all()} == {"debian-tools", "other"}


def test_the_list_is_searched_while_one_types(visitor: Page, repository: Repository) -> None:
    scenes.a_repository("other")
    visitor.goto("/repositories/")
    visitor.get_by_label("Search repositories").press_sequentially("oth")
    expect(visitor.get_by_role("link", name="debian-tools", exact=True)).to_be_hidden()
    expect(visitor.get_by_role("link", name="other", exact=True)).to_be_visible()
    expect(visitor.get_by_label("Search repositories")).to_be_focused()
    expect(visitor).to_have_url(re.compile(r"\?q=oth$"))


def test_it_all_works_without_javascript(
    browser: Browser, live_server: LiveServer, repository: Repository, operator: User
) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.goto("/repositories/?sort=-files")
        page.get_by_label("Choose debian-tools").check()
        page.get_by_role("button", name="Sync the chosen").click()
        expect(page.get_by_text("1 job was requested.")).to_be_visible()
        expect(page).to_have_url(re.compile(r"\?sort=-files$"))
        page.get_by_role("link", name="debian-tools", exact=True).click()
        page.get_by_label("Ways to run it").click()
        page.get_by_role("button", name="Sync only").click()
        expect(page).to_have_url(re.compile(r"/jobs/\d+/$"))
    assert Job.objects.count() == 2
