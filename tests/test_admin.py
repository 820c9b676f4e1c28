"""The admin: every model can be looked at, little can be changed, and only as the domain does it."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

import dashboard.admin  # noqa: F401 - registers all models
from dashboard.admin import base
from repos import change, deletion, pool, tokens, vault
from repos.errors.refusals import Stale
from repos.models import (
    AccessToken,
    Artifact,
    Content,
    Damage,
    Distribution,
    Job,
    Publication,
    PublishedMetadata,
    PublishSettings,
    Remote,
    Repository,
    RepositoryVersion,
    RequestedChange,
    Reservation,
    Switch,
    SyncState,
    Worker,
)
from repos.models.content import StorageDay
from repos.models.report import DryRun, FailedFile, LogLine, ProgressReport
from tests import factories, scenes
from tests.browser import CHROMIUM, browser_type_launch_args, context, operator, stranger, visitor

# Fixtures, which pytest finds by their names here.
__all__ = ["browser_type_launch_args", "context", "operator", "stranger", "visitor"]
pytestmark = pytest.mark.django_db

MARKUP = "<script>alert(1)</script>"
SECRET = "correct horse battery staple"
MODELS = sorted(site._registry, key=lambda model: model.__name__)
OURS = [model for model in MODELS if model._meta.app_label == "repos"]


@pytest.fixture(autouse=True)
def quiet(bell: list[int]) -> list[int]:
    return bell


@pytest.fixture
def files(db: None) -> Repository:
    return factories.repository()


def address(model: type[Model], view: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def fill(first: int, count: int) -> None:
    """So many rows of every model, with markup and secrets wherever they may be."""
    for number in range(first, first + count):
        name = f"{MARKUP}{number}"
        repository = factories.repository(name, f"{MARKUP}/{number}")
        Remote.objects.filter(name=name).update(password=vault.seal(SECRET), url=f"http://host/{name}")
        publication = factories.serve(repository, {f"{MARKUP}{number}.txt": name.encode()})
        job = scenes.a_failed_job(repository, failures=1)
        user = User.objects.create_user(f"ada-{name}", is_staff=True)
        Job.objects.filter(pk=job.pk).update(error=name, requested_by=user, worker=name, publication=publication)
        RequestedChange.objects.create(job=job, path=name, artifact=Artifact.objects.latest("pk"))
        SyncState.objects.create(
            repository=repository, version=publication.version, url=name, mirror=False, etag=name, sha256="0" * 64
        )
        FailedFile.objects.filter(job=job).update(path=name, message=name, url=name)
        ProgressReport.objects.filter(job=job).update(message=name, suffix=name)
        Switch.objects.filter(distribution__repository=repository).update(reason=name, by=user, job=job)
        PublishedMetadata.objects.filter(publication=publication).update(path=name)
        PublishSettings.objects.matching(manifest=f"{MARKUP}{number}", checksums=f"SHA{number}")
        Worker.objects.create(name=name, pid=number, threads=1)
        Damage.objects.create(artifact=Artifact.objects.latest("pk"), cause="digest", why=name)
        LogLine.objects.create(job=job, message=name)
        DryRun.objects.create(
            job=job, base=1, added=1, removed=0, changed=0, growth=1, fetched_files=1, fetched_bytes=1
        )
        StorageDay.objects.create(day=date(2026, 1, 1) + timedelta(number), files=1, size=1)
        tokens.make(name, distributions=list(repository.distributions.all()), by=user)
        Group.objects.create(name=name)


def text_of(client: Client, url: str, **query: Any) -> str:
    """The page, which has to be there, and to have neither markup nor secrets of somebody else in it."""
    response = client.get(url, query)
    text = response.content.decode()
    assert response.status_code == 200, url
    for bad in (MARKUP, SECRET, "gAAAAA"):
        assert bad not in text
    return text


# ---- every model ----


def test_it_works(admin_client: Client) -> None:
    text = text_of(admin_client, "/admin/")
    assert "Millrace" in text
    assert all(address(model) in text for model in MODELS)


def test_every_model_of_ours_is_there() -> None:
    assert set(OURS) == set(apps.get_app_config("repos").get_models())


def test_every_page_of_a_model_is_there(admin_client: Client) -> None:
    fill(0, 2)
    for model in MODELS:
        look_at_every_page(admin_client, model)


def look_at_every_page(admin_client: Client, model: type[Model]) -> None:
    text_of(admin_client, address(model))
    for query in ("a", MARKUP, "0" * 64, "%_'\"\\"):
        text_of(admin_client, address(model), q=query)
    for asked in filters_of(admin_client, model):
        text_of(admin_client, address(model), **asked)
    row = model._default_manager.latest("pk")
    text_of(admin_client, address(model, "change", row.pk))
    text_of(admin_client, address(model, "history", row.pk))


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_list_has_a_filter(admin_client: Client, model: type[Model]) -> None:
    changelist = admin_client.get(address(model)).context["cl"]
    assert changelist.model_admin.list_filter or changelist.date_hierarchy


@pytest.mark.parametrize(
    ("model", "query"),
    [(Job, "error_code=%00"), (Job, "q=%00"), (Content, f"artifact={10**30}"), (Content, "present=x")],
)
def test_what_cannot_be_looked_for_is_no_error(admin_client: Client, model: type[Model], query: str) -> None:
    assert admin_client.get(f"{address(model)}?{query}", follow=True).status_code == 200


def filters_of(client: Client, model: type[Model]) -> list[dict[str, str]]:
    """What the links beside and above a list ask for."""
    changelist = client.get(address(model)).context["cl"]
    links = [choice["query_string"] for spec in changelist.filter_specs for choice in spec.choices(changelist)]
    dated = [{f"{changelist.date_hierarchy}__year": "2026"}] if changelist.date_hierarchy else []
    return [dict(parse_qsl(link.removeprefix("?"))) for link in links if "=" in link] + dated


def test_many_rows_or_few_take_the_same_number_of_queries(admin_client: Client) -> None:
    def with_ten_more() -> dict[str, int]:
        fill(User.objects.count(), 10)
        return {model.__name__: queries_of(admin_client, address(model)) for model in MODELS}

    # What is remembered from page to page is asked for once.
    for model in MODELS:
        queries_of(admin_client, address(model))
    first = with_ten_more()
    assert with_ten_more() == first
    assert max(first.values()) < 12, first


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        text_of(client, url)
    return len(queries)


# What may be done by hand: (add, change, delete).
ALLOWED = {
    Repository: (False, True, True),
    RepositoryVersion: (False, False, True),
    Remote: (False, True, True),
    PublishSettings: (False, False, True),
    Publication: (False, False, True),
    Distribution: (False, True, True),
}


@pytest.mark.any_database
def test_what_is_immutable_is_read_only(admin_client: Client) -> None:
    fill(0, 1)
    for model in MODELS:
        look_at_what_is_offered(admin_client, model)


def look_at_what_is_offered(admin_client: Client, model: type[Model]) -> None:
    row = model._default_manager.latest("pk")
    add, change, delete = ALLOWED.get(model, (False, False, False))
    assert admin_client.get(address(model, "add")).status_code == (200 if add else 403)
    assert ("_save" in text_of(admin_client, address(model, "change", row.pk))) == change
    assert admin_client.post(address(model, "change", row.pk), {}).status_code == (200 if change else 403)
    assert admin_client.get(address(model, "delete", row.pk)).status_code == (200 if delete else 403)
    assert ("delete_selected" in text_of(admin_client, address(model))) == delete


def test_a_long_list_is_not_counted_to_its_end(
    admin_client: Client, files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_COUNTED", 3)
    factories.version(files, dict.fromkeys("abcde", b"1"))
    with CaptureQueriesContext(connection) as queries:
        text = " ".join(text_of(admin_client, address(Content)).split())
    assert "The first 3 content: search to find the others" in text
    counts = [one["sql"] for one in queries if "COUNT(" in one["sql"] and "repos_content" in one["sql"]]
    assert len(counts) == 1
    assert "LIMIT 4" in counts[0]


def test_a_path_is_found_by_its_beginning_and_bytes_by_their_digest(admin_client: Client, files: Repository) -> None:
    factories.version(files, {"a/1": b"1", "a/2": b"2", "b/a": b"3"})
    found = {
        query: [one.path for one in admin_client.get(address(Content), {"q": query}).context["cl"].result_list]
        for query in ("a/", "A/", "b/a", factories.artifact(b"2").sha256.upper())
    }
    assert list(found.values()) == [["a/1", "a/2"], [], ["b/a"], ["a/2"]]
    digest = factories.artifact(b"2").sha256
    for query in (digest[:7].upper(), digest):
        rows = admin_client.get(address(Artifact), {"q": query}).context["cl"].result_list
        assert [one.sha256 for one in rows] == [digest]


def test_no_page_offers_a_million_rows_to_choose_from(admin_client: Client, files: Repository) -> None:
    text = text_of(admin_client, address(Repository, "change", files.pk))
    assert text.count("<option") <= 3
    found = admin_client.get(
        "/admin/autocomplete/",
        {"term": "files", "app_label": "repos", "model_name": "repository", "field_name": "remote"},
    )
    assert [one["text"] for one in found.json()["results"]] == ["files"]


# ---- who gets in ----


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["/admin/", "/admin/repos/job/", "/admin/nowhere/"])
def test_nobody_is_sent_to_the_sites_own_sign_in_page(client: Client, path: str) -> None:
    response = client.get(path, follow=True)
    assert response.redirect_chain[-1][0] == f"/login/?next={path}"
    assert response.templates[0].name == "accounts/login.html"


@pytest.mark.any_database
def test_signing_in_leads_back_to_the_admin(client: Client) -> None:
    User.objects.create_superuser("ada", password="a long one")
    fields = {"username": "ada", "password": "a long one", "next": "/admin/repos/job/?state=failed"}
    assert client.post("/login/", fields)["Location"] == fields["next"]


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/repos/job/", "/admin/jsi18n/"])
def test_who_is_no_administrator_is_refused_and_not_asked_to_sign_in_again(client: Client, path: str) -> None:
    # “Staff” is no role of ours.
    client.force_login(User.objects.create_user("ada", is_staff=True))
    response = client.get(path)
    assert response.status_code == 403
    assert "This needs an administrator; your role is viewer." in response.content.decode()


@pytest.mark.any_database
def test_an_administrator_who_comes_to_the_admins_sign_in_is_in_already(admin_client: Client) -> None:
    assert admin_client.get("/admin/login/")["Location"] == "/admin/"


@pytest.mark.any_database
def test_only_administrators_are_shown_the_way(client: Client, admin_client: Client) -> None:
    client.force_login(User.objects.create_user("ada"))
    assert 'href="/admin/"' not in client.get("/jobs/").content.decode()
    assert 'href="/admin/"' in admin_client.get("/jobs/").content.decode()


@pytest.mark.any_database
def test_signing_out_of_the_admin_is_signing_out(admin_client: Client) -> None:
    assert admin_client.post("/admin/logout/")["Location"] == "/login/"
    assert admin_client.get("/").status_code == 302


@pytest.mark.any_database
def test_the_content_policy_is_as_strict_as_everywhere(admin_client: Client) -> None:
    policy = admin_client.get("/admin/")["Content-Security-Policy"]
    assert policy == admin_client.get("/jobs/")["Content-Security-Policy"]
    assert "unsafe" not in policy


# ---- corrections ----


def form_of(client: Client, row: Model, **values: Any) -> dict[str, Any]:
    """What a browser would send of a row's form, with these values."""
    form = client.get(address(type(row), "change", row.pk)).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields} | values
    return {name: value for name, value in sent.items() if value is not None and value is not False}


