"""The browser that tests and pictures use: Debian's Chromium, without a window."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

# Playwright's loop in this thread looks to Django as if queries were made from asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = "/usr/bin/chromium"
LAUNCH: dict[str, Any] = {
    "executable_path": CHROMIUM,
    "headless": True,
    "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Takes the place of pytest-playwright's own, which would look for a browser of its own."""
    return LAUNCH


@pytest.fixture
def operator(transactional_db: None) -> User:
    return User.objects.create_superuser("admin", password="a long one")


@pytest.fixture
def context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=live_server.url) as made:
        yield made


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
