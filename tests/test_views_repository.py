"""The pages of one repository: their frame, the first tab, and the lists of what belongs to it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard import live
from repos.models import Distribution, Repository
from tests import factories, scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]
TABS = ["", "files/", "versions/", "publications/", "distributions/", "jobs/", "edit/", "upload/"]


@pytest.fixture
def repository(db: None) -> Repository:
    made = scenes.a_repository()
    scenes.a_completed_job(made)
    return made


def page(client: Client, repository: Repository, tab: str = "", query: str = "") -> str:
    answer = client.get(f"/repositories/{repository.pk}/{tab}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


# ---- what all tabs have ----


@pytest.mark.parametrize("tab", TABS)
def test_each_tab_has_the_same_head(admin_client: Client, repository: Repository, tab: str) -> None:
    text = page(admin_client, repository, tab)
    for shown in (
        "<h1>debian-tools</h1>",
        "https://downloads.example.org/debian-tools/PULP_MANIFEST",
        'data-copy="http://testserver/content/mirrors/debian-tools/"',
        "curl -fO http://testserver/content/mirrors/debian-tools/PULP_MANIFEST",
        f'action="/repositories/{repository.pk}/run/"',
        f'action="/repositories/{repository.pk}/verify/"',
        f'href="/repositories/{repository.pk}/delete/"',
        "no sync has got everything yet",
    ):
        assert shown in text


@pytest.mark.parametrize(
    ("tab", "word"),
    [
        ("", "Overview"),
        ("files/", "Files"),
        ("versions/", "Versions"),
        ("versions/1/", "Versions"),
        ("versions/1/files/", "Files"),
        ("publications/", "Publications"),
        ("distributions/", "Distributions"),
        ("jobs/", "Jobs"),
        ("edit/", "Settings"),
        ("upload/", "Files"),
    ],
)
def test_it_says_which_tab_it_is(admin_client: Client, repository: Repository, tab: str, word: str) -> None:
    shown = admin_client.get(f"/repositories/{repository.pk}/{tab}").context["tabs"]
    assert [str(one.word) for one in shown if one.current] == [word]


@pytest.mark.parametrize(
    ("tab", "trail"),
    [
        ("", ["Repositories", "debian-tools"]),
        ("jobs/", ["Repositories", "debian-tools", "Jobs"]),
        ("versions/1/", ["Repositories", "debian-tools", "Versions", "Version 1"]),
        ("versions/1/files/", ["Repositories", "debian-tools", "Files", "Version 1"]),
    ],
)
def test_the_trail_leads_out_step_by_step(
    admin_client: Client, repository: Repository, tab: str, trail: list[str]
) -> None:
    crumbs = admin_client.get(f"/repositories/{repository.pk}/{tab}").context["crumbs"]
    assert [str(words) for words, _ in crumbs] == trail
    assert [bool(url) for _, url in crumbs] == [True] * (len(trail) - 1) + [False]


def test_what_fails_can_be_retried_from_every_tab(admin_client: Client, repository: Repository) -> None:
    assert "Retry failed files" not in page(admin_client, repository, "files/")
    job = scenes.a_failed_job(repository)
    assert f'action="/jobs/{job.pk}/retry/"' in page(admin_client, repository, "files/")


def test_a_run_that_cannot_be_is_off_and_says_why(admin_client: Client, repository: Repository) -> None:
    repository.distributions.update(pinned=True)
    text = page(admin_client, repository, "jobs/")
    assert 'disabled aria-describedby="run-obstacle"' in text
    assert "No distribution follows" in text


def test_where_all_distributions_are_pinned_it_leads_to_them(admin_client: Client, repository: Repository) -> None:
    distribution = repository.distributions.get()
    assert "run-obstacle" not in page(admin_client, repository, "jobs/")
    Distribution.objects.update(pinned=True)
    obstacle = page(admin_client, repository, "jobs/").partition('id="run-obstacle"')[2].partition("</p>")[0]
    assert f'<a href="/distributions/{distribution.pk}/">See {distribution.base_path}</a>' in obstacle


def test_an_open_tab_is_told_how_much_is_on_each_now(admin_client: Client, repository: Repository) -> None:
    assert f'hx-get="/repositories/{repository.pk}/status/?tab=files"' in page(admin_client, repository, "files/")
    factories.version(repository, {"a": b"1"})
    text = page(admin_client, repository, "status/", "?tab=files")
    assert 'id="tabs" hx-swap-oob="merge"' in text
    assert f'<a href="/repositories/{repository.pk}/files/" aria-current="page">' in text
    many = {
        str(tab.word): tab.many for tab in admin_client.get(f"/repositories/{repository.pk}/status/").context["tabs"]
    }
    assert many["Versions"] == repository.versions.made().count()


def test_the_empty_version_is_counted_and_listed_nowhere(admin_client: Client, repository: Repository) -> None:
    made = factories.repository("bare", "bare")
    assert "No version yet. The first sync makes one." in page(admin_client, made)
    assert "No version yet. The first sync makes one." in page(admin_client, made, "versions/")
    factories.version(made, {"a": b"1"})
    answer = admin_client.get(f"/repositories/{made.pk}/versions/")
    assert {str(tab.word): tab.many for tab in answer.context["tabs"]}["Versions"] == 1
    assert [one.number for one in answer.context["list"]] == [1]


def test_a_mirror_takes_no_uploads(admin_client: Client, repository: Repository) -> None:
    assert f'href="/repositories/{repository.pk}/upload/"' in page(admin_client, repository)
    Repository.objects.update(mirror=True)
    assert f'href="/repositories/{repository.pk}/upload/"' not in page(admin_client, repository)


def test_without_a_distribution_it_says_that_nothing_is_served(admin_client: Client) -> None:
    made = scenes.a_repository(base_path=None)
    assert "served nowhere" in page(admin_client, made, "files/")


# ---- the first tab ----


def test_what_needs_attention_is_told_with_what_mends_it(admin_client: Client, repository: Repository) -> None:
    assert "finding-row" not in page(admin_client, repository)
    job = scenes.a_failed_job(repository)
    other = scenes.a_repository("other")
    scenes.a_failed_job(other)
    text = page(admin_client, repository)
    assert text.count('<li class="finding-row') == 1
    assert f"Job {job.pk} of “debian-tools” failed." in text
    assert f'action="/jobs/{job.pk}/retry/"' in text


def test_it_says_who_shares_its_publish_settings(admin_client: Client, repository: Repository) -> None:
    assert "shared with" not in page(admin_client, repository)
    scenes.a_repository("other")
    assert "shared with 1 other repository" in page(admin_client, repository)


def test_only_the_newest_of_each_are_shown(admin_client: Client, repository: Repository) -> None:
    for _ in range(7):
        scenes.a_completed_job(repository)
    context = admin_client.get(f"/repositories/{repository.pk}/").context
    assert [one.number for one in context["versions"]] == [8, 7, 6, 5, 4]
    assert len(context["jobs"]) == 5


# ---- live ----


def test_the_other_tabs_are_told_when_a_job_comes(admin_client: Client, repository: Repository) -> None:
    there, seen = f"/repositories/{repository.pk}/status/", page(admin_client, repository, "files/")
    known = seen.partition('data-seen="')[2].partition('"')[0]
    assert admin_client.get(there, headers={"Live-Seen": known}).status_code == 204
    job = scenes.a_job_that_fetches(repository)
    text = admin_client.get(there, headers={"Live-Seen": known}).content.decode()
    assert f"Watch job {job.pk}" in text
    assert 'id="run" hx-swap-oob="merge"' in text
    assert 'id="status" hx-swap-oob' not in text


def test_the_first_tab_is_told_of_a_job_that_came_and_went(admin_client: Client, repository: Repository) -> None:
    known = admin_client.get(f"/repositories/{repository.pk}/").context["known"]
    there = f"/repositories/{repository.pk}/running/"
    quiet = admin_client.get(there, {"known": known}, headers={"Live-Seen": live.of_jobs()})
    assert quiet.status_code == 204
    scenes.an_unchanged_job(repository)
    assert b'id="jobs" hx-swap-oob="merge"' in admin_client.get(there, {"known": known}).content


@pytest.mark.parametrize("page", ["running/", "status/"])
@pytest.mark.parametrize("pk", [4711, 10**30])
def test_who_looks_on_learns_that_it_is_gone(admin_client: Client, page: str, pk: int) -> None:
    assert admin_client.get(f"/repositories/{pk}/{page}").status_code == 404
    assert admin_client.get(f"/repositories/{pk}/{page}?known=").status_code == 404


# ---- what belongs to it ----


def test_its_publications_are_listed_and_no_others(admin_client: Client, repository: Repository) -> None:
    scenes.a_completed_job(scenes.a_repository("other"))
    shown = admin_client.get(f"/repositories/{repository.pk}/publications/").context["list"]
    assert [one.version.repository for one in shown] == [repository]


def test_nothing_published_yet_is_said(admin_client: Client) -> None:
    assert "Nothing published yet" in page(admin_client, scenes.a_repository("new"), "publications/")


def test_its_distributions_say_what_each_serves(admin_client: Client, repository: Repository) -> None:
    scenes.a_version(repository)
    factories.switch(repository.distributions.create(base_path="old", pinned=False), None)
    text = page(admin_client, repository, "distributions/")
    assert "version 1</a>" in text
    assert '<span class="behind">newest is 2</span>' in text
    assert "Nothing published yet: a run with publish and distribute changes that." in text


@pytest.mark.parametrize(("state", "many"), [("", 3), ("active", 1), ("failed", 1), ("completed", 1), ("magic", 3)])
def test_its_jobs_are_filtered_by_state(admin_client: Client, repository: Repository, state: str, many: int) -> None:
    scenes.a_failed_job(repository)
    scenes.a_job(repository)
    scenes.a_failed_job(scenes.a_repository("other"))
    shown = admin_client.get(f"/repositories/{repository.pk}/jobs/?state={state}").context["list"]
    assert len(shown.rows) == many


@pytest.mark.parametrize("tab", TABS)
def test_many_rows_or_few_take_the_same_number_of_queries(
    admin_client: Client, repository: Repository, tab: str
) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            scenes.a_completed_job(repository)
        page(admin_client, repository, tab)
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, repository, tab)
        return len(queries)

    assert with_five_more() == with_five_more()


def test_its_list_of_jobs_is_live_while_one_is_active(admin_client: Client, repository: Repository) -> None:
    table = f"/repositories/{repository.pk}/jobs/table/"
    assert table not in page(admin_client, repository, "jobs/")
    scenes.a_job_that_fetches(repository)
    context = admin_client.get(f"/repositories/{repository.pk}/jobs/?state=active").context
    assert f'hx-get="{table}?state=active"' in page(admin_client, repository, "jobs/", "?state=active")
    assert admin_client.get(table, headers={"Live-Seen": context["seen"]}).status_code == 204
    assert "data-clock" in admin_client.get(table).content.decode()