def correct(client: Client, row: Model, **values: Any) -> Any:
    return client.post(address(type(row), "change", row.pk), form_of(client, row, **values))


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def messages_of(client: Client, response: Any) -> list[str]:
    page = client.get(response["Location"]) if response.status_code == 302 else response
    return [str(one) for one in page.context["messages"]]


def test_a_repository_is_corrected(admin_client: Client, files: Repository) -> None:
    other = PublishSettings.objects.matching(checksums="SHA256SUMS")
    remote = Remote.objects.create(name="other", url="http://host/")
    values = {"name": "renamed", "publish_settings": other.pk, "remote": remote.pk, "mirror": True, "brake": 7}
    assert correct(admin_client, files, **values).status_code == 302
    files.refresh_from_db()
    assert (files.name, files.publish_settings, files.remote) == ("renamed", other, remote)
    assert (files.mirror, files.brake, files.auto_publish) == (True, 7, True)
    assert "Changed Name" in LogEntry.objects.get().get_change_message()


def test_a_repository_can_do_without_a_remote(admin_client: Client, files: Repository) -> None:
    assert correct(admin_client, files, remote="").status_code == 302
    files.refresh_from_db()
    assert files.remote is None


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"name": " "}, "name", "required"),
        ({"name": "debian-tools"}, "name", "already"),
        ({"name": "a\tb"}, "name", "all of which can be printed"),
        ({"auto_publish": False}, "auto_distribute", "Only what is published can be distributed"),
        ({"mirror": True, "remote": ""}, "mirror", "so it needs one"),
        ({"brake": 101}, "brake", "percentage"),
        ({"publish_settings": 999}, "publish_settings", "not one of the available choices"),
    ],
)
def test_what_the_domain_refuses_of_a_repository_is_said_at_the_field(
    admin_client: Client, files: Repository, values: dict[str, Any], field: str, said: str
) -> None:
    scenes.a_repository("debian-tools")
    assert said in str(errors_of(correct(admin_client, files, **values))[field])
    assert Repository.objects.get(pk=files.pk).name == "files"


