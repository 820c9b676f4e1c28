"""Remotes: their pages, the forms, the check; and that nothing secret is on any of them."""

from collections.abc import Callable
from html import unescape
from threading import BoundedSemaphore, Thread
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard import checking
from repos import remotes, vault
from repos.models import Remote, Repository
from repos.remote_values import RANGES
from tests import factories
from tests.misbehaviour import Status
from tests.proxy import Proxy
from tests.test_remotes import CERTIFICATE, KEY
from tests.upstream import MANIFEST, Upstream

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
URL = "https://files.example.org/data/"
NUMBERS = {name: getattr(Remote(), name) for name in RANGES}
# What a browser sends of the form for a new remote, as it is when nothing but name and address were entered.
FIELDS: dict[str, Any] = {
    "name": "files",
    "url": URL,
    "kind": "manifest",
    "tls_verify": "on",
    **dict.fromkeys(("username", "password", "token", "headers", "user_agent"), ""),
    **dict.fromkeys(("ca_certificate", "client_certificate", "client_key"), ""),
    **dict.fromkeys(("proxy_url", "proxy_username", "proxy_password"), ""),
    **NUMBERS,
}
SECRETS = {
    "password": "hush-password",
    "headers": "X-Key: hush-header",
    "client_key": KEY,
    "proxy_password": "hush-proxy",
}
OTHERS = {
    "username": "ada",
    "client_certificate": CERTIFICATE,
    "proxy_url": "http://127.0.0.1:1",
    "proxy_username": "eve",
}
HUSHED = ["hush-password", "hush-header", "hush-proxy", *KEY.splitlines()[1:-1], "gAAAAA"]


@pytest.fixture
def remote() -> Remote:
    """One with every secret that there can be at once."""
    return remotes.make(name="files", url=URL, **OTHERS, **SECRETS)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def assert_hushed(response: Any) -> None:
    said = f"{text_of(response)}{response.headers}{response.client.session.items() if response.client else ''}"
    assert [one for one in HUSHED if one in said] == []


def as_sent(remote: Remote, **values: Any) -> dict[str, Any]:
    """What a browser sends of the form for `remote`, with these values entered."""
    there = {name: getattr(remote, name) for name in FIELDS if name not in (*Remote.SECRETS, "tls_verify")}
    ticked = {name: "on" for name in ("tls_verify", "use_environment") if getattr(remote, name)}
    return dict.fromkeys(Remote.SECRETS, "") | there | ticked | {"remote": remote.pk} | values


def seen(client: Client, remote: Remote) -> str:
    return str(client.get(f"/remotes/{remote.pk}/edit/").context["form"]["seen"].value())


# ---- reading ----


def test_it_works(admin_client: Client, remote: Remote) -> None:
    text = text_of(admin_client.get("/remotes/"))
    for shown in ("files", URL, "PULP_MANIFEST", "With a user name and a password, further headers", "through a proxy"):
        assert shown in text
    text = text_of(admin_client.get(f"/remotes/{remote.pk}/"))
    for shown in (
        URL,
        "<dd>set</dd>",
        "set, with its key",
        "http://127.0.0.1:1",
        "verified",
        "16\N{NO-BREAK SPACE}files",
    ):
        assert shown in text


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["/remotes/", "/remotes/{}/", "/remotes/{}/edit/", "/remotes/{}/delete/"])
def test_no_page_tells_a_secret(admin_client: Client, remote: Remote, path: str) -> None:
    response = admin_client.get(path.format(remote.pk))
    assert response.status_code == 200
    assert_hushed(response)


@pytest.mark.any_database
@pytest.mark.parametrize("path", ["", "1/", "new/", "1/edit/", "1/delete/"])
def test_strangers_are_sent_to_sign_in(client: Client, path: str) -> None:
    assert client.get(f"/remotes/{path}")["Location"].startswith("/login/")


def test_nobody_checks_without_signing_in(client: Client, upstream: Upstream) -> None:
    assert client.post("/remotes/check/", {"url": upstream.url})["Location"].startswith("/login/")
    assert not upstream.requests


@pytest.mark.parametrize("path", ["/remotes/77/", "/remotes/77/edit/", "/remotes/77/delete/"])
def test_one_that_is_not_there_is_not_found(admin_client: Client, path: str) -> None:
    assert admin_client.get(path).status_code == 404


