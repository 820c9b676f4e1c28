"""Lists in a browser: searched while one types, filtered and sorted in place; the back button; without JavaScript."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from repos.distributions import make_distribution
from repos.models import Repository
from tests import factories
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bell"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture
def repository(transactional_db: None) -> Repository:
    """Served at files, and at n00 to n59, where nothing is published yet."""
    made = factories.repository()
    factories.serve(made, {"a": b"1"})
    other = factories.repository("other", "n00")
    for number in range(1, 60):
        make_distribution(other, f"n{number:02}")
    return made


def first(page: Page) -> str:
    return page.locator("tbody tr th").first.inner_text()


def test_a_list_is_narrowed_while_one_types(visitor: Page, repository: Repository) -> None:
    visitor.goto("/distributions/")
    box = visitor.get_by_role("searchbox", name="Search distributions")
    box.press_sequentially("n5")
    expect(visitor.locator("tbody tr")).to_have_count(10)
    # What is typed stays, and so does the place in it.
    expect(box).to_be_focused()
    box.press_sequentially("7")
    expect(visitor.locator("tbody tr")).to_have_count(1)
    expect(visitor).to_have_url(re.compile(r"/distributions/\?q=n57$"))
    expect(visitor.get_by_role("link", name="Nothing published yet 1")).to_be_visible()
    box.fill("nowhere")
    expect(visitor.get_by_text("No distribution matches “nowhere” here.")).to_be_visible()
    visitor.get_by_role("link", name="Clear the search").click()
    expect(visitor).to_have_url(re.compile(r"/distributions/$"))
    expect(box).to_have_value("")


def test_filters_and_columns_are_drawn_in_place_and_kept_by_a_search(visitor: Page, repository: Repository) -> None:
    visitor.goto("/distributions/")
    visitor.evaluate("document.body.dataset.same = 'page'")
    visitor.get_by_role("link", name="Nothing published yet").click()
    expect(visitor.get_by_role("link", name="Nothing published yet")).to_have_attribute("aria-current", "true")
    visitor.get_by_role("link", name="Base path").click()
    expect(visitor.get_by_role("columnheader", name="Base path")).to_have_attribute("aria-sort", "descending")
    expect(visitor.get_by_role("link", name="Base path")).to_be_focused()
    visitor.get_by_role("searchbox").fill("n1")
    expect(visitor.locator("tbody tr")).to_have_count(10)
    assert first(visitor) == "n19"
    expect(visitor).to_have_url(re.compile(r"/distributions/\?q=n1&show=nothing&sort=-path$"))
    assert visitor.evaluate("document.body.dataset.same") == "page"


def test_the_back_button_leads_through_what_was_seen(visitor: Page, repository: Repository) -> None:
    visitor.goto("/distributions/")
    visitor.get_by_role("link", name="Next").click()
    expect(visitor.locator("tbody tr")).to_have_count(11)
    second = first(visitor)
    visitor.get_by_role("link", name="Pinned").click()
    expect(visitor.get_by_text("No distribution is like that.")).to_be_visible()
    visitor.go_back()
    expect(visitor.locator("tbody tr")).to_have_count(11)
    assert first(visitor) == second
    visitor.go_back()
    expect(visitor.locator("tbody tr")).to_have_count(50)
    visitor.go_forward()
    expect(visitor.locator("tbody tr")).to_have_count(11)


def test_all_of_it_works_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, repository: Repository
) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as plain:
        sign_in(plain, operator, live_server.url)
        page = plain.new_page()
        page.goto("/distributions/?show=nothing&sort=-path")
        page.get_by_role("searchbox").fill("n1")
        page.get_by_role("button", name="Search").click()
        assert (first(page), page.locator("tbody tr").count()) == ("n19", 10)
        page.get_by_role("link", name="Base path").click()
        assert first(page) == "n10"
