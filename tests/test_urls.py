"""Every address: who may come, and with which verb."""

import pytest
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import URLPattern

from dashboard.urls import urlpatterns
from tests import scenes

# Name, what it needs, its verb.
PAGES = [
    ("overview", "", "get"),
    ("overview-running", "", "get"),
    ("repository-create", "", "post"),
    ("repository", "repository", "get"),
    ("repository-running", "repository", "get"),
    ("repository-run", "repository", "post"),
    ("jobs", "", "get"),
    ("jobs-table", "", "get"),
    ("job", "job", "get"),
    ("job-panel", "job", "get"),
    ("job-cancel", "job", "post"),
    ("job-again", "job", "post"),
    ("status", "", "get"),
]
OPEN = {"login", "logout", "healthz"}


@pytest.fixture
def numbers(db: None) -> dict[str, int]:
    """The number of a repository and of a job, by noun."""
    repository = scenes.a_repository()
    return {"repository": repository.pk, "job": scenes.an_unchanged_job(repository).pk}


def address(name: str, needs: str, numbers: dict[str, int]) -> str:
    return reverse(name, args=[numbers[needs]] if needs else [])


def test_each_address_is_in_the_table() -> None:
    names = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert {name for name, _, _ in PAGES} | OPEN <= names
    assert {name for name in names if name and "content" not in name} <= {name for name, _, _ in PAGES} | OPEN


@pytest.mark.parametrize(("name", "needs", "verb"), PAGES)
def test_a_stranger_is_sent_to_sign_in(
    name: str, needs: str, verb: str, client: Client, numbers: dict[str, int]
) -> None:
    path = address(name, needs, numbers)
    response = getattr(client, verb)(path)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.parametrize(("name", "needs", "verb"), PAGES)
def test_the_wrong_verb_is_refused(
    name: str, needs: str, verb: str, admin_client: Client, numbers: dict[str, int]
) -> None:
    wrong = {"get": "post", "post": "get"}[verb]
    assert getattr(admin_client, wrong)(address(name, needs, numbers)).status_code == 405


@pytest.mark.parametrize(("name", "needs", "verb"), [page for page in PAGES if page[2] == "get"])
def test_a_page_is_shown(name: str, needs: str, verb: str, admin_client: Client, numbers: dict[str, int]) -> None:
    assert admin_client.get(address(name, needs, numbers)).status_code == 200


@pytest.mark.parametrize(("name", "needs"), [(name, needs) for name, needs, _ in PAGES if needs])
def test_what_is_not_there_is_not_found(name: str, needs: str, admin_client: Client) -> None:
    verb = next(verb for other, _, verb in PAGES if other == name)
    response = getattr(admin_client, verb)(reverse(name, args=[4711]))
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_a_page_carries_the_strict_policy_and_nothing_that_it_forbids(admin_client: Client) -> None:
    response = admin_client.get("/")
    assert "script-src 'self'; style-src 'self'" in response["Content-Security-Policy"]
    text = response.content.decode()
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert "<script>" not in text
