"""Served folders in a browser: sorted, with digests and as JSON by buttons, under their own content policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from playwright.sync_api import Browser, Page, expect

from dashboard.wsgi import application
from tests import factories
from tests.browser import CHROMIUM, browser_type_launch_args
from tests.content_server import Server
from tests.test_browser_accessible import found_in_both_themes

# A fixture, which pytest finds by its name here.
__all__ = ["browser_type_launch_args"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]

LONG = "a-name-that-is-as-long-as-some-are-0.1.2+git20261123.4f5e6d7c-1ubuntu3~bpo12+1_amd64.tar.zst"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The folder “files”; whatever breaks its content policy fails the test."""
    factories.serve(factories.repository(), {"big": bytes(5000), "small": b"1", "sub/a b.txt": b"2", LONG: bytes(300)})
    complaints: list[str] = []
    whole = StaticFilesHandler(application)  # type: ignore[arg-type]
    with Server(whole) as server, browser.new_context(base_url=server.url) as context:
        opened = context.new_page()
        opened.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        opened.goto("/content/files/")
        yield opened
    assert complaints == []


def names(page: Page) -> list[str]:
    return page.locator("tbody tr:not(.up) a").all_inner_texts()


def test_columns_are_sorted_and_digests_shown_by_buttons(page: Page) -> None:
    assert names(page) == ["PULP_MANIFEST", LONG, "big", "small", "sub/"]
    page.get_by_role("button", name="Size").click()
    assert names(page) == ["sub/", "big", "PULP_MANIFEST", LONG, "small"]
    expect(page.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Show SHA-256").click()
    assert names(page)[1] == "big"
    expect(page.get_by_role("columnheader", name="SHA-256")).to_be_visible()
    page.get_by_role("button", name="Size").click()
    assert names(page)[1] == "small"
    page.get_by_role("button", name="Hide SHA-256").click()
    assert (names(page)[1], page.get_by_text("SHA-256", exact=True).count()) == ("small", 0)
    page.get_by_role("button", name="JSON").click()
    expect(page.locator("body")).to_contain_text('"sha256": "')


def test_everybody_can_use_it(page: Page) -> None:
    for address in ("/content/files/", "/content/files/?digests=1&sort=-size", "/content/", "/content/nowhere/"):
        page.goto(address)
        assert found_in_both_themes(page) == {}
        for width in (390, 800, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
