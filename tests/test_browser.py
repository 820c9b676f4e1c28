"""The pages in a real browser: live with htmx, whole without JavaScript."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Browser, FilePayload, Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from repos import chain
from repos.models import Job, ProgressReport, Repository
from tests import factories, scenes
from tests.browser import (
    CHROMIUM,
    browser_type_launch_args,
    context,
    found_too_faint,
    found_too_wide,
    operator,
    sign_in,
    stranger,
    visitor,
)
from tests.running import served
from tests.upstream import Upstream

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def quiet(bell: list[int]) -> list[int]:
    return bell


@pytest.fixture
def repository(transactional_db: None) -> Repository:
    return scenes.a_repository()


def fill_in(page: Page, url: str, name: str = "files", base_path: str = "files", button: str = "Mirror it") -> None:
    page.get_by_label("Upstream URL").fill(url)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Base path").fill(base_path)
    page.get_by_role("button", name=button).click()


def end(job: Job) -> None:
    now = timezone.now()
    job.reports.filter(state="running").update(state=ProgressReport.State.COMPLETED, finished_at=now)
    Job.objects.filter(pk=job.pk).update(state="completed", finished_at=now)


# ---- the whole way ----


def test_it_works(stranger: Page, operator: User, upstream: Upstream) -> None:
    """From the sign-in to files that are served, by three fields and one live page."""
    page = stranger
    upstream.write("a/b c.txt", b"hello")
    page.goto("/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("a long one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Mirror your first upstream")).to_be_visible()
    fill_in(page, upstream.manifest_url)
    expect(page.get_by_role("heading", name=re.compile(r"Job \d+ for files"))).to_be_visible()
    expect(page.locator("#panel .badge")).to_have_text("Waiting")
    page.evaluate("window.same = true")
    chain.run(Job.objects.get().pk, "test")
    expect(page.locator("#panel .badge")).to_have_text("Completed")
    expect(page.locator(".action-completed")).to_have_count(3)
    expect(page.locator("#result")).to_contain_text("version 1")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    expect(page).to_have_title(re.compile("^Completed: job"))
    assert page.evaluate("window.same"), "the page was loaded anew"


def test_it_works_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, upstream: Upstream
) -> None:
    upstream.write("a.txt", b"hello")
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.goto("/")
        fill_in(page, "ftp://example.org/")
        expect(page.get_by_text("must begin with http:// or https://")).to_be_visible()
        fill_in(page, upstream.manifest_url)
        expect(page.locator("#panel .badge")).to_have_text("Waiting")
        chain.run(Job.objects.get().pk, "test")
        # By its own refresh.
        expect(page.locator("#panel .badge")).to_have_text("Completed")
        page.get_by_role("heading", level=1).get_by_role("link", name="files", exact=True).click()
        page.get_by_role("button", name="Sync", exact=True).click()
        expect(page.locator("#panel .badge")).to_have_text("Waiting")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#panel .badge")).to_have_text("Canceled")


# ---- forms ----


def test_an_invalid_form_is_mended_in_place(visitor: Page, repository: Repository) -> None:
    visitor.goto("/repositories/new/")
    visitor.evaluate("window.same = true")
    fill_in(visitor, "https://example.org/files/", name=repository.name, button="Create and run")
    expect(visitor.get_by_text("There is already a repository called")).to_be_visible()
    expect(visitor.get_by_label("Upstream URL")).to_have_value("https://example.org/files/")
    assert visitor.evaluate("window.same"), "the page was loaded anew"
    fill_in(visitor, "https://example.org/files/", name="other", button="Create and run")
    expect(visitor).to_have_url(re.compile(r"/jobs/\d+/$"))


def test_a_refused_run_says_why_in_place(visitor: Page, repository: Repository) -> None:
    visitor.goto(f"/repositories/{repository.pk}/")
    repository.distributions.all().delete()
    visitor.get_by_role("button", name="Sync", exact=True).click()
    expect(visitor.get_by_role("alert")).to_contain_text("No distribution follows")
    expect(visitor.get_by_role("button", name="Sync", exact=True)).to_be_disabled()


def test_a_run_leads_to_its_job(visitor: Page, repository: Repository) -> None:
    visitor.goto(f"/repositories/{repository.pk}/")
    visitor.get_by_label("Ways to run it").click()
    visitor.get_by_role("button", name="Sync only").click()
    expect(visitor.get_by_text(re.compile(r"Job \d+ was requested"))).to_be_visible()
    assert Job.objects.get().actions == ["sync"]


# ---- what is live ----


def test_the_panel_moves_and_stops_by_itself(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url) if "/panel/" in request.url else None)
    visitor.goto(f"/jobs/{job.pk}/")
    expect(visitor.locator(".meters")).to_contain_text("25")
    job.reports.filter(state="running").update(done=2_406, bytes_done=9_200_000_000)
    expect(visitor.locator(".meters")).to_contain_text("50")
    end(job)
    expect(visitor.locator("#panel .badge")).to_have_text("Completed")
    asked.clear()
    visitor.wait_for_timeout(1500)
    assert asked == []


def test_a_change_of_state_is_read_aloud_once(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto(f"/jobs/{job.pk}/")
    expect(visitor.locator("#announcer")).to_be_empty()
    end(job)
    expect(visitor.locator("#announcer")).to_have_text(f"Job {job.pk} is completed")


def test_focus_stays_where_it_is_while_the_panel_moves(visitor: Page) -> None:
    found = scenes.a_busy_house()
    visitor.goto(f"/jobs/{found['waiting'].pk}/")
    link = visitor.locator(f"#waits-{found['fetching'].pk}")
    link.focus()
    with visitor.expect_response(lambda response: "/panel/" in response.url):
        pass
    visitor.wait_for_timeout(200)
    expect(link).to_be_focused()


def test_a_hidden_tab_does_not_ask(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto(f"/jobs/{job.pk}/")
    visitor.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    visitor.wait_for_timeout(300)
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    visitor.wait_for_timeout(2500)
    assert asked == []
    with visitor.expect_request("**/panel/"):
        visitor.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")


def test_a_lost_connection_is_said_and_so_is_its_return(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto(f"/jobs/{job.pk}/")
    visitor.route("**/panel/", lambda route: route.abort())
    expect(visitor.get_by_text("Connection lost")).to_be_visible()
    visitor.unroute("**/panel/")
    expect(visitor.get_by_text("Connected again")).to_be_visible()
    expect(visitor.locator("#connection")).to_be_empty()


def test_a_session_that_ended_leads_to_the_sign_in(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto(f"/jobs/{job.pk}/")
    Session.objects.all().delete()
    expect(visitor).to_have_url(re.compile(rf"/login/\?next=/jobs/{job.pk}/$"))


def test_the_overview_settles_when_a_job_ends(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto("/")
    expect(visitor.locator("#running")).to_contain_text(f"Job {job.pk}")
    expect(visitor.get_by_role("link", name="Watch")).to_be_visible()
    end(job)
    expect(visitor.locator("#running")).to_be_hidden()
    expect(visitor.get_by_role("button", name="Sync debian-tools")).to_be_visible()


def test_the_repository_settles_when_its_job_ends(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto(f"/repositories/{repository.pk}/")
    watch = visitor.get_by_role("link", name=f"Watch job {job.pk}")
    expect(watch).to_be_visible()
    scenes.a_version(repository)
    end(job)
    expect(visitor.get_by_role("button", name="Sync", exact=True)).to_be_enabled()
    expect(watch).to_be_hidden()
    expect(visitor.locator("#version-1")).to_be_visible()


def test_the_jobs_list_is_live(visitor: Page, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    visitor.goto("/jobs/")
    expect(visitor.locator("#list .badge")).to_have_text("Running")
    end(job)
    expect(visitor.locator("#list .badge")).to_have_text("Completed")


# ---- small comforts ----


def test_the_theme_is_chosen_and_remembered(visitor: Page, repository: Repository) -> None:
    visitor.goto("/")
    switch = visitor.get_by_role("group", name="Theme")
    for theme in ("light", "dark"):
        switch.get_by_role("button", name=theme).click()
        expect(visitor.locator("html")).to_have_attribute("data-theme", theme)
    visitor.goto("/jobs/")
    expect(visitor.locator("html")).to_have_attribute("data-theme", "dark")
    expect(switch.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    switch.get_by_role("button", name="System").click()
    assert visitor.locator("html").get_attribute("data-theme") is None


def test_an_address_is_copied(visitor: Page, repository: Repository, live_server: LiveServer) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.goto(f"/repositories/{repository.pk}/")
    visitor.get_by_role("button", name="Copy").first.click()
    expect(visitor.get_by_role("button", name="Copied")).to_be_visible()
    assert visitor.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/content/mirrors/debian-tools/"


def test_the_keyboard_reaches_the_content_first(visitor: Page, repository: Repository) -> None:
    visitor.goto("/jobs/")
    visitor.keyboard.press("Tab")
    expect(visitor.get_by_role("link", name="Skip to the content")).to_be_focused()
    visitor.keyboard.press("Enter")
    expect(visitor.locator("main")).to_be_focused()


def test_forms_for_files_of_every_repository_fit_and_can_be_read(visitor: Page) -> None:
    """On a phone; tests/test_browser_accessible.py looks at all other pages."""
    scenes.a_busy_house()
    visitor.set_viewport_size({"width": 390, "height": 844})
    for pk in Repository.objects.values_list("pk", flat=True):
        for way in ("", "upload/", "add/", "remove/"):
            visitor.goto(f"/repositories/{pk}/{way}")
            assert found_too_wide(visitor, 390) == [], visitor.url
            assert found_too_faint(visitor) == [], visitor.url


def test_the_longest_names_fit(visitor: Page) -> None:
    name, base_path = "n" * 200, "b" * 255
    repository = scenes.a_repository(name, url="https://example.org/" + "u" * 1900 + "/", base_path=base_path)
    scenes.a_completed_job(repository, files=10**12, size=10**17, added=10**9)
    failed = scenes.a_failed_job(repository)
    failed.failed_files.update(path="p" * 1024, url="https://example.org/" + "p" * 1024, message="m" * 300)
    Job.objects.filter(pk=failed.pk).update(error="e" * 2000)
    running = scenes.a_job_that_fetches(repository)
    for path in ("/", "/jobs/", f"/repositories/{repository.pk}/", f"/jobs/{failed.pk}/", f"/jobs/{running.pk}/"):
        visitor.goto(path)
        assert found_too_wide(visitor, 390, 800, 1000, 1440) == [], path


# ---- files changed by hand ----


def two_files(page: Page) -> None:
    files: list[FilePayload] = [
        {"name": "one & only.txt", "mimeType": "text/plain", "buffer": b"1"},
        {"name": "two.txt", "mimeType": "text/plain", "buffer": b"2"},
    ]
    page.get_by_label("Files", exact=True).set_input_files(files)


def test_uploaded_files_are_served(visitor: Page, repository: Repository) -> None:
    """Two files at once, refused once without being sent again, then one job until they are served."""
    factories.serve(repository, {"new/two.txt": b"old"})
    visitor.goto(f"/repositories/{repository.pk}/")
    visitor.get_by_label("More", exact=True).click()
    visitor.get_by_role("link", name="Upload files").click()
    visitor.evaluate("window.same = true")
    two_files(visitor)
    visitor.get_by_label("Put into").fill("../up")
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_text("has an empty part")).to_be_visible()
    # htmx gives fields their values a moment after they are there; what is typed in between would be mixed with them.
    expect(visitor.get_by_label("Put into")).to_have_value("../up")
    visitor.get_by_label("Put into").fill("new")
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_text("there already, with other bytes")).to_be_visible()
    assert visitor.evaluate("window.same"), "the page was loaded anew"
    visitor.get_by_role("button", name="Replace 1").click()
    expect(visitor.locator("#panel .badge")).to_have_text("Waiting")
    chain.run(Job.objects.get().pk, "test")
    expect(visitor.locator("#panel .badge")).to_have_text("Completed")
    assert served("mirrors/debian-tools") == {"new/one & only.txt": b"1", "new/two.txt": b"2"}


def test_files_are_chosen_from_the_list_and_removed(visitor: Page, repository: Repository) -> None:
    factories.serve(repository, {"a": b"1", "b": b"2", "c": b"3"})
    visitor.goto(f"/repositories/{repository.pk}/files/")
    visitor.get_by_label("Choose a").check()
    visitor.get_by_label("Choose c").check()
    visitor.get_by_role("button", name="Remove the chosen").click()
    expect(visitor.get_by_label("Paths of the files to remove")).to_have_value("a\nc")
    visitor.get_by_role("button", name="Remove").click()
    expect(visitor.locator("#panel .badge")).to_have_text("Waiting")
    chain.run(Job.objects.get().pk, "test")
    assert served("mirrors/debian-tools") == {"b": b"2"}


def test_files_are_uploaded_without_javascript(
    browser: Browser, live_server: LiveServer, operator: User, repository: Repository
) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        sign_in(context, operator, live_server.url)
        page = context.new_page()
        page.goto(f"/repositories/{repository.pk}/upload/")
        two_files(page)
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("#panel .badge")).to_have_text("Waiting")
    chain.run(Job.objects.get().pk, "test")
    assert served("mirrors/debian-tools") == {"one & only.txt": b"1", "two.txt": b"2"}


def test_an_upload_that_is_too_long_is_not_begun(visitor: Page, repository: Repository, settings: Settings) -> None:
    settings.MILLRACE_MAX_UPLOAD_BYTES = 4000.0
    visitor.goto(f"/repositories/{repository.pk}/upload/")
    two_files(visitor)
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_text("An upload may have 4.0 kB at most")).to_be_visible()
    assert not Job.objects.exists()


def test_an_upload_that_the_web_server_refuses_says_why(visitor: Page, repository: Repository) -> None:
    visitor.goto(f"/repositories/{repository.pk}/upload/")
    visitor.route("**/upload/", lambda route: route.fulfill(status=413, body="Request Entity Too Large"))
    two_files(visitor)
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_text("at most. Send the files in several.")).to_be_visible()
    expect(visitor.get_by_label("Put into")).to_be_visible()


def test_an_upload_shows_how_far_it_is(visitor: Page, repository: Repository) -> None:
    visitor.goto(f"/repositories/{repository.pk}/upload/")
    held: list[Route] = []
    visitor.route("**/upload/", lambda route: held.append(route))
    two_files(visitor)
    visitor.get_by_role("button", name="Upload").click()
    expect(visitor.get_by_text("Uploading…")).to_be_visible()
    expect(visitor.get_by_label("Upload", exact=True)).to_have_attribute("value", "0")
    expect(visitor.get_by_role("button", name="Upload")).to_be_disabled()
    held[0].continue_()
    expect(visitor).to_have_url(re.compile(r"/jobs/\d+/$"))
