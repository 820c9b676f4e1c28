"""Everybody can use every page: axe-core finds nothing in either theme, nothing scrolls sideways, keys reach all."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import (
    CHROMIUM,
    browser_type_launch_args,
    context,
    found_too_faint,
    found_too_wide,
    operator,
    stranger,
    visitor,
)
from tests.pages import pages

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bell"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]

# The package is there for this file alone: https://github.com/dequelabs/axe-core, as its makers built it.
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
LOOK = "(options) => axe.run(document, options).then((found) => found.violations)"
# So that the pages are looked at side by side.
PARTS = 4
DESK: ViewportSize = {"width": 1280, "height": 720}
WIDTHS = [1440, 1200, 1000, 800, 390]


def found_by_axe(page: Page, *rules: str) -> list[str]:
    """What axe-core has to say against the page as it is, a line for each element; of all its rules, or of `rules`."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": rules} if rules else {})
    violations: list[dict[str, Any]] = page.evaluate(LOOK, options)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary'].splitlines()[-1].strip()}"
        for violation in violations
        for node in violation["nodes"]
    ]


def found_in_both_themes(page: Page) -> dict[str, list[str]]:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    light = found_by_axe(page)
    page.emulate_media(color_scheme="dark")
    return {
        theme: found for theme, found in (("light", light), ("dark", found_by_axe(page, "color-contrast"))) if found
    }


def part(number: int) -> dict[str, str]:
    return dict(list(pages().items())[number::PARTS])


@pytest.mark.parametrize("number", range(PARTS))
def test_every_page_can_be_used_by_all(visitor: Page, number: int) -> None:
    """Axe-core finds nothing, no page scrolls sideways, and all text can be read on a phone, too."""
    complaints = {}
    for name, path in part(number).items():
        visitor.set_viewport_size(DESK)
        visitor.goto(path)
        found = found_in_both_themes(visitor)
        found |= {"too wide": found_too_wide(visitor, *WIDTHS), "too faint": found_too_faint(visitor)}
        if any(found.values()):
            complaints[f"{name} {path}"] = found
    assert not complaints, json.dumps(complaints, indent=1)


def test_strangers_find_nothing_in_their_way_either(stranger: Page) -> None:
    for path in ("/login/?next=/jobs/", "/nowhere/"):
        stranger.goto(path)
        assert found_in_both_themes(stranger) == {}, path


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "405", "429", "500", "503"])
def test_the_pages_of_errors_can_be_used_by_all(stranger: Page, name: str) -> None:
    text = render_to_string(f"{name}.html", {"why": "The database is away.", "minutes": 3})
    stranger.route("**/broken/", lambda route: route.fulfill(body=text, content_type="text/html"))
    stranger.goto("/broken/")
    assert found_in_both_themes(stranger) == {}


def test_a_form_that_was_refused_can_be_used_by_all(stranger: Page, operator: User) -> None:
    stranger.goto("/login/")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.locator(".error").first).to_be_visible()
    assert found_in_both_themes(stranger) == {}


@pytest.mark.parametrize("width", [390, 1440])
def test_the_open_navigation_can_be_used_by_all(visitor: Page, width: int) -> None:
    visitor.set_viewport_size({"width": width, "height": 844})
    visitor.goto("/styleguide/?toast=error")
    if width == 390:
        visitor.get_by_role("button", name="Menu").click()
        expect(visitor.get_by_role("navigation", name="Main")).to_be_visible()
    else:
        visitor.locator("summary[aria-label='Other runs']").click()
    assert found_in_both_themes(visitor) == {}


def test_keys_reach_everything_that_can_be_pressed(visitor: Page) -> None:
    """And what has the focus can be seen: each stop is in view, with a ring around it."""
    visitor.goto("/styleguide/")
    stops = visitor.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
            .filter((one) => one.checkVisibility() && !one.disabled && !one.closest("[popover]:not(.drawer)")).length"""
    )
    seen = set()
    for _ in range(stops * 2):
        visitor.keyboard.press("Tab")
        stop = visitor.evaluate(
            """() => {
              const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
              if (one === document.body) return null;
              const shown = box.bottom > 0 && box.top < innerHeight;
              return [one.outerHTML.slice(0, 120) + Math.round(box.left) + Math.round(box.top + scrollY), shown,
                      style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1];
            }"""
        )
        if stop is None:
            break
        name, shown, ringed = stop
        assert shown and ringed, name
        seen.add(name)
    # Of radio buttons, one is a stop.
    assert stops - 3 <= len(seen) <= stops
