"""The pages of publish settings: who shares them, and moving to others."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from repos import publish_settings
from repos.models import Publication, PublishSettings, Repository
from tests import scenes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]
VALUES = {"manifest": "PULP_MANIFEST", "checksums": "SHA256SUMS"}
MARKUP = "<script>alert(1)<"


@pytest.fixture
def shared(db: None) -> PublishSettings:
    """Two repositories share them: debian-tools, which was published with them, and python-docs."""
    scenes.a_completed_job(scenes.a_repository("debian-tools"))
    return scenes.a_repository("python-docs").publish_settings


def tools() -> Repository:
    return Repository.objects.select_related("publish_settings").get(name="debian-tools")


def checksums() -> dict[str, str]:
    """The checksum file of each repository."""
    return dict(Repository.objects.values_list("name", "publish_settings__checksums"))


def opened(client: Client, address: str) -> dict[str, Any]:
    """The edit form as a browser would send it back."""
    form = client.get(address).context["form"]
    return {name: form[name].value() or "" for name in form.fields}


def test_it_works(admin_client: Client, shared: PublishSettings) -> None:
    text = admin_client.get("/publish-settings/").content.decode()
    for shown in ("PULP_MANIFEST", "debian-tools</a>, <a", "python-docs"):
        assert shown in text
    page = admin_client.get(f"/publish-settings/{shared.pk}/").content.decode()
    for shown in ("none is written", "debian-tools version 1", "mirrors/debian-tools", f"?repository={tools().pk}"):
        assert shown in page


# ---- the list ----


def test_the_list_is_searched_and_filtered(admin_client: Client, shared: PublishSettings) -> None:
    other, _ = publish_settings.make(manifest="", checksums="sums")

    def found(**asked: str) -> list[PublishSettings]:
        return list(admin_client.get("/publish-settings/", asked).context["list"])

    assert found() == [shared, other]
    assert (found(q="python"), found(q="SUMS"), found(q="\0")) == ([shared], [other], [shared, other])
    assert (found(use="used"), found(use="unused"), found(use="?")) == ([shared], [other], [shared, other])


@pytest.mark.any_database
@pytest.mark.parametrize(("asked", "said"), [({}, "There are none yet"), ({"q": "x"}, "No set matches “x” here")])
def test_an_empty_list_says_what_to_do(admin_client: Client, asked: dict[str, str], said: str) -> None:
    assert said in admin_client.get("/publish-settings/", asked).content.decode()


def test_many_are_counted_after_the_first(admin_client: Client) -> None:
    for number in range(7):
        scenes.a_repository(f"r{number}")
    text = admin_client.get("/publish-settings/").content.decode()
    assert "7\N{NO-BREAK SPACE}repositories" in text
    assert "r6" not in text


@pytest.mark.parametrize("page", ["", "{pk}/"])
def test_ten_more_rows_take_no_more_queries(admin_client: Client, page: str) -> None:
    def with_ten_more(number: int) -> int:
        for place in range(10):
            made = scenes.a_repository(f"{number}-{place}")
            scenes.a_completed_job(made)
            publish_settings.change(made.publish_settings, repositories=[made], checksums=made.name)
        first = PublishSettings.objects.earliest("pk")
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(f"/publish-settings/{page.format(pk=first.pk)}").status_code == 200
        return len(queries)

    assert with_ten_more(1) == with_ten_more(2)


def test_the_publications_have_pages(admin_client: Client, shared: PublishSettings) -> None:
    for _ in range(25):
        scenes.a_publication(scenes.a_version(tools()))
    text = admin_client.get(f"/publish-settings/{shared.pk}/?publications=2").content.decode()
    assert "debian-tools version 2<" in text
    assert "debian-tools version 20<" not in text


# ---- new ones ----


def test_new_ones_are_made(admin_client: Client) -> None:
    answer = admin_client.post("/publish-settings/new/", VALUES)
    made = PublishSettings.objects.get(**VALUES)
    assert answer["Location"] == f"/publish-settings/{made.pk}/"


def test_values_that_are_there_lead_there(admin_client: Client) -> None:
    admin_client.post("/publish-settings/new/", VALUES)
    again = admin_client.post("/publish-settings/new/", VALUES, follow=True)
    assert "There already are such settings" in again.content.decode()
    assert PublishSettings.objects.filter(**VALUES).count() == 1


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("manifest", "a/b", "without a folder"),
        ("manifest", "..", "has an empty part"),
        ("manifest", "x" * 201, "Shorten it to 200 at most"),
        ("checksums", "PULP_MANIFEST", "cannot be two files"),
    ],
)
def test_a_bad_value_answers_422_with_the_reason_at_its_field(
    admin_client: Client, field: str, value: str, said: str
) -> None:
    answer = admin_client.post("/publish-settings/new/", VALUES | {field: value})
    assert answer.status_code == 422
    assert said in answer.context["form"].errors[field][0]
    assert answer.context["form"][field].value() == value
    assert not PublishSettings.objects.exists()


@pytest.mark.any_database
def test_markup_is_shown_as_text(admin_client: Client) -> None:
    answer = admin_client.post("/publish-settings/new/", {"manifest": MARKUP, "checksums": ""}, follow=True)
    made = PublishSettings.objects.get()
    for page in ("/publish-settings/", *(f"/publish-settings/{made.pk}/{one}" for one in ("", "edit/", "delete/"))):
        assert MARKUP not in admin_client.get(page).content.decode()
    assert "&lt;script&gt;" in answer.content.decode()


# ---- changing ----


def test_an_edit_moves_all_that_share_them(admin_client: Client, shared: PublishSettings) -> None:
    address = f"/publish-settings/{shared.pk}/edit/"
    text = admin_client.get(address).content.decode()
    assert "All that use the present ones move" in text
    answer = admin_client.post(address, opened(admin_client, address) | {"checksums": "SHA256SUMS"}, follow=True)
    assert checksums() == {"debian-tools": "SHA256SUMS", "python-docs": "SHA256SUMS"}
    assert "The next job publishes with these" in answer.content.decode()
    shared.refresh_from_db()
    assert shared.checksums == ""


@pytest.mark.parametrize(("scope", "moved"), [("only", ""), ("all", "SHA256SUMS")])
def test_opened_from_a_repository_it_may_be_for_that_alone(
    admin_client: Client, shared: PublishSettings, scope: str, moved: str
) -> None:
    address = f"/publish-settings/{shared.pk}/edit/?repository={tools().pk}"
    sent = opened(admin_client, address) | {"checksums": "SHA256SUMS", "scope": scope}
    assert admin_client.post(address, sent)["Location"] == f"/repositories/{tools().pk}/"
    assert checksums() == {"debian-tools": "SHA256SUMS", "python-docs": moved}


def test_the_only_user_is_not_asked_for_whom(admin_client: Client) -> None:
    made = scenes.a_repository()
    address = f"/publish-settings/{made.publish_settings_id}/edit/?repository={made.pk}"
    assert 'name="scope"' not in admin_client.get(address).content.decode()


def test_the_same_values_change_nothing(admin_client: Client, shared: PublishSettings) -> None:
    address = f"/publish-settings/{shared.pk}/edit/"
    answer = admin_client.post(address, opened(admin_client, address), follow=True)
    assert "Nothing was changed" in answer.content.decode()
    assert PublishSettings.objects.count() == 1


@pytest.mark.any_database
def test_a_bad_change_answers_422(admin_client: Client, shared: PublishSettings) -> None:
    address = f"/publish-settings/{shared.pk}/edit/"
    answer = admin_client.post(address, opened(admin_client, address) | {"checksums": "a/b"})
    assert answer.status_code == 422
    assert "without a folder" in answer.content.decode()


@pytest.mark.parametrize("query", ["", "?repository={pk}"])
def test_a_form_is_stale_when_others_share_them_by_now(
    admin_client: Client, shared: PublishSettings, query: str
) -> None:
    address = f"/publish-settings/{shared.pk}/edit/{query.format(pk=tools().pk)}"
    sent = opened(admin_client, address) | {"checksums": "SHA256SUMS"}
    scenes.a_repository("another")
    refused = admin_client.post(address, sent)
    assert refused.status_code == 409
    assert "was changed by somebody else meanwhile" in refused.content.decode()
    assert set(checksums().values()) == {""}
    admin_client.post(address, sent | {"seen": refused.context["form"]["seen"].value()})
    assert "SHA256SUMS" in checksums().values()


def test_a_repository_that_uses_others_by_now_leads_to_those(admin_client: Client, shared: PublishSettings) -> None:
    address = f"/publish-settings/{shared.pk}/edit/?repository={tools().pk}"
    sent = opened(admin_client, address) | {"manifest": "mine"}
    other = publish_settings.change(shared, repositories=[tools()], checksums="other")
    there = f"/publish-settings/{other.pk}/edit/?repository={tools().pk}"
    assert admin_client.get(address)["Location"] == there
    refused = admin_client.post(address, sent)
    assert refused.status_code == 409
    assert f'action="{there}"' in refused.content.decode()
    assert checksums() == {"debian-tools": "other", "python-docs": ""}
    again = {name: refused.context["form"][name].value() or "" for name in refused.context["form"].fields}
    assert admin_client.post(there, again)["Location"] == f"/repositories/{tools().pk}/"
    now = tools().publish_settings
    assert (now.manifest, now.checksums) == ("mine", "other")


@pytest.mark.parametrize("repository", ["987", "x", ""])
def test_a_repository_that_is_not_there_is_404(admin_client: Client, shared: PublishSettings, repository: str) -> None:
    address = f"/publish-settings/{shared.pk}/edit/?repository={repository}"
    assert (admin_client.get(address).status_code, admin_client.post(address, VALUES).status_code) == (404, 404)


@pytest.mark.parametrize(("query", "scope"), [("", ""), ("?repository={pk}", "only"), ("?repository={pk}", "all")])
def test_a_change_sent_twice_is_made_once(
    admin_client: Client, shared: PublishSettings, query: str, scope: str
) -> None:
    address = f"/publish-settings/{shared.pk}/edit/{query.format(pk=tools().pk)}"
    sent = opened(admin_client, address) | {"checksums": "SHA256SUMS", "scope": scope}
    answers = [admin_client.post(address, sent) for _ in range(2)]
    assert [one.status_code for one in answers] == [302, 302]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert PublishSettings.objects.count() == 2


# ---- deleting ----


def test_what_nobody_uses_is_deleted(admin_client: Client) -> None:
    made, _ = publish_settings.make(**VALUES)
    assert "It cannot be undone" in admin_client.get(f"/publish-settings/{made.pk}/delete/").content.decode()
    assert admin_client.post(f"/publish-settings/{made.pk}/delete/")["Location"] == "/publish-settings/"
    assert not PublishSettings.objects.exists()


def test_what_is_in_use_is_not_deleted(admin_client: Client, shared: PublishSettings) -> None:
    said = "used by 2 repositories (debian-tools, python-docs) and 1 publication (debian-tools)"
    asked = admin_client.get(f"/publish-settings/{shared.pk}/delete/").content.decode()
    assert said in asked
    for repository in shared.repositories.all():
        assert f'href="/repositories/{repository.pk}/">Go to {repository}</a>' in asked
    publication = Publication.objects.get()
    assert f'href="/publications/{publication.pk}/">Go to {publication}</a>' in asked
    answer = admin_client.post(f"/publish-settings/{shared.pk}/delete/")
    assert (answer.status_code, answer.content.decode().count(said)) == (409, 1)
    assert PublishSettings.objects.exists()


# ---- what is not there, and other verbs ----


@pytest.mark.parametrize("page", ["", "edit/", "delete/"])
def test_what_is_not_there_is_404(admin_client: Client, page: str) -> None:
    assert admin_client.get(f"/publish-settings/987/{page}").status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("method", "page"), [("post", ""), ("put", "new/"), ("delete", "1/delete/"), ("put", "1/edit/")]
)
def test_another_verb_is_405(admin_client: Client, method: str, page: str) -> None:
    assert getattr(admin_client, method)(f"/publish-settings/{page}").status_code == 405


@pytest.mark.any_database
@pytest.mark.parametrize("page", ["", "new/", "1/", "1/edit/", "1/delete/"])
def test_a_stranger_has_to_sign_in(client: Client, page: str) -> None:
    assert client.get(f"/publish-settings/{page}")["Location"].startswith("/login/")