def test_a_remote_is_corrected_and_its_secrets_stay(admin_client: Client, files: Repository) -> None:
    remote = Remote.objects.get()
    Remote.objects.update(username="ada", password=vault.seal(SECRET))
    response = correct(admin_client, remote, name="renamed", url=f"{remote.url}?x=1", tries=9)
    assert response.status_code == 302
    remote.refresh_from_db()
    assert (remote.name, remote.tries, vault.reveal(remote.password)) == ("renamed", 9, SECRET)


def test_a_remotes_secrets_can_neither_be_read_nor_sent(admin_client: Client, files: Repository) -> None:
    remote = Remote.objects.get()
    Remote.objects.update(username="ada", password=vault.seal(SECRET))
    text = text_of(admin_client, address(Remote, "change", remote.pk))
    assert "password: set, bearer token: not set" in text
    correct(admin_client, remote, name="renamed", token="stolen", password="other")
    remote.refresh_from_db()
    assert (remote.name, remote.token, vault.reveal(remote.password)) == ("renamed", "", SECRET)


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"url": "ftp://host/"}, "url", "http"),
        ({"url": "https://ada:pw@host/"}, "url", ""),
        ({"url": "https://elsewhere.example/"}, "password", "entered for http://127.0.0.1"),
        ({"proxy_url": "http://elsewhere.example"}, "password", "not entered for a way through http://elsewhere."),
        ({"tls_verify": False}, "password", "entered while TLS was verified"),
        ({"tries": 99}, "tries", "20"),
        ({"proxy_url": "http://host/path"}, "proxy_url", "without a path"),
        ({"ca_certificate": "nonsense"}, "ca_certificate", ""),
        ({"username": "a:b"}, "username", "colon"),
    ],
)
def test_what_the_domain_refuses_of_a_remote_is_said(
    admin_client: Client, files: Repository, values: dict[str, Any], field: str, said: str
) -> None:
    remote = Remote.objects.get()
    Remote.objects.update(password=vault.seal(SECRET))
    errors = errors_of(correct(admin_client, remote, **values))
    assert said in str(errors.get(field) or errors["__all__"])
    assert Remote.objects.get().url == remote.url


