"""Every address: who may come, and with which verb."""

import pytest
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import URLPattern

from dashboard.urls import urlpatterns
from dashboard.views.accounts import DEEDS
from tests import factories, scenes

GET, POST, FORM = ["GET"], ["POST"], ["GET", "POST"]
# Name, what it needs, its verbs.
PAGES: list[tuple[str, str, list[str]]] = [
    ("overview", "", GET),
    ("overview-running", "", GET),
    ("repositories", "", GET),
    ("repository-create", "", POST),
    ("repository-new", "", FORM),
    ("repository", "repository", GET),
    ("repository-edit", "repository", FORM),
    ("repository-delete", "repository", FORM),
    ("repository-running", "repository", GET),
    ("repository-run", "repository", POST),
    ("repository-upload", "repository", FORM),
    ("repository-add", "repository", FORM),
    ("repository-remove", "repository", FORM),
    ("repository-files", "repository", GET),
    ("version", "version", GET),
    ("version-publish", "version", POST),
    ("version-restore", "version", POST),
    ("version-delete", "version", FORM),
    ("distributions", "", GET),
    ("distribution-new", "", FORM),
    ("base-path-check", "", GET),
    ("distribution", "distribution", GET),
    ("distribution-edit", "distribution", FORM),
    ("distribution-delete", "distribution", FORM),
    ("distribution-pin", "distribution", POST),
    ("distribution-follow", "distribution", POST),
    ("distribution-refresh", "distribution", POST),
    ("publications", "", GET),
    ("publication", "publication", GET),
    ("publication-delete", "publication", FORM),
    ("jobs", "", GET),
    ("jobs-table", "", GET),
    ("job", "job", GET),
    ("job-panel", "job", GET),
    ("job-cancel", "job", POST),
    ("job-again", "job", POST),
    ("job-confirm", "job", POST),
    ("remotes", "", GET),
    ("remote-new", "", FORM),
    ("remote-check", "", POST),
    ("remote", "remote", GET),
    ("remote-edit", "remote", FORM),
    ("remote-delete", "remote", FORM),
    ("publish-settings", "", GET),
    ("publish-settings-new", "", FORM),
    ("publish-settings-detail", "settings", GET),
    ("publish-settings-edit", "settings", FORM),
    ("publish-settings-delete", "settings", FORM),
    ("status", "", GET),
]
OPEN = {"login", "logout", "healthz"}

Numbers = dict[str, list[int]]


@pytest.fixture
def numbers(db: None) -> Numbers:
    """By noun, the numbers that name one of each in an address."""
    repository = scenes.a_repository()
    factories.serve(repository, {"a.txt": b"1"})
    publication = factories.serve(repository, {"b.txt": b"2"})
    assert repository.remote
    return {
        "": [],
        "repository": [repository.pk],
        "version": [repository.pk, 1],
        "publication": [publication.pk],
        "distribution": [repository.distributions.get().pk],
        "remote": [repository.remote.pk],
        "settings": [repository.publish_settings.pk],
        "job": [scenes.an_unchanged_job(repository).pk],
    }


def test_each_address_is_in_the_table() -> None:
    names = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert {name for name, _, _ in PAGES} | OPEN <= names
    assert {name for name in names if name and "content" not in name} <= {name for name, _, _ in PAGES} | OPEN


def test_a_sign_in_knows_what_only_takes_forms() -> None:
    assert {name for name, _, verbs in PAGES if verbs == POST} | {"login", "logout"} == DEEDS


@pytest.mark.any_database
@pytest.mark.parametrize(("name", "needs", "verbs"), PAGES)
def test_a_stranger_is_sent_to_sign_in(
    name: str, needs: str, verbs: list[str], client: Client, numbers: Numbers
) -> None:
    path = reverse(name, args=numbers[needs])
    for verb in verbs:
        response = client.generic(verb, path)
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.any_database
@pytest.mark.parametrize(("name", "needs", "verbs"), PAGES)
def test_the_wrong_verb_is_refused(
    name: str, needs: str, verbs: list[str], admin_client: Client, numbers: Numbers
) -> None:
    for wrong in {"GET", "POST", "PUT", "DELETE"} - set(verbs):
        response = admin_client.generic(wrong, reverse(name, args=numbers[needs]))
        assert response.status_code == 405
        assert set(response["Allow"].split(", ")) == set(verbs)


@pytest.mark.parametrize(("name", "needs"), [(name, needs) for name, needs, verbs in PAGES if "GET" in verbs])
def test_a_page_is_shown(name: str, needs: str, admin_client: Client, numbers: Numbers) -> None:
    assert admin_client.get(reverse(name, args=numbers[needs]), follow=True).status_code == 200


@pytest.mark.any_database
@pytest.mark.parametrize(("name", "needs", "verbs"), [page for page in PAGES if page[1]])
def test_what_is_not_there_is_not_found(
    name: str, needs: str, verbs: list[str], admin_client: Client, numbers: Numbers
) -> None:
    for arguments in ([*numbers[needs][:-1], 4711], [*numbers[needs][:-1], 10**30]):
        for verb in verbs:
            response = admin_client.generic(verb, reverse(name, args=arguments))
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
