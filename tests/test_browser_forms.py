"""The form that makes a repository, in a real browser: with its live parts, and without JavaScript."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from repos.models import Job, Repository
from tests import scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def taken(transactional_db: None, bell: list[int]) -> Repository:
    """One repository, so that there is a base path to clash with."""
    return scenes.a_repository(base_path="taken")


def fill_in(page: Page, base_path: str) -> None:
    page.goto("/repositories/new/")
    page.get_by_label("Upstream URL").fill("https://example.org/files/")
    page.get_by_label("Name", exact=True).fill("files")
    page.get_by_label("Base path").fill(base_path)


def test_a_clash_is_said_while_one_types(visitor: Page) -> None:
    fill_in(visitor, "taken")
    expect(visitor.get_by_text("is already used by the distribution at “taken”")).to_be_visible()
    visitor.get_by_label("Base path").fill("free")
    expect(visitor.get_by_text("Free. It will be served at")).to_be_visible()


def test_only_what_counts_is_shown(visitor: Page) -> None:
    visitor.goto("/repositories/new/")
    visitor.get_by_label("No upstream").check()
    for label in ("Upstream URL", "Mirror:", "Run the first job now"):
        expect(visitor.get_by_label(label)).to_be_hidden()
    visitor.get_by_text("More settings").click()
    expect(visitor.get_by_label("Manifest name")).to_be_hidden()
    visitor.get_by_label("Publish with").select_option("")
    expect(visitor.get_by_label("Manifest name")).to_be_visible()
    visitor.get_by_label("A remote that is there").check()
    expect(visitor.get_by_label("Upstream URL")).to_be_hidden()
    expect(visitor.get_by_role("combobox", name="Remote")).to_be_visible()


def test_a_refused_form_shows_the_first_fault(visitor: Page) -> None:
    fill_in(visitor, "taken")
    visitor.get_by_label("Name", exact=True).fill("")
    visitor.get_by_role("button", name="Create and run").click()
    expect(visitor.get_by_text("Enter the name.")).to_be_in_viewport()
    visitor.get_by_label("Name", exact=True).fill("files")
    visitor.get_by_label("Base path").fill("free")
    visitor.get_by_role("button", name="Create and run").click()
    expect(visitor).to_have_url(re.compile(r"/jobs/\d+/$"))


@pytest.mark.parametrize("javascript", [True, False])
def test_a_double_click_makes_one(browser: Browser, live_server: LiveServer, operator: User, javascript: bool) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=javascript) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        fill_in(page, "free")
        page.get_by_role("button", name="Create and run").dblclick()
        expect(page).to_have_url(re.compile(r"/jobs/\d+/$"))
    assert Repository.objects.filter(name="files").count() == 1
    assert Job.objects.count() == 1
