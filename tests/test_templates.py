"""The pages' frame, the pages that say what went wrong, and what all pages load."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.views import defaults

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))


def test_the_page_of_an_error_needs_no_database() -> None:
    # pytest-django refuses every query of a test that did not ask for a database.
    response = defaults.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


def test_what_is_not_allowed_looks_like_the_rest(rf: RequestFactory) -> None:
    response = defaults.permission_denied(rf.get("/"), PermissionError())
    assert (response.status_code, "Not allowed" in response.content.decode()) == (403, True)


def test_a_form_that_expired_says_so(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "ada"})
    assert (response.status_code, "The form has expired" in response.content.decode()) == (403, True)


def test_an_unknown_address_says_so_to_strangers_too(db: None, client: Client) -> None:
    response = client.get("/nowhere/")
    assert (response.status_code, "Not found" in response.content.decode()) == (404, True)


def test_styles_are_small() -> None:
    assert sum(path.stat().st_size for path in STYLES) < 60_000


@pytest.mark.parametrize("path", [*TEMPLATES, *STYLES], ids=lambda path: path.name)
def test_nothing_is_inline_or_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|hx-on|<script>|hx-vals=.js:|hx-trigger=[^>]*\[", text)
    assert not re.search(r"(?:src|href)=[\"']https?:|url\((?!\"data:)|@import", text)
