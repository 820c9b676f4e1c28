"""Every address: who may come, and with which verb."""

import re
from collections.abc import Iterable, Iterator

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import resolve, reverse
from django.urls.resolvers import URLPattern, URLResolver

from dashboard.roles import OPERATORS, Role
from dashboard.urls import urlpatterns
from dashboard.views.accounts import DEEDS
from repos import tokens
from tests import factories, scenes

GET, POST, FORM = ["GET"], ["POST"], ["GET", "POST"]
VIEWER, OPERATOR, ADMINISTRATOR = Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR
# A row for every address of dashboard/urls.py: its name, what its numbers name, its verbs, and the least role that may
# come. Who adds an address adds its row here: (name, key of the fixture `numbers` below or "", GET | POST | FORM,
# VIEWER for what only looks, else as the decorator says: @for_operators, @for_administrators). An address that names a
# new kind of thing adds one of it to `numbers`; one that no browser can just open is added to FRAGMENTS or DEEDS in
# dashboard/views/accounts.py. Addresses of the admin need no row: they are all tried.
PAGES: list[tuple[str, str, list[str], Role]] = [
    ("overview", "", GET, VIEWER),
    ("overview-running", "", GET, VIEWER),
    ("repositories", "", GET, VIEWER),
    ("repositories-table", "", GET, VIEWER),
    ("repositories-run", "", POST, OPERATOR),
    ("repository-create", "", POST, OPERATOR),
    ("repository-check", "", POST, OPERATOR),
    ("repository-new", "", FORM, OPERATOR),
    ("repository", "repository", GET, VIEWER),
    ("repository-edit", "repository", FORM, OPERATOR),
    ("repository-delete", "repository", FORM, OPERATOR),
    ("repository-running", "repository", GET, VIEWER),
    ("repository-status", "repository", GET, VIEWER),
    ("repository-run", "repository", POST, OPERATOR),
    ("repository-dry-run", "repository", POST, OPERATOR),
    ("compare", "repository", GET, VIEWER),
    ("repository-verify", "repository", POST, OPERATOR),
    ("repository-upload", "repository", FORM, OPERATOR),
    ("repository-add", "repository", FORM, OPERATOR),
    ("repository-remove", "repository", FORM, OPERATOR),
    ("repository-files", "repository", GET, VIEWER),
    ("repository-publications", "repository", GET, VIEWER),
    ("repository-distributions", "repository", GET, VIEWER),
    ("repository-jobs", "repository", GET, VIEWER),
    ("repository-jobs-table", "repository", GET, VIEWER),
    ("repository-versions", "repository", GET, VIEWER),
    ("version-files", "version", GET, VIEWER),
    ("version", "version", GET, VIEWER),
    ("version-publish", "version", POST, OPERATOR),
    ("version-verify", "version", POST, OPERATOR),
    ("version-restore", "version", POST, OPERATOR),
    ("version-delete", "version", FORM, OPERATOR),
    ("distributions", "", GET, VIEWER),
    ("distribution-new", "", FORM, OPERATOR),
    ("base-path-check", "", GET, OPERATOR),
    ("distribution", "distribution", GET, VIEWER),
    ("distribution-edit", "distribution", FORM, OPERATOR),
    ("distribution-delete", "distribution", FORM, OPERATOR),
    ("distribution-pin", "distribution", POST, OPERATOR),
    ("distribution-promote", "distribution", POST, OPERATOR),
    ("distribution-follow", "distribution", POST, OPERATOR),
    ("distribution-refresh", "distribution", POST, OPERATOR),
    ("publications", "", GET, VIEWER),
    ("publication", "publication", GET, VIEWER),
    ("publication-delete", "publication", FORM, OPERATOR),
    ("jobs", "", GET, VIEWER),
    ("jobs-table", "", GET, VIEWER),
    ("jobs-cancel", "", POST, OPERATOR),
    ("job", "job", GET, VIEWER),
    ("job-panel", "job", GET, VIEWER),
    ("dry-run", "dry run", GET, VIEWER),
    ("job-cancel", "job", POST, OPERATOR),
    ("job-again", "job", POST, OPERATOR),
    ("job-retry", "job", POST, OPERATOR),
    ("job-confirm", "job", POST, OPERATOR),
    ("remotes", "", GET, VIEWER),
    ("remote-new", "", FORM, OPERATOR),
    ("remote-check", "", POST, OPERATOR),
    ("remote", "remote", GET, VIEWER),
    ("remote-edit", "remote", FORM, OPERATOR),
    ("remote-delete", "remote", FORM, OPERATOR),
    ("publish-settings", "", GET, VIEWER),
    ("publish-settings-new", "", FORM, OPERATOR),
    ("publish-settings-detail", "settings", GET, VIEWER),
    ("publish-settings-edit", "settings", FORM, OPERATOR),
    ("publish-settings-delete", "settings", FORM, OPERATOR),
    ("storage", "", GET, VIEWER),
    ("storage-running", "", GET, VIEWER),
    ("storage-sizes", "", GET, VIEWER),
    ("storage-plan", "", GET, VIEWER),
    ("storage-clean", "", POST, OPERATOR),
    ("storage-verify", "", POST, OPERATOR),
    ("storage-quarantine", "", POST, OPERATOR),
    ("storage-repository", "repository", GET, VIEWER),
    ("storage-versions", "repository", GET, VIEWER),
    ("tokens", "", GET, OPERATOR),
    ("token-new", "", FORM, OPERATOR),
    ("token-revoke", "token", FORM, OPERATOR),
    ("token-delete", "token", FORM, OPERATOR),
    ("status", "", GET, VIEWER),
    ("status-page", "", GET, VIEWER),
    ("status-now", "", GET, VIEWER),
    ("profile", "", GET, VIEWER),
    ("password", "", FORM, VIEWER),
    ("styleguide", "", GET, ADMINISTRATOR),
    ("users", "", GET, ADMINISTRATOR),
    ("user-new", "", FORM, ADMINISTRATOR),
    ("user", "user", GET, ADMINISTRATOR),
    ("user-role", "user", POST, ADMINISTRATOR),
    ("user-password", "user", POST, ADMINISTRATOR),
    ("user-activity", "user", POST, ADMINISTRATOR),
    ("user-delete", "user", FORM, ADMINISTRATOR),
]
# Who may come there is said in tests of their own.
OPEN = {"login", "logout", "healthz", "metrics"}

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
        "token": [tokens.make("a token", everything=True).token.pk],
        "user": [User.objects.create_user("ada").pk],
        "job": [scenes.an_unchanged_job(repository).pk],
        "dry run": [scenes.a_dry_run(repository).pk],
    }


