"""What needs attention, in a real browser: told by itself, mended by one button."""

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from repos import chain
from repos.models import Job, Repository, Worker
from tests import scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, stranger, visitor
from tests.misbehaviour import Status
from tests.running import run, served
from tests.upstream import Upstream

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is taken for dead, however slow the machine is."""
    monkeypatch.setattr(Worker, "SILENCE", 240)


def test_a_button_mends_what_it_stands_beside(visitor: Page, repository: Repository, upstream: Upstream) -> None:
    page = visitor
    scenes.a_worker()
    upstream.write("a", b"a")
    upstream.write("b", b"b")
    upstream.fail("b", Status(404))
    run(repository)
    upstream.heal()
    page.goto("/")
    attention = page.locator("#attention")
    expect(attention.locator(".badge")).to_have_text("Failed")
    attention.get_by_role("button", name="Retry failed files").click()
    expect(page.locator("#panel .badge")).to_have_text("Waiting")
    chain.run(Job.objects.latest("pk").pk, "test")
    expect(page.locator("#panel .badge")).to_have_text("Completed")
    page.goto("/")
    expect(attention).to_contain_text("Nothing does")
    assert served("files") == upstream.files


def test_what_comes_to_need_attention_is_told_on_the_open_page(visitor: Page, repository: Repository) -> None:
    page = visitor
    scenes.a_worker()
    job = scenes.a_job_that_fetches(repository)
    page.goto("/")
    attention = page.locator("#attention")
    expect(attention).to_contain_text("Nothing does")
    ended = {"state": "failed", "error": "It failed.", "finished_at": timezone.now()}
    Job.objects.filter(pk=job.pk).update(**ended)
    expect(attention).to_contain_text("It failed.")
    expect(page.locator("#needing")).to_have_text("1")
