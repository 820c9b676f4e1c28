"""Making a repository in a real browser: the check, what it proposes, and how soon files are served."""

import re
import time
from pathlib import Path

import pytest
import requests
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from repos import chain
from repos.models import Job
from tests import factories, scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor
from tests.running import PATIENCE
from tests.serving import PASSWORD, Millrace
from tests.upstream import Upstream

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]
# Seconds from the first page to the first file; and what a loaded machine is given besides.
SOON, LOADED = 30, 30


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    for number in range(20):
        upstream.write(f"guides/{number}.txt", b"guide %d" % number)
    upstream.write("guides/PULP_MANIFEST", upstream.manifest.replace(b"guides/", b""))
    return upstream


@pytest.fixture
def quiet(bell: list[int]) -> list[int]:
    return bell


def test_from_the_first_page_to_the_first_file(browser: Browser, millrace: Millrace, stocked: Upstream) -> None:
    """In under half a minute, by one address: all else is proposed."""
    millrace.start()
    with browser.new_context(base_url=millrace.address) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto("/login/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        began = time.monotonic()
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Upstream URL").fill(f"{stocked.url}guides/")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("The list has 20 files")).to_be_visible()
        expect(page.get_by_label("Name", exact=True)).to_have_value("guides")
        expect(page.get_by_label("Base path")).to_have_value("guides")
        page.get_by_role("button", name="Mirror it").click()
        expect(page.locator("#result")).to_contain_text("version 1")
        page.locator("#result").get_by_role("link", name="/content/guides/").click()
        expect(page.get_by_role("link", name="0.txt", exact=True)).to_be_visible()
        assert requests.get(f"{millrace.address}/content/guides/7.txt", timeout=PATIENCE).content == b"guide 7"
        assert time.monotonic() - began < SOON + LOADED


@pytest.mark.django_db(transaction=True)
def test_what_one_has_typed_is_not_proposed_over(visitor: Page, quiet: list[int], stocked: Upstream) -> None:
    visitor.goto("/repositories/new/")
    visitor.get_by_label("Base path").fill("mine")
    visitor.get_by_label("Upstream URL").fill(f"{stocked.url}guides/")
    visitor.get_by_role("button", name="Check").click()
    expect(visitor.get_by_label("Name", exact=True)).to_have_value("guides")
    expect(visitor.get_by_label("Base path")).to_have_value("mine")
    # What comes while the upstream is asked stays, too.
    gate = stocked.hold("guides/PULP_MANIFEST")
    visitor.get_by_role("button", name="Check").click()
    assert gate.reached.wait(PATIENCE)
    visitor.get_by_label("Name", exact=True).fill("typed meanwhile")
    gate.release()
    expect(visitor.get_by_role("button", name="Check")).to_be_enabled()
    expect(visitor.get_by_label("Name", exact=True)).to_have_value("typed meanwhile")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["/repositories/new/", "/"])
def test_what_was_found_goes_with_its_address(visitor: Page, quiet: list[int], stocked: Upstream, page: str) -> None:
    visitor.goto(page)
    visitor.get_by_label("Upstream URL").fill(f"{stocked.url}nowhere/")
    visitor.get_by_role("button", name="Check").click()
    expect(visitor.locator("#check .notice-danger")).to_be_visible()
    visitor.get_by_label("Upstream URL").fill(f"{stocked.url}guides/")
    expect(visitor.locator("#check")).to_be_empty()
    # Nor does the answer come that is on its way.
    gate = stocked.hold("guides/PULP_MANIFEST")
    visitor.get_by_role("button", name="Check").click()
    assert gate.reached.wait(PATIENCE)
    visitor.get_by_label("Upstream URL").fill(f"{stocked.url}other/")
    gate.release()
    expect(visitor.get_by_role("button", name="Check")).to_be_enabled()
    expect(visitor.locator("#check")).to_be_empty()


@pytest.mark.django_db(transaction=True)
def test_it_works_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, quiet: list[int], stocked: Upstream
) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.goto("/repositories/new/")
        page.get_by_label("Upstream URL").fill(f"{stocked.url}guides/")
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("The list has 20 files")).to_be_visible()
        expect(page.get_by_label("Name", exact=True)).to_have_value("guides")
        page.get_by_role("button", name="Create and run").click()
        expect(page).to_have_url(re.compile(r"/jobs/\d+/$"))


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_is_looked_at_then_run_for_real(visitor: Page, quiet: list[int], stocked: Upstream) -> None:
    repository = scenes.a_repository(url=f"{stocked.url}guides/", base_path="guides")
    visitor.goto(f"/repositories/{repository.pk}/")
    visitor.get_by_label("Ways to run it").click()
    visitor.get_by_role("button", name="Dry run").click()
    expect(visitor).to_have_url(re.compile(r"/jobs/\d+/$"))
    chain.run(Job.objects.get().pk, "test")
    visitor.get_by_role("link", name="See every file").click()
    visitor.get_by_label("Search files").fill("17")
    expect(visitor.locator("#list tbody tr")).to_have_count(1)
    expect(visitor).to_have_url(re.compile("q=17"))
    visitor.get_by_role("button", name="Run it for real").click()
    expect(visitor).to_have_url(re.compile(r"/jobs/\d+/$"))
    assert Job.objects.filter(dry_run=False).get().actions == ["sync", "publish", "distribute"]
    assert repository.latest_version().number == 0


@pytest.mark.django_db(transaction=True)
def test_two_versions_are_compared(visitor: Page, quiet: list[int]) -> None:
    repository = factories.repository()
    for number in range(3):
        factories.version(repository, {f"{number}.txt": b"1", "same.txt": b"%d" % number})
    visitor.goto(f"/repositories/{repository.pk}/")
    visitor.get_by_role("link", name="Compare", exact=True).click()
    expect(visitor.locator("#list tbody tr")).to_have_count(2)
    visitor.get_by_label("From").select_option("0")
    visitor.get_by_role("button", name="Compare").click()
    expect(visitor.locator("#list tbody tr")).to_have_count(4)
    visitor.get_by_role("link", name="Swap the two").click()
    expect(visitor.get_by_label("From")).to_have_value("3")
    visitor.get_by_role("link", name="Removed 4").click()
    expect(visitor).to_have_url(re.compile("kind=removed"))
    visitor.go_back()
    expect(visitor.get_by_label("From")).to_have_value("3")
