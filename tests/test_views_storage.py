"""Storage: where the bytes are, what a clean-up would free, and asking for one."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from dashboard.views import storage
from repos import chain, clock, deletion, jobs
from repos.actions import CLEAN, VERIFY
from repos.models import Artifact, Damage, Job, Repository, StorageDay
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def repository(db: None) -> Repository:
    """Versions 1 to 3, of which 3 is served."""
    made = factories.repository()
    factories.version(made, {"a": b"1" * 1000, "b": b"2" * 2000})
    factories.version(made, {"a": b"3" * 4000})
    factories.serve(made, {"b": None}, days_ago=30)
    return made


def page(client: Client, path: str = "/storage/?counted") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def test_it_works(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client)
    for shown in (
        ">files</a>",
        "7.1 kB",
        "What a clean-up would free",
        "nothing: every file is needed",
        "storing each",
    ):
        assert shown in text


def test_the_page_comes_at_once_and_what_is_counted_comes_after_it(
    admin_client: Client, repository: Repository
) -> None:
    text = page(admin_client, "/storage/")
    for fragment in ("sizes", "plan"):
        assert f'hx-get="/storage/{fragment}/" hx-trigger="load"' in text
        loaded = page(admin_client, f"/storage/{fragment}/")
        assert "hx-get" not in loaded
        assert f'id="{fragment}"' in loaded
        assert loaded[:40] in page(admin_client)
    # Without JavaScript, a link.
    assert 'href="/storage/?counted"' in text


def test_an_empty_installation_has_a_page_too(admin_client: Client) -> None:
    assert "0 B" in page(admin_client)


def test_what_would_go_is_said_with_why(admin_client: Client, repository: Repository) -> None:
    Repository.objects.update(keep_versions=1)
    distribution = repository.distributions.create(base_path="old")
    factories.switch(distribution, factories.publication(repository.versions.get(number=2)))
    text = page(admin_client)
    assert 'files version 1</a> <span class="muted">older than the newest</span>' in text
    assert 'files version 2</a> <span class="muted">served at “old”</span>' in text


def test_what_is_young_is_said_to_be_spared(admin_client: Client, repository: Repository) -> None:
    deletion.delete_version(repository.versions.get(number=1))
    text = page(admin_client)
    assert "nothing: every file is needed, or spared for now" in text
    assert "1.0 kB</span> in 1 file" in text
    assert "less than 24 hours ago" in text
    then = timezone.now() - timedelta(days=2)
    Artifact.objects.update(created_at=then, wanted_at=then)


def test_what_was_counted_is_shown_again_until_a_job_has_ended(admin_client: Client, repository: Repository) -> None:
    page(admin_client)
    with CaptureQueriesContext(connection) as again:
        page(admin_client, "/storage/sizes/")
    assert len([one for one in again if "repos_content" in one["sql"]]) == 0
    factories.version(repository, {"new": b"4" * 90_000})
    assert "90.0 kB" not in page(admin_client)
    scenes.an_ended_job(repository, "completed", ago=60, took=60)
    assert "90.0 kB" in page(admin_client) or "97.1 kB" in page(admin_client)


def test_more_repositories_need_no_more_queries(admin_client: Client, repository: Repository) -> None:
    def queries() -> int:
        # What was remembered may be remembered still.
        scenes.an_ended_job(repository, "completed", ago=60, took=Job.objects.count())
        with CaptureQueriesContext(connection) as counted:
            page(admin_client)
        return len(counted)

    Repository.objects.update(keep_versions=1)
    before = queries()
    for number in range(4):
        factories.serve(factories.repository(f"r{number}", f"r{number}"), {"a": b"%d" % number})
    Repository.objects.update(keep_versions=1)
    assert queries() <= before


def test_a_clean_up_is_asked_for(admin_client: Client, repository: Repository, bell: list[int]) -> None:
    response = admin_client.post("/storage/clean/")
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/jobs/{job.pk}/")
    assert (job.request, job.requested_by) == ("clean", User.objects.get())
    # Once more joins it.
    assert admin_client.post("/storage/clean/")["Location"] == f"/jobs/{job.pk}/"
    text = page(admin_client)
    assert f'href="/jobs/{job.pk}/">Job {job.pk}</a>' in text
    assert "all that is stored" in text


@pytest.mark.django_db(transaction=True)
def test_the_jobs_page_tells_what_it_came_to(admin_client: Client, repository: Repository) -> None:
    job = jobs.request(None, actions=CLEAN).job
    chain.run(job.pk, "test")
    text = page(admin_client, f"/jobs/{job.pk}/")
    assert "No file was unneeded." in text
    assert f"/jobs/{job.pk}/" in page(admin_client, "/storage/")


def test_the_quarantine_is_shown_and_emptied(admin_client: Client, repository: Repository, data: Path) -> None:
    assert "Quarantine</h2>" not in page(admin_client)
    (data / "quarantine").mkdir()
    (data / "quarantine" / "some").write_bytes(b"wrong")
    damage = Damage.objects.create(artifact=Artifact.objects.all()[0], cause="digest", why="x", quarantined=True)
    assert "1 damaged file (5 B)" in page(admin_client)
    response = admin_client.post("/storage/quarantine/", follow=True)
    assert "1 file (5 B) removed from the quarantine." in response.content.decode()
    damage.refresh_from_db()
    assert not damage.quarantined
    assert list((data / "quarantine").iterdir()) == []


def test_the_versions_of_one_repository(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client, f"/storage/{repository.pk}/")
    assert "It keeps all versions." in text
    # What takes long to count comes after the page.
    assert f'hx-get="/storage/{repository.pk}/versions/" hx-trigger="load"' in text
    assert "1,000 bytes in 1 file" in page(admin_client, f"/storage/{repository.pk}/versions/")
    assert "1,000 bytes in 1 file" in page(admin_client, f"/storage/{repository.pk}/?counted")
    Repository.objects.update(keep_versions=1, keep_days=30)
    repository.versions.filter(number=1).update(created_at=timezone.now() - timedelta(days=31))
    text = page(admin_client, f"/storage/{repository.pk}/?counted")
    assert "It keeps the newest version, and all of the last 30 days; 1 version may go." in text
    assert "older than the newest and older than 30 days" in text
    assert "younger than 30 days" in text


def test_the_repositorys_own_page_says_what_becomes_of_its_versions(
    admin_client: Client, repository: Repository
) -> None:
    assert "Retention</th>" not in page(admin_client, f"/repositories/{repository.pk}/versions/")
    Repository.objects.update(keep_versions=1)
    text = page(admin_client, f"/repositories/{repository.pk}/versions/")
    assert "Retention</th>" in text
    assert "older than the newest" in text
    assert "older than the newest" in page(admin_client, f"/repositories/{repository.pk}/versions/1/")
    assert "the newest" in page(admin_client, f"/repositories/{repository.pk}/versions/3/")


def test_while_the_clock_is_in_doubt_it_says_so(
    admin_client: Client, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_AT_START", clock._AT_START - 3600)
    assert "The clock of this machine was set forward" in page(admin_client, "/storage/plan/")


def test_a_viewer_looks_and_changes_nothing(client: Client, repository: Repository) -> None:
    client.force_login(User.objects.create_user("viewer"))
    assert "Clean up now" not in page(client)
    for deed in ("clean", "quarantine"):
        assert client.post(f"/storage/{deed}/").status_code == 403
    assert not Job.objects.exists()


def test_how_often_it_cleans_up_by_itself_is_said(admin_client: Client, settings: Settings) -> None:
    assert "cleaned up every 24 hours" in page(admin_client)
    settings.MILLRACE_CLEAN_HOURS = 0
    assert "stays until somebody cleans up" in page(admin_client)


def test_where_a_version_went_its_links_say_deleted(admin_client: Client, repository: Repository) -> None:
    distribution = repository.distributions.get()
    job = scenes.an_ended_job(repository, "completed", ago=60)
    factories.switch(distribution, factories.publication(repository.versions.get(number=2)), days_ago=9)
    distribution.history.filter(later__version__number=2).update(job=job)
    factories.switch(distribution, repository.versions.get(number=3).publications.get(), days_ago=8)
    deletion.delete_version(repository.versions.get(number=2))
    assert page(admin_client, f"/distributions/{distribution.pk}/").count('<span class="muted">deleted</span>') == 2
    text = page(admin_client, f"/jobs/{job.pk}/")
    assert "from version 3 to a version that was deleted since" in text
    assert page(admin_client, f"/repositories/{repository.pk}/")
    assert admin_client.get(f"/repositories/{repository.pk}/versions/2/").status_code == 404


# ---- pictures, and what runs ----


def test_where_the_bytes_are_is_a_picture_too(admin_client: Client, repository: Repository) -> None:
    text = page(admin_client)
    assert 'class="treemap"' in text
    assert "files: 7.1 kB (100 %)" in text


def test_how_it_grew_is_shown_from_the_second_day_on(admin_client: Client, repository: Repository) -> None:
    assert "From tomorrow on you see here how it grows." in page(admin_client)
    StorageDay.objects.create(day=timezone.now().date() - timedelta(days=1), files=1, size=1_000)
    text = page(admin_client)
    assert "first 1.0 kB, now 7.1 kB" in text


def test_a_thousand_repositories_come_in_pages(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "REPOSITORIES", 2)
    for number in range(3):
        factories.version(factories.repository(f"r{number}", f"r{number}"), {"a": b"%d" % number * 9**number})
    assert ">r2</a>" in page(admin_client)
    assert ">r0</a>" not in page(admin_client)
    assert ">r0</a>" in page(admin_client, "/storage/?counted&sizes=2")
    # The fragment that the page fetches is of the same page of them.
    assert 'hx-get="/storage/sizes/?sizes=2"' in page(admin_client, "/storage/?sizes=2")
    assert ">r0</a>" in page(admin_client, "/storage/sizes/?sizes=2")


def test_a_verify_is_watched_until_it_ends_and_then_the_page_comes_anew(admin_client: Client) -> None:
    assert 'id="upkeep"' not in page(admin_client, "/storage/")
    job = scenes.a_running_job(None, VERIFY)
    assert 'hx-get="/storage/running/" hx-trigger="every 1s, refresh"' in page(admin_client, "/storage/")
    assert f"Job {job.pk}" in page(admin_client, "/storage/running/")
    Job.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now())
    assert admin_client.get("/storage/running/")["HX-Refresh"] == "true"
