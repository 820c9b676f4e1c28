"""Whole stories in a real browser, from an empty house to files that are served, and what goes wrong on the way."""

import re
import threading
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from repos import chain
from repos.models import Distribution, Job, Repository
from tests import factories
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, stranger, visitor
from tests.misbehaviour import Status
from tests.running import served
from tests.upstream import Upstream

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def quiet(bell: list[int]) -> list[int]:
    return bell


def run_the_newest() -> Job:
    """What a worker does when it hears the bell."""
    chain.run(Job.objects.latest("pk").pk, "test")
    return Job.objects.latest("pk")


def run_aside() -> threading.Thread:
    """The same while the browser goes on."""

    def run() -> None:
        try:
            run_the_newest()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def ends_as(page: Page, state: str) -> None:
    expect(page.locator("#panel .badge").first).to_have_text(state)


def mirror(page: Page, upstream: Upstream, name: str = "tools") -> None:
    """Makes a mirror by the three fields of the first page, and runs its first job to the end."""
    page.goto("/")
    page.get_by_label("Upstream URL").fill(upstream.manifest_url)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Base path").fill(name)
    page.get_by_role("button", name="Mirror it").click()
    ends_as(page, "Waiting")
    run_the_newest()
    ends_as(page, "Completed")


def test_it_works(visitor: Page, upstream: Upstream) -> None:
    """From an empty house to a served file, a change upstream, what it changed, and back to what was before."""
    page = visitor
    upstream.write("a.txt", b"one")
    upstream.write("b.txt", b"stays")
    page.goto("/")
    page.get_by_label("Upstream URL").fill(upstream.manifest_url)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#check")).to_contain_text("2 files")
    expect(page.get_by_label("Name", exact=True)).not_to_have_value("")
    page.get_by_label("Name", exact=True).fill("tools")
    page.get_by_label("Base path").fill("tools")
    page.get_by_role("button", name="Mirror it").click()
    ends_as(page, "Waiting")
    run_the_newest()
    ends_as(page, "Completed")
    assert served("tools") == {"a.txt": b"one", "b.txt": b"stays"}

    upstream.write("a.txt", b"two")
    upstream.write("c.txt", b"new")
    page.get_by_role("link", name="tools", exact=True).first.click()
    page.get_by_role("button", name="Sync", exact=True).click()
    ends_as(page, "Waiting")
    run_the_newest()
    ends_as(page, "Completed")
    assert served("tools") == {"a.txt": b"two", "b.txt": b"stays", "c.txt": b"new"}

    page.locator('#result a[href*="/compare/"]').first.click()
    expect(page.get_by_role("main")).to_contain_text("c.txt")
    expect(page.get_by_role("main")).to_contain_text("a.txt")
    expect(page.get_by_role("main")).not_to_contain_text("b.txt")
    page.go_back()
    ends_as(page, "Completed")

    page.goto(f"/distributions/{Distribution.objects.get().pk}/")
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_text("pinned", exact=True).first).to_be_visible()
    assert served("tools") == {"a.txt": b"one", "b.txt": b"stays"}


def test_a_running_job_is_canceled(visitor: Page, upstream: Upstream) -> None:
    upstream.write("a.txt", b"one")
    mirror(visitor, upstream)
    upstream.write("b.txt", b"held")
    visitor.get_by_role("link", name="tools", exact=True).first.click()
    with upstream.hold("b.txt"):
        visitor.get_by_role("button", name="Sync", exact=True).click()
        ends_as(visitor, "Waiting")
        thread = run_aside()
        ends_as(visitor, "Running")
        visitor.get_by_role("button", name="Cancel").click()
        ends_as(visitor, "Canceled")
        thread.join()
    expect(visitor.get_by_role("button", name="Run again")).to_be_visible()
    expect(visitor.locator("#log")).to_contain_text(re.compile("cancel", re.IGNORECASE))
    assert Repository.objects.get().latest_version().number == 1


def test_a_failure_is_told_and_its_files_are_tried_again(visitor: Page, upstream: Upstream) -> None:
    upstream.write("a.txt", b"one")
    mirror(visitor, upstream)
    upstream.write("b.txt", b"late")
    upstream.fail("b.txt", Status(404))
    visitor.get_by_role("link", name="tools", exact=True).first.click()
    visitor.get_by_role("button", name="Sync", exact=True).click()
    ends_as(visitor, "Waiting")
    run_the_newest()
    ends_as(visitor, "Failed")
    expect(visitor.locator("#failures")).to_contain_text("b.txt")
    upstream.heal()
    visitor.get_by_role("button", name="Retry failed files").click()
    ends_as(visitor, "Waiting")
    run_the_newest()
    ends_as(visitor, "Completed")
    assert served("tools") == {"a.txt": b"one", "b.txt": b"late"}


def test_settings_that_are_shared_are_changed_for_one(visitor: Page) -> None:
    one, other = factories.repository("one", "one"), factories.repository("other", "other")
    assert one.publish_settings_id == other.publish_settings_id
    visitor.goto(f"/publish-settings/{one.publish_settings_id}/edit/?repository={one.pk}")
    visitor.get_by_label("Manifest", exact=False).first.fill("FILES")
    visitor.get_by_label(re.compile("Only")).check()
    visitor.get_by_role("button", name="Save").click()
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("one")
    assert Repository.objects.get(name="one").publish_settings.manifest == "FILES"
    assert Repository.objects.get(name="other").publish_settings == other.publish_settings


def test_the_whole_navigation_is_there_on_a_phone(visitor: Page, upstream: Upstream) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    visitor.goto("/")
    for name in ("Repositories", "Jobs", "Distributions", "Publications", "Remotes", "Storage", "Status"):
        visitor.get_by_role("button", name="Menu").click()
        visitor.get_by_role("link", name=name, exact=True).first.click()
        expect(visitor.get_by_role("heading", level=1)).to_contain_text(name)
        assert visitor.evaluate("document.documentElement.scrollWidth") <= 390