@pytest.mark.any_database
def test_the_wrong_method_is_refused(admin_client: Client, remote: Remote) -> None:
    assert admin_client.post("/remotes/").status_code == 405
    assert admin_client.get("/remotes/check/").status_code == 405
    assert admin_client.put("/remotes/new/").status_code == 405


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["docs", "one", "two"]),
        ("?q=DOC", ["docs"]),
        ("?q=%00doc", ["docs"]),
        ("?q=/one/", ["one"]),
        ("?use=used", ["one", "two"]),
        ("?use=unused", ["docs"]),
        ("?q=o&use=unused", ["docs"]),
        ("?use=nonsense", ["docs", "one", "two"]),
        ("?q=nowhere", []),
        ("?page=99", ["docs", "one", "two"]),
    ],
)
def test_the_list_is_searched_and_filtered(admin_client: Client, query: str, shown: list[str]) -> None:
    remotes.make(name="docs", url=URL)
    for name in ("one", "two"):
        factories.repository(name, name)
    response = admin_client.get(f"/remotes/{query}")
    assert [remote.name for remote, _ in response.context["rows"]] == shown
    assert ("No remote " in text_of(response)) == (not shown)


@pytest.mark.any_database
def test_an_empty_list_says_what_to_do(admin_client: Client) -> None:
    assert "There are no remotes yet." in text_of(admin_client.get("/remotes/"))


def test_a_list_takes_as_many_queries_for_20_as_for_10(admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            admin_client.get("/remotes/")
        return len(captured)

    counts = []
    for start in (0, 10):
        for number in range(start, start + 10):
            factories.repository(f"r{number}", f"r{number}")
        counts.append(queries())
    assert counts[0] == counts[1] <= 6


def test_of_many_repositories_some_are_named_and_all_are_counted(admin_client: Client) -> None:
    remote = remotes.make(name="shared", url=URL)
    for number in range(12):
        factories.repository(f"r{number:02}", f"r{number}")
    Repository.objects.update(remote=remote)
    text = text_of(admin_client.get("/remotes/?q=shared"))
    assert "r02</a>" in text and "r03</a>" not in text
    assert "12\N{NO-BREAK SPACE}repositories" in text
    assert "r11</a>" in text_of(admin_client.get(f"/remotes/{remote.pk}/"))


@pytest.mark.any_database
def test_markup_in_a_name_is_text(admin_client: Client) -> None:
    remote = remotes.make(name="<script>alert(1)</script>", url=URL, user_agent="<b>x</b>")
    for path in ("/remotes/", f"/remotes/{remote.pk}/", f"/remotes/{remote.pk}/edit/", f"/remotes/{remote.pk}/delete/"):
        assert "<script>alert" not in text_of(admin_client.get(path))


# ---- making one ----


def test_a_remote_is_made_with_all_that_was_entered(admin_client: Client) -> None:
    response = admin_client.post("/remotes/new/", FIELDS | OTHERS | SECRETS | {"tries": "2"})
    made = Remote.objects.get()
    assert response["Location"] == f"/remotes/{made.pk}/"
    assert (made.username, made.tries, made.tls_verify) == ("ada", 2, True)
    assert vault.reveal(made.client_key) == KEY.strip()
    assert_hushed(admin_client.get(f"/remotes/{made.pk}/"))


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Enter the name."),
        ("name", "x" * 300, "Shorten it to 200 at most."),
        ("name", "taken", "already a remote called “taken”"),
        ("url", "ftp://example.org/", "must begin with http:// or https://"),
        ("url", "https://ada:hush-password@example.org/", "has a user name or a password in it"),
        ("url", "https://example.org:99999/", "port"),
        ("proxy_url", "http://eve:hush-proxy@proxy.example", "has a user name or a password in it"),
        ("kind", "nonsense", "is not offered"),
        ("username", "ada:eve", "cannot have a colon"),
        ("token", "hush-password", "There is a user name as well"),
        ("client_key", "hush-password", "It is no private key in PEM form"),
        ("proxy_url", "", "There is a login for a proxy, but no proxy"),
        ("tries", "99", "Give a whole number from 1 to 20"),
        ("tries", "many", "Enter a whole number"),
        ("rate_limit", "-1", "0"),
        ("rate_limit", "quick", "Enter a number of bytes, such as 50 MB."),
    ],
)
def test_an_invalid_form_answers_422_with_the_reason_at_the_field_and_without_secrets(
    admin_client: Client, field: str, value: str, said: str
) -> None:
    remotes.make(name="taken", url=URL)
    response = admin_client.post("/remotes/new/", FIELDS | OTHERS | SECRETS | {field: value})
    assert response.status_code == 422
    assert said in response.context["form"].errors[field][0]
    assert said in text_of(response)
    assert Remote.objects.count() == 1
    assert_hushed(response)
    assert f'value="{URL}"' in text_of(response) or field == "url"


