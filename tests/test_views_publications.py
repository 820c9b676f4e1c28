"""Publications: the list and their pages."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos.distribute import pin
from repos.distributions import make_distribution
from repos.models import Distribution, Publication, Repository
from tests import factories, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(db: None) -> Repository:
    """With two publications; the second is served at “files”."""
    made = factories.repository()
    factories.serve(made, {"a": b"1"}, days_ago=30)
    factories.serve(made, {"a": b"2"}, days_ago=20)
    return made


@pytest.fixture
def first(repository: Repository) -> Publication:
    return Publication.objects.order_by("pk")[0]


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_it_works(admin_client: Client, first: Publication) -> None:
    assert f'href="/publications/{first.pk}/"' in page(admin_client, "/publications/")
    text = page(admin_client, f"/publications/{first.pk}/")
    manifest = first.metadata.get()
    for shown in ("PULP_MANIFEST", manifest.artifact.sha256, f"/publish-settings/{first.settings_id}/"):
        assert shown in text


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["", "{pk}/", "{pk}/delete/"])
def test_all_of_it_needs_a_login(client: Client, first: Publication, path: str) -> None:
    assert client.get(f"/publications/{path.format(pk=first.pk)}").status_code == 302


@pytest.mark.parametrize("path", ["", "delete/"])
def test_what_is_not_there_is_not_found(admin_client: Client, path: str) -> None:
    assert admin_client.get(f"/publications/0/{path}").status_code == 404


@pytest.mark.any_database
def test_an_empty_list_says_what_to_do(admin_client: Client) -> None:
    assert "Nothing is published yet" in page(admin_client, "/publications/")


def test_they_are_searched_by_repository(admin_client: Client, repository: Repository) -> None:
    factories.serve(factories.repository("Other", "other"), {"a": b"1"})
    for q, found in (("oth", [1]), ("\0oth", [1]), ("FILES", [2, 1]), ("", [1, 2, 1]), ("zzz", [])):
        shown = admin_client.get("/publications/", {"q": q}).context["list"]
        assert [one.version.number for one in shown] == found


@pytest.mark.parametrize("path", ["", "{pk}/"])
def test_many_rows_or_few_take_the_same_number_of_queries(
    admin_client: Client, repository: Repository, first: Publication, path: str
) -> None:
    def with_five_more() -> int:
        for _ in range(5):
            count = Publication.objects.count()
            factories.serve(repository, {"a": b"%d" % count})
            pin(make_distribution(repository, f"b{count}"), first)
            factories.serve(factories.repository(f"r{count}", f"c{count}"), {"a": b"1"})
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, f"/publications/{path.format(pk=first.pk)}")
        return len(queries)

    assert with_five_more() == with_five_more()


def test_its_history_says_where_it_was_served(admin_client: Client, first: Publication) -> None:
    response = admin_client.get(f"/publications/{first.pk}/")
    moves = [(one.earlier_id, one.later_id) for one in response.context["history"]]
    assert moves == [(first.pk, first.pk + 1), (None, first.pk)]


def test_it_is_served_where_one_wants_it(admin_client: Client, repository: Repository, first: Publication) -> None:
    make_distribution(repository, "stable")
    text = page(admin_client, f"/publications/{first.pk}/")
    for distribution in repository.distributions.all():
        assert f'formaction="/distributions/{distribution.pk}/pin/"' in text
    admin_client.post(f"/distributions/{distribution.pk}/pin/", {"publication": first.pk, "reason": "1.0"})
    assert Distribution.objects.get(base_path="stable").publication == first
    # There it need not be served again.
    assert f'formaction="/distributions/{distribution.pk}/pin/"' not in page(admin_client, f"/publications/{first.pk}/")


def test_one_that_nothing_needs_is_deleted(admin_client: Client, first: Publication) -> None:
    path = f"/publications/{first.pk}/delete/"
    text = page(admin_client, path)
    assert "Its metadata: “PULP_MANIFEST”." in text
    assert "then needed by nothing else" in text
    assert admin_client.post(path)["Location"] == "/publications/"
    assert Publication.objects.count() == 1


def test_one_that_is_served_is_not_deleted_and_the_page_says_where(
    admin_client: Client, repository: Repository
) -> None:
    path = f"/publications/{Publication.objects.order_by('pk')[1].pk}/delete/"
    text = page(admin_client, path)
    assert "It is served at “files”" in text
    assert 'class="button danger"' not in text
    response = admin_client.post(path)
    assert (response.status_code, Publication.objects.count()) == (409, 2)
    assert "It is served at “files”" in response.content.decode()
    distribution = repository.distributions.get()
    for shown in (text, response.content.decode()):
        assert f'href="/distributions/{distribution.pk}/">Go to files</a>' in shown


def test_what_a_job_may_need_leads_to_that_job(admin_client: Client, first: Publication) -> None:
    job = scenes.a_running_job(first.version.repository)
    text = page(admin_client, f"/publications/{first.pk}/delete/")
    assert f'href="/jobs/{job.pk}/">Go to job {job.pk}</a>' in text


def test_they_are_filtered_by_whether_they_are_served_and_sorted(admin_client: Client, repository: Repository) -> None:
    factories.serve(factories.repository("a", "a"), {"big": bytes(5000)})

    def found(**asked: str) -> list[str]:
        return [str(one.version) for one in admin_client.get("/publications/", asked).context["list"]]

    assert found(show="served") == ["a version 1", "files version 2"]
    assert found(show="unserved") == ["files version 1"]
    assert found(sort="-size")[0] == "a version 1"
    assert found(sort="repository") == ["a version 1", "files version 1", "files version 2"]


def test_its_page_says_which_job_made_it(admin_client: Client, first: Publication) -> None:
    path = f"/publications/{first.pk}/"
    assert "a job that was deleted" in page(admin_client, path)
    made = scenes.an_ended_job(first.version.repository, "completed", publication=first)
    scenes.an_ended_job(first.version.repository, "completed", publication=first)
    assert admin_client.get(path).context["made_by"] == made
    assert f'href="/jobs/{made.pk}/"' in page(admin_client, path)
