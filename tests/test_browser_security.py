"""In a real browser: what is mirrored runs nothing, and what people write is text."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.fixtures import Settings

from tests import factories, hostile
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, sign_in, stranger, visitor
from tests.content_server import Server
from tests.test_urls import PAGES

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]

SCRIPT = """
document.title = "it ran"; alert(document.cookie); fetch("/users/", {credentials: "include"});
new Image().src = "/jobs/?" + document.cookie; window.open("/remotes/"); top.location = "/password/";
"""
HTML = f"""<!doctype html><title>mirrored</title><meta http-equiv="refresh" content="0;url=/jobs/">
<base href="/distributions/"><script>{SCRIPT}</script><script src="/static/js/theme.js"></script>
<img src="x" onerror='{SCRIPT}'><iframe src="/users/"></iframe><iframe srcdoc="<script>{SCRIPT}</script>"></iframe>
<object data="/users/"></object><embed src="/users/">
<form id="f" method="post" action="/logout/"><button id="b">x</button></form><a id="a" href="javascript:alert(1)">x</a>
<h1>It is shown</h1>"""
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" onload='{SCRIPT}'><title>mirrored</title><script>{SCRIPT}</script>
<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="/users/"/></foreignObject></svg>"""

ASKED: list[str] = []


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """Everything at one address, as it is in real life; the paths that it is asked for are in ASKED."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    from dashboard import wsgi

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        ASKED.append(environ["PATH_INFO"])
        return wsgi.application(environ, start_response)

    ASKED.clear()
    with Server(application) as made:
        yield made


@pytest.fixture
def inside(browser: Browser, server: Server, operator: User) -> Iterator[BrowserContext]:
    """A browser in which an administrator is signed in at the very address that serves the files."""
    with browser.new_context(base_url=server.url) as made:
        sign_in(made, operator, server.url)
        yield made


def test_mirrored_markup_runs_nothing(inside: BrowserContext, server: Server) -> None:
    files = {"evil.html": HTML, "evil.svg": SVG, "evil.js": SCRIPT}
    factories.serve(factories.repository(), {name: text.encode() for name, text in files.items()})
    for name in files:
        page = inside.new_page()
        page.on("dialog", lambda dialog: pytest.fail(f"it said {dialog.message}"))
        page.goto(f"/content/files/{name}", wait_until="load")
        assert page.title() != "it ran", name
        if name == "evil.html":
            assert page.locator("h1").inner_text() == "It is shown"
            page.locator("#b").click()
            page.locator("#a").click()
        page.wait_for_timeout(50)
        # Images among the files themselves may be asked for: nobody learns anything of that. Pages are not.
        assert [path for path in ASKED if not path.startswith(("/content/files/", "/favicon"))] == [], name
        assert page.url == f"{server.url}/content/files/{name}"
        assert inside.pages == [page], "no window was opened"
        page.close()
    page = inside.new_page()
    assert page.goto("/users/")
    assert page.url.endswith("/users/"), "the administrator is still signed in"


def test_names_in_listings_are_text(inside: BrowserContext) -> None:
    name = '"><img src=x onerror=alert(1)>'
    factories.serve(factories.repository(), {f"{name}/{name}.txt": b"1", "javascript:alert(1)": b"2"})
    page = inside.new_page()
    page.on("dialog", lambda dialog: pytest.fail(f"it said {dialog.message}"))
    page.goto("/content/files/")
    page.get_by_text("javascript:alert(1)").click()
    page.goto("/content/files/")
    page.get_by_text(re.compile("onerror")).first.click()
    page.get_by_text(re.compile(r"onerror=alert\(1\)>\.txt")).click()
    page.goto(f"/content/files/{name}")
    page.goto("/content/<script>alert(1)</script>")


def test_what_people_write_is_text(visitor: Page) -> None:
    """The fixture fails the test where something would have run against the content policy."""
    visitor.on("dialog", lambda dialog: pytest.fail(f"it said {dialog.message}"))
    found = hostile.a_house()
    for name, needs, verbs, _ in PAGES:
        if "GET" in verbs and needs in found:
            visitor.goto(reverse(name, args=found[needs]))