@pytest.mark.parametrize("typed", ["50 MB", "50000 kB/s", "50000000"])
def test_a_rate_is_typed_with_a_unit_and_shown_with_it(admin_client: Client, typed: str) -> None:
    admin_client.post("/remotes/new/", FIELDS | {"rate_limit": typed, "least_speed": "1 KiB"})
    made = Remote.objects.get()
    assert (made.rate_limit, made.least_speed) == (50_000_000, 1024)
    edited = text_of(admin_client.get(f"/remotes/{made.pk}/edit/"))
    assert 'value="50 MB"' in edited
    assert 'value="1024"' in edited


@pytest.mark.any_database
def test_a_fold_with_an_error_in_it_is_open(admin_client: Client) -> None:
    text = text_of(admin_client.post("/remotes/new/", FIELDS | {"tries": "0"}))
    assert '<details class="card fold" id="limits" open>' in text
    assert '<details class="card fold" id="login" >' in text


def test_the_same_sent_twice_leads_to_what_was_made(admin_client: Client) -> None:
    answers = [admin_client.post("/remotes/new/", FIELDS | OTHERS | SECRETS) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {f"/remotes/{Remote.objects.get().pk}/"}


@pytest.mark.django_db(transaction=True)
def test_the_same_sent_twice_at_once_does_so_too(admin_client: Client) -> None:
    found: list[str] = []

    def send() -> None:
        found.append(admin_client.post("/remotes/new/", FIELDS)["Location"])
        connection.close()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [f"/remotes/{Remote.objects.get().pk}/"] * 2


# ---- changing one ----


def test_what_is_left_empty_is_kept_and_what_is_ticked_goes(admin_client: Client, remote: Remote) -> None:
    sent = as_sent(remote, seen=seen(admin_client, remote), tries="2", remove_headers="on")
    assert admin_client.post(f"/remotes/{remote.pk}/edit/", sent)["Location"] == f"/remotes/{remote.pk}/"
    now = Remote.objects.get()
    assert (now.tries, now.headers, now.password) == (2, "", remote.password)


def test_a_new_secret_takes_the_place_of_the_old(admin_client: Client, remote: Remote) -> None:
    sent = as_sent(remote, seen=seen(admin_client, remote), password=" new ")
    admin_client.post(f"/remotes/{remote.pk}/edit/", sent)
    assert vault.reveal(Remote.objects.get().password) == " new "


def test_only_a_secret_that_is_set_can_be_removed(admin_client: Client, remote: Remote) -> None:
    text = text_of(admin_client.get(f"/remotes/{remote.pk}/edit/"))
    assert 'name="remove_password"' in text
    assert 'name="remove_token"' not in text
    assert "Remove the client key</span>" in text


def test_another_address_asks_for_the_secrets_again(admin_client: Client, remote: Remote) -> None:
    sent = as_sent(remote, seen=seen(admin_client, remote), url="https://evil.example/")
    response = admin_client.post(f"/remotes/{remote.pk}/edit/", sent)
    assert response.status_code == 422
    assert sorted(response.context["form"].errors) == ["headers", "password"]
    assert "was entered for https://files.example.org, and is sent nowhere else" in text_of(response)
    assert Remote.objects.get().url == URL


def test_a_form_that_was_opened_before_a_change_answers_409_and_can_be_sent_again(
    admin_client: Client, remote: Remote
) -> None:
    sent = as_sent(remote, seen=seen(admin_client, remote), tries="3", password="hush-password-2")
    remotes.change(Remote.objects.get(), password="hush-password-3")
    response = admin_client.post(f"/remotes/{remote.pk}/edit/", sent)
    assert response.status_code == 409
    assert "The remote “files” was changed by somebody else meanwhile" in text_of(response)
    assert_hushed(response)
    assert Remote.objects.get().tries == 4
    again = sent | {"seen": response.context["form"]["seen"].value()}
    assert admin_client.post(f"/remotes/{remote.pk}/edit/", again).status_code == 302
    assert Remote.objects.get().tries == 3


def test_in_a_stale_form_what_nobody_touched_is_what_is_there_now(admin_client: Client, remote: Remote) -> None:
    first, second = (as_sent(remote, seen=seen(admin_client, remote)) for _ in range(2))
    del first["tls_verify"]
    secrets = {"password": "again", "headers": "X-Key: again", "proxy_password": "again"}
    admin_client.post(f"/remotes/{remote.pk}/edit/", first | secrets | {"tries": "7", "rate_limit": "50000 kB"})
    refused = admin_client.post(f"/remotes/{remote.pk}/edit/", second | {"user_agent": "mine", "tries": "3"})
    assert refused.status_code == 409
    form = refused.context["form"]
    shown = {name: form[name].value() for name in ("user_agent", "tries", "rate_limit", "tls_verify")}
    assert shown == {"user_agent": "mine", "tries": "3", "rate_limit": "50 MB", "tls_verify": False}
    assert form.errors == {"tries": ["Somebody else changed it. Now: “7”."]}
    assert Remote.objects.get().user_agent == ""


def test_a_change_sent_twice_is_made_once(admin_client: Client, remote: Remote) -> None:
    sent = as_sent(remote, seen=seen(admin_client, remote), tries="3", password="hush-password-2", remove_headers="on")
    for _ in range(2):
        assert admin_client.post(f"/remotes/{remote.pk}/edit/", sent).status_code == 302
    assert admin_client.post(f"/remotes/{remote.pk}/edit/", sent | {"password": "another"}).status_code == 409


def test_a_secret_of_a_refused_form_has_to_be_entered_again_and_is_not_lost_in_silence(
    admin_client: Client, remote: Remote, upstream: Upstream
) -> None:
    said = "Enter it again: what is secret is not shown again."
    wrong = FIELDS | {"name": "other", "tries": "0", "username": "me", "password": "hush-password"}
    refused = admin_client.post("/remotes/new/", wrong)
    assert refused.context["form"].errors["password"] == [said]
    sent = as_sent(remote, seen=seen(admin_client, remote), tries="0", headers="X-Key: hush-header")
    refused = admin_client.post(f"/remotes/{remote.pk}/edit/", sent)
    assert refused.context["form"].errors["headers"] == [said]
    checked = wrong | {"tries": "1", "url": upstream.manifest_url, "shown": "form"}
    assert admin_client.post("/remotes/check/", checked).context["form"].errors == {"password": [said]}
    assert said not in text_of(admin_client.post("/remotes/check/", checked, headers=HTMX))


# ---- deleting one ----


def test_one_that_nobody_uses_is_deleted(admin_client: Client, remote: Remote) -> None:
    assert "Delete remote “files”?" in text_of(admin_client.get(f"/remotes/{remote.pk}/delete/"))
    assert admin_client.post(f"/remotes/{remote.pk}/delete/")["Location"] == "/remotes/"
    assert not Remote.objects.exists()


def test_one_in_use_answers_409_and_names_who(admin_client: Client) -> None:
    used = factories.repository().remote
    assert used is not None
    for response in (
        admin_client.get(f"/remotes/{used.pk}/delete/"),
        admin_client.post(f"/remotes/{used.pk}/delete/"),
    ):
        assert text_of(response).count("“files” is the remote of the repository “files”") == 1
        assert f'href="/repositories/{used.repositories.get().pk}/">Go to files</a>' in response.content.decode()
    assert response.status_code == 409
    assert Remote.objects.exists()


# ---- checking ----


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    upstream.write("a.txt", b"1")
    return upstream


@pytest.fixture
def check(admin_client: Client) -> Callable[..., HttpResponse]:
    def send(data: dict[str, Any], *, htmx: bool = True) -> Any:
        response = admin_client.post("/remotes/check/", data, headers=HTMX if htmx else None)
        assert_hushed(response)
        return response

    return send


Check = Callable[..., HttpResponse]


def test_a_stored_remote_is_checked(check: Check, stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=stocked.url, token="hush-password")
    response = check({"remote": remote.pk, "shown": "detail"})
    assert "The list has 1 file with 1 B in all." in text_of(response)
    assert text_of(response).strip().startswith('<div class="finding" id="check"')
    assert {one.headers["Authorization"] for one in stocked.requests} == {"Bearer hush-password"}


@pytest.mark.any_database
def test_without_htmx_its_page_comes_back_with_what_was_found(check: Check, stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=stocked.url)
    text = text_of(check({"remote": remote.pk, "shown": "detail"}, htmx=False))
    assert "<h1>files</h1>" in text
    assert "The list has 1 file" in text


def test_values_that_are_not_stored_are_checked_as_they_are(check: Check, stocked: Upstream) -> None:
    sent = FIELDS | {"name": "", "url": stocked.url, "token": "hush-password", "shown": "form"}
    assert "The list has 1 file" in text_of(check(sent))
    assert stocked.requests[0].headers["Authorization"] == "Bearer hush-password"
    assert not Remote.objects.exists()


@pytest.mark.any_database
def test_without_htmx_the_form_comes_back_as_it_was_but_for_secrets(check: Check, stocked: Upstream) -> None:
    sent = FIELDS | OTHERS | SECRETS | {"url": stocked.url, "proxy_url": "http://127.0.0.1:1", "shown": "form"}
    text = text_of(check(sent, htmx=False))
    assert "<h1>New remote</h1>" in text
    assert f'value="{stocked.url}"' in text
    assert "the proxy 127.0.0.1:1 refuses the connection" in text


def test_trouble_is_told_with_what_to_do(check: Check, stocked: Upstream) -> None:
    stocked.fail(MANIFEST, Status(404))
    text = text_of(check({"url": f"{stocked.url}files"}))
    assert "there is no such file (404)" in text
    assert "Put a slash at the end of the address if it is a folder" in text


def test_an_edited_form_is_checked_with_the_stored_secrets(check: Check, stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=f"{stocked.url}old/", username="ada", password="hush-password")
    check(as_sent(remote, url=stocked.url, shown="form"))
    assert {one.headers["Authorization"] for one in stocked.requests} == {"Basic YWRhOmh1c2gtcGFzc3dvcmQ="}


@pytest.mark.parametrize(
    "secret", [{"username": "ada", "password": "hush-password"}, {"headers": "X-Key: hush-header"}]
)
def test_no_other_server_is_ever_asked_with_a_stored_secret(
    check: Check, stocked: Upstream, secret: dict[str, str]
) -> None:
    remote = remotes.make(name="files", url=URL, **secret)
    response = check(as_sent(remote, url=stocked.url, shown="form"))
    assert response.status_code == 422
    assert "was entered for https://files.example.org, and is sent nowhere else" in text_of(response)
    assert not stocked.requests


@pytest.mark.parametrize(
    ("opening", "said"),
    [
        ({"tls_verify": ""}, "was entered while TLS was verified"),
        ({"ca_certificate": CERTIFICATE}, "was entered while others were trusted"),
        ({"use_environment": "on"}, "was not entered for a way through proxies"),
    ],
)
def test_neither_check_nor_save_lets_others_read_a_stored_secret(
    check: Check, admin_client: Client, stocked: Upstream, opening: dict[str, str], said: str
) -> None:
    remote = remotes.make(name="files", url=stocked.url, username="ada", password="hush-password")
    sent = as_sent(remote, **opening, shown="form")
    for response in (check(sent), admin_client.post(f"/remotes/{remote.pk}/edit/", sent)):
        assert response.status_code == 422
        assert said in unescape(text_of(response))
    assert not stocked.requests


def test_no_new_proxy_sees_a_stored_secret(check: Check, admin_client: Client, stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=stocked.url, username="ada", password="hush-password")
    with Proxy() as proxy:
        sent = as_sent(remote, proxy_url=proxy.url, shown="form")
        for response in (check(sent), admin_client.post(f"/remotes/{remote.pk}/edit/", sent)):
            assert response.status_code == 422
            assert f"was not entered for a way through {proxy.url}" in text_of(response)
        assert proxy.seen == []
        assert "The list has 1 file" in text_of(check(sent | {"password": "hush-password"}))
        assert proxy.seen


def test_values_that_cannot_be_are_not_asked_with(check: Check) -> None:
    response = check({"url": "ftp://example.org/", "shown": "form"})
    assert response.status_code == 422
    assert "URL: The address must begin with http:// or https://." in text_of(response)


@pytest.mark.parametrize("remote", ["77", "x", "9" * 40])
def test_a_remote_that_is_not_there_is_not_found(check: Check, remote: str) -> None:
    assert check({"remote": remote}).status_code == 404


def test_a_lost_key_is_an_answer(check: Check, remote: Remote) -> None:
    vault.key_file().unlink()
    assert "A secret of the remote cannot be opened" in text_of(check({"remote": remote.pk, "shown": "detail"}))
    sent = as_sent(remote, client_certificate=CERTIFICATE + "\n" + CERTIFICATE, shown="form")
    assert check(sent).status_code == 422


def test_many_checks_at_once_leave_the_server_some_air(
    check: Check, stocked: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "ROOM", BoundedSemaphore(1))
    with checking.ROOM:
        response = check({"url": stocked.url})
    assert response.status_code == 409
    assert "Other checks are running." in text_of(response)
    assert check({"url": stocked.url}).status_code == 200


def test_its_page_shows_how_its_repositories_are(admin_client: Client) -> None:
    repository = factories.repository("files", "mirrors/files")
    factories.serve(repository, {"a": b"1"})
    assert repository.remote
    text = text_of(admin_client.get(f"/remotes/{repository.remote.pk}/"))
    for shown in (f'href="/repositories/{repository.pk}/"', "mirrors/files", "Never", "none yet"):
        assert shown in text