def signed_in(role: Role) -> Client:
    """A browser in which somebody with this role is signed in."""
    user = User.objects.get_or_create(username=role.word, is_superuser=role == ADMINISTRATOR)[0]
    if role == OPERATOR:
        user.groups.add(Group.objects.get_or_create(name=OPERATORS)[0])
    client = Client()
    client.force_login(user)
    return client


def test_each_address_is_in_the_table() -> None:
    names = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert None not in names
    assert [pattern.namespace for pattern in urlpatterns if isinstance(pattern, URLResolver)] == ["admin"]
    assert {name for name, *_ in PAGES} | OPEN <= names
    assert {name for name in names if name and "content" not in name} <= {name for name, *_ in PAGES} | OPEN


def test_a_sign_in_knows_what_only_takes_forms() -> None:
    assert {name for name, _, verbs, _ in PAGES if verbs == POST} | {"login", "logout"} == DEEDS


@pytest.mark.any_database
def test_a_stranger_is_sent_to_sign_in(client: Client, numbers: Numbers) -> None:
    for name, needs, verbs, _ in PAGES:
        path = reverse(name, args=numbers[needs])
        for verb in verbs:
            response = client.generic(verb, path)
            assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}"), (verb, path)


@pytest.mark.any_database
@pytest.mark.parametrize("role", [VIEWER, OPERATOR, ADMINISTRATOR], ids=lambda role: role.word)
def test_each_role_gets_in_where_the_table_says_so(role: Role, numbers: Numbers) -> None:
    client = signed_in(role)
    for name, needs, verbs, least in PAGES:
        for verb in verbs:
            with transaction.atomic():
                response = client.generic(verb, reverse(name, args=numbers[needs]))
                # Each finds everything still there.
                transaction.set_rollback(True)
            assert (response.status_code == 403) == (role < least), (name, verb)
            assert response.status_code < 500, (name, verb)
            if role < least:
                assert f"{least.word}; your role is {role.word}." in response.content.decode()


