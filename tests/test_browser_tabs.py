"""Tabs of a repository that are open while its jobs end: they come up to date, and what a person does there stays."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from repos.models import Repository
from tests import factories, scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, stranger, visitor

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
    """With four versions: 0, and three that were published and served."""
    made = scenes.a_repository()
    for number in "123":
        factories.serve(made, {"a.txt": number.encode(), "deep/b.txt": number.encode()})
    scenes.an_unchanged_job(made)
    return made


def opened(visitor: Page, repository: Repository, tab: str) -> Locator:
    """The body of this tab, with a mark by which it is known not to be drawn as a whole."""
    visitor.goto(f"/repositories/{repository.pk}/{tab}")
    visitor.evaluate("document.body.marked = true")
    return visitor.locator("#main")


def a_job_ends(visitor: Page, repository: Repository) -> None:
    """With version 4, which is served now; and the page looks for news."""
    factories.serve(repository, {"deep/c.txt": b"4"})
    scenes.an_unchanged_job(repository)
    visitor.evaluate("htmx.trigger('#status', 'refresh')")


def is_the_same_page(visitor: Page) -> bool:
    return bool(visitor.evaluate("document.body.marked === true"))


def test_it_works(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "versions/")
    expect(body.locator("#list tbody tr")).to_have_count(3)
    visitor.evaluate("window.row = document.getElementById('version-3')")
    a_job_ends(visitor, repository)
    expect(body.locator("#list tbody tr").first).to_have_id("version-4")
    expect(body.locator("#pictured")).to_contain_text("4")
    assert visitor.evaluate("window.row.isConnected") and is_the_same_page(visitor)


def test_the_versions_that_were_chosen_stay_chosen(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "versions/")
    for choice in ("From version 1", "To version 2"):
        body.get_by_label(choice).check()
    a_job_ends(visitor, repository)
    expect(body.locator("#version-4")).to_be_visible()
    for choice in ("From version 1", "To version 2"):
        expect(body.get_by_label(choice)).to_be_checked()


def test_who_chose_nothing_is_offered_the_two_newest(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "versions/")
    a_job_ends(visitor, repository)
    for choice in ("From version 3", "To version 4"):
        expect(body.get_by_label(choice)).to_be_checked()


def test_a_menu_stays_open_and_a_page_of_the_list_that_page(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, f"versions/?sort=number&after={repository.versions.get(number=1).pk}")
    body.get_by_label("More about version 2").click()
    a_job_ends(visitor, repository)
    expect(body.locator("#version-4")).to_be_visible()
    expect(body.locator("#version-1")).to_have_count(0)
    expect(body.get_by_role("link", name="Publish", exact=True)).to_be_visible()


def test_files_tell_of_a_newer_version_and_stay_as_they_are(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "files/?folder=deep/")
    body.get_by_label("Choose deep/b.txt").check()
    a_job_ends(visitor, repository)
    expect(body.locator("#newer")).to_have_text("Version 4 is there now. Show it")
    expect(body.get_by_label("Choose deep/b.txt")).to_be_checked()
    expect(body.get_by_text("c.txt")).to_have_count(0)
    assert is_the_same_page(visitor)
    body.get_by_role("link", name="Show it").click()
    expect(body.get_by_text("c.txt")).to_be_visible()
    expect(visitor).to_have_url(f"/repositories/{repository.pk}/files/?folder=deep/")
    expect(body.locator("#newer")).to_be_empty()


def test_the_files_of_an_old_version_are_left_alone(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "versions/2/files/")
    a_job_ends(visitor, repository)
    expect(visitor.locator("#tabs")).to_contain_text("Versions 4")
    expect(body.get_by_text("is there now")).to_have_count(0)


def test_a_comparison_with_the_newest_tells_of_a_newer_one(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "compare/?from=1&to=3&kind=changed")
    a_job_ends(visitor, repository)
    expect(body.locator("#newer")).to_have_text("Version 4 is there now. Show it")
    expect(body.get_by_label("To", exact=True)).to_have_value("3")
    body.get_by_role("link", name="Show it").click()
    expect(body.get_by_label("To", exact=True)).to_have_value("4")
    expect(visitor).to_have_url(f"/repositories/{repository.pk}/compare/?kind=changed")


def test_the_page_of_a_version_learns_that_there_is_a_newer_one(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "versions/3/")
    expect(body.get_by_role("button", name="Restore")).to_be_disabled()
    body.get_by_role("combobox").focus()
    a_job_ends(visitor, repository)
    expect(body.locator("#of-version")).to_contain_text("newest is 4")
    expect(body.get_by_role("button", name="Restore")).to_be_enabled()
    expect(body.locator("#published")).to_contain_text("nowhere now")
    expect(body.get_by_role("combobox")).to_be_focused()


@pytest.mark.parametrize(
    ("tab", "row", "told"),
    [
        ("publications/", "#list tbody tr:first-child", "version 4"),
        ("distributions/", "#list article", "version 4"),
        ("jobs/", "#list tbody tr:nth-child(2)", ""),
    ],
)
def test_the_other_lists_come_up_to_date(visitor: Page, repository: Repository, tab: str, row: str, told: str) -> None:
    body = opened(visitor, repository, tab)
    a_job_ends(visitor, repository)
    expect(body.locator(row)).to_contain_text(told)
    assert is_the_same_page(visitor)


def test_news_that_got_lost_is_asked_for_again(visitor: Page, repository: Repository) -> None:
    body = opened(visitor, repository, "versions/")
    visitor.route("**/versions/", lambda route: route.abort())
    with visitor.expect_event("requestfailed"):
        a_job_ends(visitor, repository)
    visitor.unroute("**/versions/")
    visitor.evaluate("htmx.trigger('#status', 'refresh')")
    expect(body.locator("#version-4")).to_be_visible()
    expect(visitor.locator("#connection")).not_to_contain_text("lost")
