"""The browser that tests and pictures use: Debian's Chromium, without a window."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

# Playwright's loop in this thread looks to Django as if queries were made from asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Milliseconds: a machine that has much else to do may be slow, which is no fault of a page.
expect.set_options(timeout=30_000)

CHROMIUM = "/usr/bin/chromium"
LAUNCH: dict[str, Any] = {
    "executable_path": CHROMIUM,
    "headless": True,
    "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
}


# The lowest contrast of any text on a page, and the text: as WCAG 2 counts it, large text apart.
CONTRAST = """() => {
  const numbers = (color) => {
    const found = color.match(/[\\d.]+/g).map(Number);
    return color.startsWith("color(") ? [...found.slice(0, 3).map((part) => part * 255), found[3] ?? 1] : found;
  };
  const channel = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = numbers(getComputedStyle(element).backgroundColor);
      if ((color[3] ?? 1) === 1) return color;
    }
    return [255, 255, 255];
  };
  let worst = [21, ""];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("noscript, title, .visually-hidden")) continue;
    const [one, other] = [numbers(getComputedStyle(element).color), ground(element)].map(luminance);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < worst[0]) worst = [ratio, node.data.trim()];
  }
  return worst;
}"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Takes the place of pytest-playwright's own, which would look for a browser of its own."""
    return LAUNCH


@pytest.fixture
def operator(transactional_db: None) -> User:
    return User.objects.create_superuser("admin", password="a long one")


@pytest.fixture(scope="session")
def window(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A window for all tests, with a tab that stays: to open one takes Chromium as long as to load several pages.

    Nothing moves in it: to draw that, many times a second, takes as much again.
    """
    with browser.new_context(base_url=live_server.url, reduced_motion="reduce") as made:
        made.new_page()
        yield made


@pytest.fixture
def context(window: BrowserContext, live_server: LiveServer) -> Iterator[BrowserContext]:
    """The window, in which nothing stays of what a test did there."""
    yield window
    kept, *others = window.pages
    for page in others:
        page.close()
    window.clear_cookies()
    window.clear_permissions()
    window.unroute_all()
    session = window.new_cdp_session(kept)
    session.send("Storage.clearDataForOrigin", {"origin": live_server.url, "storageTypes": "all"})
    session.detach()


@pytest.fixture
def stranger(context: BrowserContext) -> Iterator[Page]:
    """A page of nobody in particular. Whatever breaks the content policy, or our own scripts, fails the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    yield page
    assert complaints == []


@pytest.fixture
def visitor(context: BrowserContext, stranger: Page, operator: User, live_server: LiveServer) -> Page:
    """A page of somebody who is signed in."""
    sign_in(context, operator, live_server.url)
    return stranger


def sign_in(context: BrowserContext, user: User, address: str) -> None:
    client = Client()
    client.force_login(user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])


def found_too_wide(page: Page, *widths: int) -> list[str]:
    """The widths at which the page scrolls sideways."""
    return [f"{over} at {width}" for width in widths if (over := _needed(page, width)) > width]


def _needed(page: Page, width: int) -> int:
    page.set_viewport_size({"width": width, "height": 844})
    return int(page.evaluate("document.documentElement.scrollWidth"))


def found_too_faint(page: Page) -> list[str]:
    """The faintest text in each theme, where it has less contrast than WCAG 2 AA asks for."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        ratio, text = page.evaluate(CONTRAST)
        if ratio < 4.5:
            found.append(f"{text!r} has a contrast of only {ratio:.2f} ({theme})")
    return found