def test_a_distribution_moves_to_another_base_path_and_its_history_says_so(
    admin_client: Client, files: Repository
) -> None:
    distribution = Distribution.objects.get()
    assert correct(admin_client, distribution, base_path="/files/here/").status_code == 302
    distribution.refresh_from_db()
    assert distribution.base_path == "files/here"
    switch = Switch.objects.get()
    assert "files/here" in switch.reason
    assert switch.by and switch.by.username == "admin"


@pytest.mark.parametrize(
    ("base_path", "said"),
    [("", "required"), ("a/../b", "has an empty part"), ("debian", "overlaps"), ("debian/tools", "already used")],
)
def test_a_base_path_that_clashes_is_refused_at_the_field(
    admin_client: Client, files: Repository, base_path: str, said: str
) -> None:
    scenes.a_repository("debian-tools", base_path="debian/tools")
    distribution = files.distributions.get()
    assert said in str(errors_of(correct(admin_client, distribution, base_path=base_path))["base_path"])


def test_what_only_the_database_refuses_is_a_sentence_and_no_500(
    admin_client: Client, files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unchecked(repository: Repository, **values: Any) -> None:
        Repository.objects.filter(pk=repository.pk).update(auto_publish=False)

    monkeypatch.setattr(change, "change_repository", unchecked)
    response = correct(admin_client, files, name="renamed")
    assert messages_of(admin_client, response) == [
        "Nothing was changed, for the database keeps the rule “repository distribute needs publish”. "
        "Look at the values, then try again."
    ]
    assert Repository.objects.get(pk=files.pk).auto_publish


def test_what_somebody_else_changed_meanwhile_is_a_sentence_and_no_500(
    admin_client: Client, files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*args: Any, **kwargs: Any) -> None:
        raise Stale("“files”")

    monkeypatch.setattr(change, "change_repository", too_late)
    response = correct(admin_client, files, name="renamed")
    assert "was changed by somebody else meanwhile" in messages_of(admin_client, response)[0]
    assert not LogEntry.objects.exists()


# ---- deletions ----


def delete(client: Client, row: Model) -> Any:
    return client.post(address(type(row), "delete", row.pk), {"post": "yes"})


def delete_chosen(client: Client, *rows: Model) -> Any:
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    return client.post(address(type(rows[0])), chosen)


@pytest.fixture
def served(files: Repository) -> Publication:
    """Of version 2; version 1 was published long ago."""
    factories.serve(files, {"a": b"1"}, days_ago=30)
    return factories.serve(files, {"a": b"2"}, days_ago=20)


def needed(served: Publication) -> dict[str, Model]:
    """Of each model that can be deleted, an object that must not be."""
    repository = served.version.repository
    return {
        "repository": repository,
        "version": served.version,
        "publication": served,
        "distribution": repository.distributions.get(),
        "publish settings": served.settings,
        "remote": Remote.objects.get(),
    }


NEEDED = ["repository", "version", "publication", "distribution", "publish settings", "remote"]


@pytest.mark.parametrize("noun", NEEDED)
def test_what_is_needed_or_served_is_not_deleted_and_the_reason_is_said(
    admin_client: Client, served: Publication, noun: str
) -> None:
    row = needed(served)[noun]
    page = text_of(admin_client, address(type(row), "delete", row.pk))
    assert "cannot be deleted:" in page
    assert 'type="submit" value="Yes' not in page
    assert "cannot be deleted:" in delete(admin_client, row).content.decode()
    assert "Nothing was deleted" in delete_chosen(admin_client, row).content.decode()
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def unneeded(served: Publication) -> dict[str, Model]:
    """Of each model that can be deleted, an object that nobody needs."""
    first = RepositoryVersion.objects.get(number=1)
    other = scenes.a_repository("other")
    return {
        "repository": other,
        "version": first,
        "publication": Publication.objects.get(version=first),
        "distribution": other.distributions.get(),
        "publish settings": PublishSettings.objects.matching(checksums="SHA256SUMS"),
        "remote": Remote.objects.create(name="unused", url="http://host/"),
    }


@pytest.mark.parametrize("noun", NEEDED)
@pytest.mark.parametrize("how", [delete, delete_chosen])
def test_what_nobody_needs_is_deleted_by_the_domain(
    admin_client: Client, served: Publication, noun: str, how: Callable[..., Any]
) -> None:
    row = unneeded(served)[noun]
    assert "Yes, I’m sure" in text_of(admin_client, address(type(row), "delete", row.pk))
    response = how(admin_client, row)
    assert response.status_code == 302
    assert not type(row)._default_manager.filter(pk=row.pk).exists()
    assert LogEntry.objects.get().object_id == str(row.pk)


def test_of_many_chosen_one_that_is_needed_keeps_all(admin_client: Client, served: Publication) -> None:
    rows = [needed(served)["publication"], unneeded(served)["publication"]]
    assert "It is served at “files”" in delete_chosen(admin_client, *rows).content.decode()
    assert Publication.objects.count() == 2


def test_a_refusal_that_comes_too_late_for_the_page_is_said_and_not_logged(
    admin_client: Client, served: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "of_publication", lambda _: deletion.Consequences())
    for how in (delete, delete_chosen):
        response = how(admin_client, served)
        assert messages_of(admin_client, response)[0].startswith("Not deleted: It is served at “files”")
    assert Publication.objects.filter(pk=served.pk).exists()
    assert not LogEntry.objects.exists()


# ---- actions ----


def act(client: Client, name: str, *rows: Model) -> list[str]:
    chosen = {"action": name, "_selected_action": [row.pk for row in rows]}
    return messages_of(client, client.post(address(type(rows[0])), chosen))


def test_repositories_are_run_and_each_says_what_came_of_it(admin_client: Client, files: Repository) -> None:
    served_nowhere = scenes.a_repository("nowhere")
    served_nowhere.distributions.all().delete()
    first, second = act(admin_client, "run", files, served_nowhere)
    job = Job.objects.get()
    assert first == f'“files”: <a href="/jobs/{job.pk}/">job {job.pk}</a> was requested.'
    assert second.startswith("“nowhere”: No distribution follows “nowhere”")
    assert job.requested_by and job.requested_by.username == "admin"
    (again,) = act(admin_client, "run", files)
    assert again.startswith("“files”: the same run is already waiting, as <a")


def test_tokens_are_revoked(admin_client: Client, files: Repository) -> None:
    token = tokens.make("build server", everything=True).token
    assert act(admin_client, "revoke", token) == ["“build server” was revoked: it opens nothing any more."]
    assert not AccessToken.objects.usable().exists()
    assert act(admin_client, "revoke", token) == ["“build server”: It was revoked already."]


def test_the_newest_version_is_verified(admin_client: Client, served: Publication) -> None:
    files = served.version.repository
    assert act(admin_client, "verify_newest", files) == [
        "“files version 2” is whole. Looked at 1\N{NO-BREAK SPACE}file, 1\N{NO-BREAK SPACE}B."
    ]
    pool.path(factories.artifact(b"2").sha256).unlink()
    (said,) = act(admin_client, "verify_newest", files)
    assert "“a”: it is not in the pool" in said


def test_what_was_not_looked_at_is_said(
    admin_client: Client, served: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repos.verify.LIMIT_SECONDS", -1)
    (said,) = act(admin_client, "verify_newest", served.version.repository)
    assert "no fault was found so far. Looked at 0\N{NO-BREAK SPACE}files" in said
    assert "not at 1\N{NO-BREAK SPACE}file:" in said


def test_artifacts_are_verified(admin_client: Client, served: Publication) -> None:
    whole, broken = factories.artifact(b"1"), factories.artifact(b"2")
    pool.path(broken.sha256).write_bytes(b"3")
    said = act(admin_client, "verify_bytes", whole, broken)
    assert any(one.startswith(f"“{whole}”: whole, 1") for one in said)
    assert any(one.startswith(f"“{broken}”: its sha256 is ") for one in said)


def test_jobs_are_canceled_and_the_history_says_by_whom(admin_client: Client, files: Repository) -> None:
    waiting, ended = scenes.a_job(files), scenes.an_ended_job(files, "completed")
    said = act(admin_client, "cancel", waiting, ended)
    assert any("canceled, or told to stop" in one for one in said)
    assert any("There was nothing to cancel" in one for one in said)
    waiting.refresh_from_db()
    assert waiting.state == "canceled"
    assert "Canceled." in text_of(admin_client, address(Job, "history", waiting.pk))


def test_jobs_are_run_again(admin_client: Client, files: Repository) -> None:
    ended = scenes.an_ended_job(files, "failed", error="it broke")
    (said,) = act(admin_client, "again", ended)
    again = Job.objects.active().get()
    assert said == f'“job {ended.pk}”: <a href="/jobs/{again.pk}/">job {again.pk}</a> was requested.'
    (joined,) = act(admin_client, "again", ended)
    assert "the same run is already waiting" in joined
    assert Job.objects.active().count() == 1


def test_distributions_are_refreshed_but_pinned_ones_are_not(admin_client: Client, served: Publication) -> None:
    distribution = Distribution.objects.get()
    (said,) = act(admin_client, "refresh", distribution)
    assert "was requested" in said
    assert Job.objects.get().actions == ["sync", "publish", "distribute"]
    Distribution.objects.update(pinned=True)
    (refused,) = act(admin_client, "refresh", distribution)
    assert "pinned" in refused
    assert Job.objects.count() == 1


def test_more_than_a_person_can_oversee_are_refused(
    admin_client: Client, files: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_AT_ONCE", 1)
    other = scenes.a_repository("other")
    assert act(admin_client, "run", files, other) == ["Nothing was done: choose at most 1 at once."]
    assert not Job.objects.exists()


@pytest.mark.any_database
def test_names_in_messages_are_text(admin_client: Client) -> None:
    repository = factories.repository(MARKUP)
    chosen = {"action": "run", "_selected_action": [repository.pk]}
    for _ in range(2):
        text = admin_client.post(address(Repository), chosen, follow=True).content.decode()
        assert MARKUP not in text
        assert "&lt;script&gt;" in text


# ---- users ----


def test_users_are_changed_on_their_own_pages(admin_client: Client, admin_user: User) -> None:
    text = text_of(admin_client, address(User, "change", admin_user.pk))
    assert f'href="/users/{admin_user.pk}/"' in text
    assert admin_user.password not in text
    assert admin_client.post(f"/admin/auth/user/{admin_user.pk}/password/", {})["Location"] == "/users/"


def test_dates_do_not_break_the_filters(admin_client: Client, files: Repository) -> None:
    job = scenes.an_ended_job(files, "completed")
    Job.objects.filter(pk=job.pk).update(requested_at=timezone.now() - timedelta(days=400))
    assert str(job) not in text_of(admin_client, address(Job), requested_at__year=timezone.now().year)


def test_a_reservation_is_seen(admin_client: Client, files: Repository) -> None:
    scenes.a_running_job(files)
    assert Reservation.objects.filter(held=True).exists()
    assert "repository:" in text_of(admin_client, address(Reservation), held__exact=1)


# ---- in a browser ----


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"needs Debian's chromium at {CHROMIUM}")
def test_its_pages_keep_the_content_policy(visitor: BrowserPage, operator: User) -> None:
    """The fixture listens for what breaks it."""
    repository = factories.repository()
    factories.serve(repository, {"a": b"1"})
    pages = [address(model) for model in MODELS]
    pages += [address(model, "change", model._default_manager.latest("pk").pk) for model in (Repository, Remote, User)]
    for page in ["/admin/", address(Repository, "delete", repository.pk), *pages]:
        visitor.goto(page)
    visitor.goto(address(Repository, "change", repository.pk))
    visitor.locator(".field-remote .select2-selection").click()
    expect(visitor.locator(".select2-results__option", has_text="files")).to_be_visible()
    visitor.goto(address(Repository))
    visitor.locator("#action-toggle").check()
    visitor.locator("select[name=action]").select_option("run")
    visitor.get_by_role("button", name="Go").click()
    visitor.get_by_role("link", name=re.compile(r"^job \d+$")).click()
    expect(visitor.get_by_role("heading", name=re.compile(r"^Job \d+"))).to_be_visible()