@pytest.mark.any_database
@pytest.mark.parametrize("role", [VIEWER, OPERATOR, ADMINISTRATOR], ids=lambda role: role.word)
def test_no_page_offers_what_its_reader_may_not_do(role: Role, numbers: Numbers) -> None:
    client, leasts = signed_in(role), {name: least for name, _, _, least in PAGES}
    offered: set[str | None] = set()
    for name, needs, verbs, least in PAGES:
        if "GET" in verbs and least <= role:
            text = client.get(reverse(name, args=numbers[needs]), follow=True).content.decode()
            assert role >= ADMINISTRATOR or "/admin/" not in text, name
            here = {resolve(path).url_name for path in re.findall(r'="(/(?!content|static|admin)[^"?#]*)', text)}
            beyond = {one for one in here if one in leasts and leasts[one] > role}
            assert not beyond, (name, beyond)
            assert role > VIEWER or 'form="pin"' not in text, name
            offered |= here
    # Whoever may do it is led there, so that the test looks at what it says it does.
    assert ("repository-run" in offered) == ("distribution-pin" in offered) == (role >= OPERATOR)


@pytest.mark.any_database
def test_the_wrong_verb_is_refused(admin_client: Client, numbers: Numbers) -> None:
    for name, needs, verbs, _ in PAGES:
        for wrong in {"GET", "POST", "PUT", "DELETE"} - set(verbs):
            response = admin_client.generic(wrong, reverse(name, args=numbers[needs]))
            assert response.status_code == 405, (name, wrong)
            assert set(response["Allow"].split(", ")) == set(verbs), (name, wrong)


def test_every_page_is_shown(admin_client: Client, numbers: Numbers) -> None:
    for name, needs, verbs, _ in PAGES:
        if "GET" in verbs:
            assert admin_client.get(reverse(name, args=numbers[needs]), follow=True).status_code == 200, name


@pytest.mark.any_database
def test_what_is_not_there_is_not_found(admin_client: Client, numbers: Numbers) -> None:
    for name, needs, verbs, _ in PAGES:
        for number in (4711, 10**30) if needs else ():
            path = reverse(name, args=[*numbers[needs][:-1], number])
            for verb in verbs:
                response = admin_client.generic(verb, path)
                assert response.status_code == 404, (verb, path)
                assert "There is nothing at this address" in response.content.decode()


def test_a_page_carries_the_strict_policy_and_nothing_that_it_forbids(admin_client: Client) -> None:
    response = admin_client.get("/")
    assert "script-src 'self'; style-src 'self'" in response["Content-Security-Policy"]
    text = response.content.decode()
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert "<script>" not in text


# ---- the admin ----


def of_admin(patterns: Iterable[URLPattern | URLResolver], before: str = "/admin/") -> Iterator[tuple[str, str]]:
    """The name and an address of each of the admin's pages, with 1 for every number that one takes."""
    for pattern in patterns:
        path = before + re.sub(r"\(\?P<\w+>.*?\)|<[^>]*>", "1", str(pattern.pattern)).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from of_admin(pattern.url_patterns, path)
        else:
            yield pattern.name or "", path


ADMIN = list(of_admin(site.urls[0]))


def test_the_admins_addresses_are_found() -> None:
    assert {"index", "logout", "repos_job_changelist", "auth_user_password_change"} <= {name for name, _ in ADMIN}
    assert all(resolve(path).namespaces == ["admin"] or resolve(path).url_name is None for _, path in ADMIN)


@pytest.mark.any_database
@pytest.mark.django_db
def test_the_admin_is_for_administrators(client: Client) -> None:
    refused = signed_in(VIEWER), signed_in(OPERATOR)
    for _, path in ADMIN:
        for send in (client.get, client.post):
            assert send(path)["Location"].startswith(("/login/?next=/admin/", "/admin/login/?next=/admin/")), path
        assert [one.generic(verb, path).status_code for one, verb in zip(refused, FORM, strict=True)] == [403] * 2, path
    # What an administrator finds there, tests/test_admin.py tells.
    assert signed_in(ADMINISTRATOR).get("/admin/").status_code == 200
