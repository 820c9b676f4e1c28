"""What is around every page in a real browser: places, toasts, menus, dialogs."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from repos import tokens
from repos.models import AccessToken
from tests import scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bell"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]
PHONE: ViewportSize = {"width": 390, "height": 844}


# ---- places ----


def test_the_places_stand_beside_the_page(visitor: Page) -> None:
    visitor.goto("/users/")
    places = visitor.get_by_role("navigation", name="Main")
    expect(places.get_by_role("link", name="Users")).to_have_attribute("aria-current", "page")
    expect(visitor.get_by_role("button", name="Menu")).to_be_hidden()
    places.get_by_role("link", name="Tokens").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Tokens")


@pytest.mark.parametrize("javascript", [True, False], ids=["with", "without JavaScript"])
def test_on_a_phone_they_are_behind_a_button(
    browser: Browser, live_server: LiveServer, operator: User, javascript: bool
) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=javascript, viewport=PHONE) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.goto("/users/")
        places = page.get_by_role("navigation", name="Main")
        expect(places).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        expect(places.get_by_role("link", name="Users")).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        expect(places).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("button", name="Close").click()
        expect(places).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        places.get_by_role("link", name="Tokens").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
        expect(places).to_be_hidden()


def test_who_is_signed_in_finds_themselves_and_the_way_out(visitor: Page) -> None:
    visitor.goto("/")
    visitor.get_by_role("link", name="admin", exact=True).click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("admin")
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor.get_by_role("button", name="Sign in")).to_be_visible()
    expect(visitor.get_by_role("navigation", name="Main")).to_have_count(0)


# ---- toasts ----


def test_what_was_done_is_told_and_can_be_dismissed_by_keys(visitor: Page) -> None:
    visitor.goto("/styleguide/?toast=error")
    toast = visitor.locator(".messages .notice")
    expect(visitor.get_by_role("status").filter(has_text="Job 42 was requested.")).to_be_visible()
    expect(toast).to_be_in_viewport(ratio=1)
    visitor.get_by_role("button", name="Dismiss").focus()
    visitor.keyboard.press("Enter")
    expect(toast).to_have_count(0)
    expect(visitor.locator("main")).to_be_focused()


def test_it_lies_over_nothing_that_one_would_press_next(visitor: Page) -> None:
    """The head of a page has its deeds: they are reached at once."""
    visitor.goto("/styleguide/?toast=success")
    toast = visitor.locator(".messages .notice")
    expect(toast).to_be_visible()
    head, told = visitor.locator("h1").bounding_box(), toast.bounding_box()
    assert head and told
    assert told["y"] > head["y"] + head["height"] + 200


def test_it_goes_when_it_was_read_unless_it_is_trouble_or_looked_at(
    browser: Browser, operator: User, live_server: LiveServer
) -> None:
    with browser.new_context(base_url=live_server.url) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.clock.install()
        page.goto("/styleguide/?toast=success")
        page.clock.run_for(1000)
        toast = page.locator(".messages .notice")
        toast.hover()
        page.clock.run_for(60_000)
        expect(toast).to_be_visible()
        page.mouse.move(300, 700)
        page.clock.run_for(60_000)
        expect(toast).to_have_count(0)
        page.goto("/styleguide/?toast=error")
        page.clock.run_for(600_000)
        expect(toast).to_be_visible()


def test_on_a_phone_it_covers_nothing(visitor: Page) -> None:
    visitor.set_viewport_size({"width": 390, "height": 844})
    visitor.goto("/styleguide/?toast=success")
    toast, heading = visitor.locator(".messages .notice"), visitor.get_by_role("heading", level=1)
    expect(toast).to_be_visible()
    expect(visitor.get_by_role("button", name="Dismiss")).to_be_visible()
    below, above = toast.bounding_box(), heading.bounding_box()
    assert below and above and below["y"] + below["height"] <= above["y"]


def test_without_javascript_it_is_a_plain_notice(browser: Browser, live_server: LiveServer, operator: User) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.goto("/styleguide/?toast=success")
        expect(page.get_by_role("status").filter(has_text="Job 42 was requested.")).to_be_visible()
        expect(page.get_by_role("button", name="Dismiss")).to_have_count(0)


# ---- menus ----


def test_a_menu_closes_by_escape_by_a_click_elsewhere_and_when_it_is_left(visitor: Page) -> None:
    visitor.goto("/styleguide/")
    summary, choice = visitor.locator("summary[aria-label='More']"), visitor.get_by_role("button", name="Verify")
    summary.click()
    choice.focus()
    visitor.keyboard.press("Escape")
    expect(choice).to_be_hidden()
    expect(summary).to_be_focused()
    summary.press("Enter")
    expect(choice).to_be_visible()
    visitor.get_by_role("heading", level=1).click()
    expect(choice).to_be_hidden()
    summary.click()
    visitor.get_by_role("button", name="Primary").focus()
    expect(choice).to_be_hidden()


# ---- dialogs ----


def test_a_deed_asks_in_a_dialog_and_is_done_from_there(visitor: Page) -> None:
    tokens.make("build server", everything=True)
    visitor.goto("/tokens/")
    link = visitor.get_by_role("link", name="Revoke build server")
    link.click()
    dialog = visitor.get_by_role("dialog", name="Revoke the token “build server”?")
    expect(dialog).to_contain_text("is refused from the next file on")
    visitor.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(link).to_be_focused()
    link.click()
    dialog.get_by_role("link", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert AccessToken.objects.usable().count() == 1
    assert visitor.url.endswith("/tokens/")
    link.click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(visitor.get_by_role("status").filter(has_text="was revoked")).to_be_visible()
    assert AccessToken.objects.usable().count() == 0


def test_a_dialog_that_was_asked_for_in_a_menu_gives_the_focus_back_to_it(visitor: Page) -> None:
    repository = scenes.a_repository()
    visitor.goto(f"/repositories/{repository.pk}/")
    visitor.get_by_label("More", exact=True).click()
    visitor.get_by_role("link", name="Delete it").click()
    expect(visitor.get_by_role("dialog")).to_be_visible()
    visitor.keyboard.press("Escape")
    expect(visitor.get_by_role("dialog")).to_have_count(0)
    expect(visitor.get_by_label("More", exact=True)).to_be_focused()


def test_where_no_dialog_can_be_had_the_link_leads_to_the_page(visitor: Page) -> None:
    token = tokens.make("build server", everything=True).token
    visitor.goto("/tokens/")
    visitor.route(
        f"**/tokens/{token.pk}/revoke/",
        lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_(),
    )
    visitor.get_by_role("link", name="Revoke build server").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Revoke the token “build server”?")


def test_a_dialog_says_what_a_deletion_takes(visitor: Page, operator: User) -> None:
    User.objects.create_user("ada")
    visitor.goto(f"/users/{User.objects.get(username='ada').pk}/")
    visitor.get_by_role("link", name="Delete").click()
    dialog = visitor.get_by_role("dialog", name="Delete user “ada”?")
    expect(dialog).to_contain_text("It cannot be undone.")
    dialog.get_by_role("button", name="Delete").click()
    expect(visitor.get_by_role("status").filter(has_text="The user “ada” was deleted.")).to_be_visible()
