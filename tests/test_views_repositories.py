"""A repository: its page, its making, and its runs."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos.models import Distribution, Job, Repository
from tests import scenes

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
FIELDS = {"url": "https://example.org/files/", "name": "files", "base_path": "docs/files"}


@pytest.fixture(autouse=True)
def quiet(bell: list[int]) -> list[int]:
    return bell


@pytest.fixture
def repository(db: None) -> Repository:
    return scenes.a_repository()


def run(client: Client, repository: Repository, actions: str, *, htmx: bool = False) -> HttpResponse:
    answer = client.post(f"/repositories/{repository.pk}/run/", {"actions": actions}, headers=HTMX if htmx else None)
    return HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))


def test_it_works(admin_client: Client) -> None:
    scenes.a_busy_house()
    tools = Repository.objects.get(name="debian-tools")
    text = admin_client.get(f"/repositories/{tools.pk}/").content.decode()
    for shown in (
        "https://downloads.example.org/debian-tools/PULP_MANIFEST",
        "curl -fO http://testserver/content/stable/debian-tools/PULP_MANIFEST",
        "additive: files that vanish upstream are kept",
        'id="version-4"',
    ):
        assert shown in text


# ---- making one ----


def test_three_fields_make_everything_and_start_the_job(admin_client: Client, bell: list[int]) -> None:
    response = admin_client.post("/repositories/create/", FIELDS)
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.pk}/"
    assert (job.repository.name, job.actions) == ("files", ["sync", "publish", "distribute"])
    assert job.requested_by and job.requested_by.username == "admin"
    assert Distribution.objects.get().base_path == "docs/files"


def test_htmx_is_sent_to_the_job_as_a_whole_page(admin_client: Client) -> None:
    response = admin_client.post("/repositories/create/", FIELDS, headers=HTMX)
    assert response["HX-Redirect"] == f"/jobs/{Job.objects.get().pk}/"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("url", "ftp://example.org/", "must begin with http:// or https://"),
        ("url", "", "This field is required"),
        ("name", "debian-tools", "already a repository called"),
        ("base_path", "mirrors", "overlaps with the distribution"),
        ("base_path", "a/../b", "has an empty part"),
    ],
)
def test_an_invalid_form_answers_422_with_the_reason_at_the_field(
    admin_client: Client, repository: Repository, field: str, value: str, said: str
) -> None:
    response = admin_client.post("/repositories/create/", FIELDS | {field: value})
    assert response.status_code == 422
    assert said in response.context["form"].errors[field][0]
    assert said in response.content.decode()
    assert Repository.objects.count() == 1
    assert not Job.objects.exists()


def test_all_fields_are_checked_at_once(admin_client: Client) -> None:
    wrong = {"url": "ftp://example.org/", "name": "", "base_path": "a b"}
    assert len(admin_client.post("/repositories/create/", wrong).context["form"].errors) == 3


def test_without_htmx_the_refused_form_comes_in_its_page_and_open(admin_client: Client, repository: Repository) -> None:
    text = admin_client.post("/repositories/create/", FIELDS | {"name": ""}).content.decode()
    assert '<details class="card fold" id="new" open>' in text


def test_with_htmx_the_refused_form_comes_alone(admin_client: Client) -> None:
    response = admin_client.post("/repositories/create/", FIELDS | {"name": ""}, headers=HTMX)
    assert response.status_code == 422
    assert response.content.decode().strip().startswith("<form")


# ---- running one ----


@pytest.mark.parametrize(
    ("chosen", "actions"),
    [
        ("sync", ["sync"]),
        ("sync-publish", ["sync", "publish"]),
        ("sync-publish-distribute", ["sync", "publish", "distribute"]),
        ("default", ["sync", "publish", "distribute"]),
    ],
)
def test_a_run_does_what_was_chosen(
    admin_client: Client, repository: Repository, chosen: str, actions: list[str]
) -> None:
    response = run(admin_client, repository, chosen)
    job = Job.objects.get()
    assert (response["Location"], job.actions) == (f"/jobs/{job.pk}/", actions)


def test_the_default_follows_the_toggles(admin_client: Client, repository: Repository) -> None:
    Repository.objects.update(auto_distribute=False)
    run(admin_client, repository, "default")
    assert Job.objects.get().actions == ["sync", "publish"]


def test_a_second_click_joins_and_says_so(admin_client: Client, repository: Repository) -> None:
    run(admin_client, repository, "sync")
    response = admin_client.post(f"/repositories/{repository.pk}/run/", {"actions": "sync"}, follow=True)
    job = Job.objects.get()
    assert f"you have joined it as job {job.pk}" in response.content.decode()


def test_a_refused_run_answers_409_with_the_reason(admin_client: Client, repository: Repository) -> None:
    repository.distributions.all().delete()
    response = run(admin_client, repository, "sync-publish-distribute")
    assert response.status_code == 409
    assert "No distribution follows" in response.content.decode()
    assert not Job.objects.exists()


def test_with_htmx_only_the_run_choice_comes_back(admin_client: Client, repository: Repository) -> None:
    repository.distributions.all().delete()
    response = run(admin_client, repository, "sync-publish-distribute", htmx=True)
    assert response.status_code == 409
    assert response.content.decode().strip().startswith('<section class="section" id="run"')


def test_an_unknown_choice_answers_422(admin_client: Client, repository: Repository) -> None:
    assert run(admin_client, repository, "everything").status_code == 422


def test_a_disabled_button_says_why_and_links_to_the_job(admin_client: Client, repository: Repository) -> None:
    job = scenes.a_job_that_fetches(repository)
    offers = admin_client.get(f"/repositories/{repository.pk}/").context["offers"]
    assert [bool(offer.obstacle) for offer in offers] == [False, False, True]
    text = admin_client.get(f"/repositories/{repository.pk}/").content.decode()
    assert f'The same run is already running. <a href="/jobs/{job.pk}/">See job {job.pk}</a>' in text


# ---- its page ----


def test_many_rows_or_few_take_the_same_number_of_queries(admin_client: Client, repository: Repository) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            scenes.a_completed_job(repository)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(f"/repositories/{repository.pk}/").status_code == 200
        return len(queries)

    assert with_five_more() == with_five_more()


def test_versions_have_pages(admin_client: Client, repository: Repository) -> None:
    for _ in range(12):
        scenes.a_version(repository)
    text = admin_client.get(f"/repositories/{repository.pk}/?versions=2").content.decode()
    assert 'id="version-2"' in text
    assert 'id="version-3"' not in text
    assert 'href="?versions=1"' in text


def test_nothing_published_yet_is_said(admin_client: Client, repository: Repository) -> None:
    assert "Nothing published yet" in admin_client.get(f"/repositories/{repository.pk}/").content.decode()


def test_a_version_in_the_making_is_not_shown(admin_client: Client, repository: Repository) -> None:
    repository.versions.create(number=1, complete=False)
    assert 'id="version-1"' not in admin_client.get(f"/repositories/{repository.pk}/").content.decode()


def test_the_last_live_answer_brings_the_page_up_to_date(admin_client: Client, repository: Repository) -> None:
    scenes.a_completed_job(repository)
    text = admin_client.get(f"/repositories/{repository.pk}/running/", {"watched": "1"}).content.decode()
    assert 'hx-get="/repositories/' not in text
    assert text.count('hx-swap-oob="true"') == 5
