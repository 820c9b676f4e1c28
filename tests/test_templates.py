"""The pages' frame, the pages that say what went wrong, and what all pages load."""

import gc
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines
from django.test import Client, RequestFactory
from django.views import defaults

from dashboard import places
from dashboard.management.commands.serve import read_the_templates
from dashboard.templatetags import display
from dashboard.views import styleguide

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
    """All of them together, that of the listings that are served among them."""
    assert sum(path.stat().st_size for path in STYLES) < 60_000


def test_no_style_is_for_nothing() -> None:
    """Each class that a style names is written in a page or a script, or begins as one that is put together there."""
    sources = [*TEMPLATES, *(ROOT / "dashboard").rglob("*.py"), *(ROOT / "static" / "js").glob("*.js")]
    written = set(re.findall(r"[\w-]+", "\n".join(path.read_text() for path in sources)))
    made = ("htmx-", *re.findall(r"([a-z]+-)\{", "\n".join(path.read_text() for path in sources)))
    for path in STYLES:
        rules = re.sub(r"/\*.*?\*/|url\(.*?\)", "", path.read_text(), flags=re.DOTALL)
        for selector in re.findall(r"([^{}]+)\{", rules):
            for name in re.findall(r"\.([a-z][\w-]*)", selector):
                assert name in written or name.startswith(made), f"{path.name}: .{name}"


def test_every_icon_is_in_the_style_guide(admin_client: Client) -> None:
    """So that one icon means one thing."""
    written = "\n".join(path.read_text() for path in TEMPLATES)
    shown = admin_client.get("/styleguide/").content.decode()
    named = set(re.findall(r'% icon "([a-z0-9-]+)"|sign="([a-z0-9-]+)"', written))
    known = {place.icon for place in places.places()} | set(styleguide.ICONS) | set(display.STATE_ICONS.values())
    assert {one or other for one, other in named} <= known
    assert all(f"<code>{name}</code>" in shown for name in styleguide.ICONS)


@pytest.mark.parametrize("path", [*TEMPLATES, *STYLES], ids=lambda path: path.name)
def test_nothing_is_inline_or_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|hx-on|<script>|hx-vals=.js:|hx-trigger=[^>]*\[", text)
    assert not re.search(r"(?:src|href)=[\"']https?:|url\((?!\"data:)|@import", text)


def test_a_server_has_read_every_template_before_it_is_asked_for() -> None:
    read_the_templates()
    gc.unfreeze()
    [loader] = engines["django"].engine.template_loaders  # type: ignore[attr-defined]
    folder = ROOT / "templates"
    assert {str(file.relative_to(folder)) for file in TEMPLATES} <= set(loader.get_template_cache)
