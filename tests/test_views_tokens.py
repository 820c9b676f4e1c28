"""The pages of tokens, and those that protect a distribution."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from repos import tokens
from repos.models import AccessToken, Distribution, Switch
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bell")]


@pytest.fixture
def secret() -> Distribution:
    """Protected, and serving something, beside one that is open."""
    made = factories.repository("secret", "team/secret")
    Distribution.objects.update(protected=True)
    factories.serve(made, {"a.txt": b"a"})
    factories.repository("open", "open")
    return made.distributions.get()


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def made(client: Client, **values: object) -> str:
    """Sends the form; returns the secret that the page shows."""
    known = {"name": "build server", "scope": "chosen", "days": "30"}
    response = client.post("/tokens/new/", known | values)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    (found,) = set(re.findall(r"mr_[\w-]{43}", response.content.decode()))
    return str(found)


def test_it_works(admin_client: Client, secret: Distribution) -> None:
    key = made(admin_client, distributions=[secret.pk])
    found = tokens.find(key)
    assert found
    assert (list(found.distributions.all()), found.everything, str(found.created_by)) == ([secret], False, "admin")
    text = text_of(admin_client, "/tokens/")
    for shown in ("build server", f"{key[:10]}…", "team/secret", "usable", "by admin", f"/tokens/{found.pk}/revoke/"):
        assert shown in text
    assert key not in text
    assert "was revoked" in admin_client.post(f"/tokens/{found.pk}/revoke/", follow=True).content.decode()
    assert tokens.find(key) is None
    assert "was deleted" in admin_client.post(f"/tokens/{found.pk}/delete/", follow=True).content.decode()
    assert "No tokens yet" in text_of(admin_client, "/tokens/")


def test_the_line_to_try_it_can_be_pasted(admin_client: Client, secret: Distribution) -> None:
    sent = {"name": "build server", "scope": "chosen", "days": "30", "distributions": [secret.pk]}
    text = unescape(admin_client.post("/tokens/new/", sent).content.decode())
    assert '<code>curl -H "Authorization: Bearer $TOKEN" http://testserver/content/team/secret/</code>' in text


def test_the_secret_is_on_no_other_page(admin_client: Client, secret: Distribution) -> None:
    key = made(admin_client, distributions=[secret.pk])
    for address in ("/tokens/", "/tokens/new/", f"/distributions/{secret.pk}/", "/admin/repos/accesstoken/"):
        assert key not in text_of(admin_client, address)
    assert AccessToken.objects.get().digest not in text_of(
        admin_client, f"/admin/repos/accesstoken/{AccessToken.objects.get().pk}/change/"
    )


@pytest.mark.parametrize(("days", "expires"), [("30", 30), ("90", 90), ("365", 365), ("", None)])
def test_a_token_lasts_as_long_as_is_chosen(admin_client: Client, days: str, expires: int | None) -> None:
    made(admin_client, scope="everything", days=days)
    token = AccessToken.objects.get()
    assert token.everything
    if expires is None:
        assert token.expires_at is None
    else:
        assert token.expires_at
        assert abs(token.expires_at - timezone.now() - timedelta(days=expires)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "Enter the name."),
        ({"name": "a\u2028b"}, "all of which can be printed"),
        ({}, "Choose either everything, or at least one distribution."),
        ({"distributions": ["4711"]}, "It is not there, or not any more."),
        ({"scope": "all", "distributions": []}, "“all” is not offered."),
        ({"days": "7"}, "“7” is not offered."),
    ],
)
def test_what_is_not_right_is_said_and_makes_nothing(
    admin_client: Client, secret: Distribution, values: dict[str, object], said: str
) -> None:
    known = {"name": "one", "scope": "chosen", "days": "30"}
    response = admin_client.post("/tokens/new/", known | values)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not AccessToken.objects.exists()


def test_all_of_a_form_for_everything_is_everything(admin_client: Client, secret: Distribution) -> None:
    """What was ticked before that was chosen narrows nothing."""
    made(admin_client, scope="everything", distributions=[secret.pk])
    token = AccessToken.objects.get()
    assert (token.everything, token.distributions.count()) == (True, 0)


def test_a_form_begins_with_the_distribution_that_led_there(admin_client: Client, secret: Distribution) -> None:
    page = text_of(admin_client, f"/distributions/{secret.pk}/")
    assert f"/tokens/new/?distribution={secret.pk}" in page
    form = text_of(admin_client, f"/tokens/new/?distribution={secret.pk}")
    assert re.search(rf'value="{secret.pk}"[^>]*checked', form)
    assert form.index("team/secret") < form.index("open (not protected)")
    assert admin_client.get("/tokens/new/?distribution=x").status_code == 200


def test_a_token_that_can_be_used_is_not_deleted(admin_client: Client) -> None:
    token = tokens.make("one", everything=True).token
    response = admin_client.post(f"/tokens/{token.pk}/delete/")
    assert response.status_code == 409
    assert "Revoke it first" in response.content.decode()


def test_each_state_has_its_word_and_its_act(admin_client: Client, secret: Distribution) -> None:
    usable, expired, revoked = (tokens.make(name, everything=True, days=9).token for name in ("a", "b", "c"))
    AccessToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=1))
    tokens.revoke(revoked)
    text = text_of(admin_client, "/tokens/")
    assert {f"/tokens/{usable.pk}/revoke/", f"/tokens/{expired.pk}/delete/", f"/tokens/{revoked.pk}/delete/"} == set(
        re.findall(r"/tokens/\d+/\w+/", text)
    )
    assert all(word in text for word in ("usable", "expired", "revoked"))


def test_a_token_for_what_is_gone_opens_nothing_and_says_so(admin_client: Client, secret: Distribution) -> None:
    tokens.make("one", distributions=[Distribution.objects.get(base_path="open")])
    Distribution.objects.filter(base_path="open").delete()
    assert "nothing any more" in text_of(admin_client, "/tokens/")


def test_ten_more_tokens_take_no_more_queries(admin_client: Client, secret: Distribution) -> None:
    def with_ten_more() -> int:
        for _ in range(10):
            tokens.make("one", distributions=[secret])
        with CaptureQueriesContext(connection) as queries:
            text_of(admin_client, "/tokens/")
        return len(queries)

    assert with_ten_more() == with_ten_more()


def test_the_list_is_searched_and_filtered(admin_client: Client, secret: Distribution) -> None:
    usable, expired, revoked = (
        tokens.make(name, everything=True, days=9).token for name in ("a usable", "b expired", "c revoked")
    )
    there = tokens.make("d there", distributions=[secret, Distribution.objects.get(base_path="open")]).token
    AccessToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=1))
    tokens.revoke(revoked)

    def found(**asked: str) -> list[AccessToken]:
        return list(admin_client.get("/tokens/", asked).context["list"])

    assert found() == [there, revoked, expired, usable]
    assert found(sort="name") == [usable, expired, revoked, there]
    assert (found(q="b expired"), found(q="team/"), found(q="open")) == ([expired], [there], [there])
    assert (found(state="usable"), found(state="expired"), found(state="revoked")) == (
        [there, usable],
        [expired],
        [revoked],
    )
    assert "No token matches" in text_of(admin_client, "/tokens/?q=zzz")


@pytest.mark.parametrize("deed", ["revoke", "delete"])
def test_the_end_of_a_token_is_asked_for_first(admin_client: Client, deed: str) -> None:
    token = tokens.make("one", everything=True).token
    if deed == "delete":
        tokens.revoke(token)
    text = text_of(admin_client, f"/tokens/{token.pk}/{deed}/")
    assert f"{deed.capitalize()} the token “one”?" in text
    assert tokens.state(AccessToken.objects.get()) == ("usable" if deed == "revoke" else "revoked")


# ---- distributions -----------------------------------------------------------------------------------------


def test_a_distribution_is_protected_when_it_is_made(admin_client: Client, secret: Distribution) -> None:
    values = {"repository": secret.repository_id, "base_path": "new", "how": "follow", "protected": "on"}
    admin_client.post("/distributions/new/", values)
    assert Distribution.objects.get(base_path="new").protected


def test_a_distribution_is_protected_and_opened_later(admin_client: Client, secret: Distribution) -> None:
    page = f"/distributions/{secret.pk}/edit/"
    response = admin_client.post(page, {"base_path": "team/secret"}, follow=True)
    assert "served at “team/secret” to all" in response.content.decode()
    assert not Distribution.objects.get(pk=secret.pk).protected
    response = admin_client.post(page, {"base_path": "team/moved", "protected": "on"}, follow=True)
    assert "to those who are signed in or have a token for it" in response.content.decode()
    assert Distribution.objects.get(pk=secret.pk).protected
    reasons = list(Switch.objects.filter(distribution=secret).values_list("reason", "by__username")[:3])
    assert reasons == [
        ("base path changed from “team/secret” to “team/moved”", "admin"),
        ("protected: it takes a sign-in or a token", "admin"),
        ("opened to all", "admin"),
    ]


def test_a_base_path_that_cannot_be_leaves_the_protection_as_it_was(admin_client: Client, secret: Distribution) -> None:
    response = admin_client.post(f"/distributions/{secret.pk}/edit/", {"base_path": "open"})
    assert response.status_code == 422
    assert Distribution.objects.get(pk=secret.pk).protected


def test_what_is_protected_says_so_in_a_word(admin_client: Client, secret: Distribution) -> None:
    for address in ("/distributions/", f"/distributions/{secret.pk}/", f"/repositories/{secret.repository_id}/"):
        assert "protected</span>" in text_of(admin_client, address), address
    assert list(admin_client.get("/distributions/", {"show": "protected"}).context["list"]) == [secret]
