"""What every page carries, whom a session belongs to, and what no page shows."""

import base64
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import trustme
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from repos import chain, jobs, remotes, tokens
from repos.create import make_repository
from repos.models import Job, Remote
from tests import hostile
from tests.terminal import Terminal, call
from tests.test_urls import ADMIN, PAGES, numbers
from tests.tls import client_pems
from tests.upstream import Upstream

# A fixture, which pytest finds by its name here.
__all__ = ["numbers"]
pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

GOOD = "a long one, indeed"
SHOWN = [(name, needs) for name, needs, verbs, _ in PAGES if "GET" in verbs]


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=GOOD)


def sign_in(client: Client, **values: str) -> Any:
    return client.post("/login/", {"username": "ada", "password": GOOD} | values)


# ---- what every page carries ----


def secured(answer: Any) -> None:
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    for part in ("default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    text = answer.content.decode()
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", text), answer.request


def test_every_page_is_secured(admin_client: Client, numbers: dict[str, list[int]]) -> None:
    for name, needs in SHOWN:
        secured(admin_client.get(reverse(name, args=numbers[needs]), follow=True))


def test_pages_of_the_admin_are_secured(admin_client: Client) -> None:
    for _, path in ADMIN:
        if not re.search(r"/(1|logout|jsi18n|autocomplete|login)/", path):
            answer = admin_client.get(path, follow=True)
            # Its filters and lists have small scripts, all of them files; its headings are not asked for styles.
            assert "unsafe" not in answer["Content-Security-Policy"], path
            assert "private" in answer["Cache-Control"], path
            assert answer["X-Frame-Options"] == "DENY", path


def test_error_pages_are_secured(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret of the program")

    strict = Client(enforce_csrf_checks=True)
    found = {
        400: client.get("/", headers={"host": "evil.example"}),
        403: strict.post("/login/"),
    }
    client.force_login(ada)
    found[404] = client.get("/nowhere/")
    found[405] = client.delete("/jobs/")
    monkeypatch.setattr("dashboard.views.jobs._list", fail)
    broken = Client(raise_request_exception=False)
    broken.force_login(ada)
    found[500] = broken.get("/jobs/")
    for status, answer in found.items():
        assert answer.status_code == status
        assert "a secret" not in answer.content.decode()
        secured(answer)


def test_an_unknown_host_is_refused(client: Client) -> None:
    for host in ("evil.example", "localhost.evil.example", "localhost:80@evil.example", "localhost/", "[::1", ""):
        assert client.get("/login/", headers={"host": host}).status_code == 400, host
    answer = client.get("/login/", headers={"host": "localhost", "X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 200
    assert "evil.example" not in answer.content.decode()


# ---- sessions ----


def test_a_sign_in_makes_a_session_of_its_own(client: Client, ada: User) -> None:
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies["sessionid"] = str(planted.session_key)
    assert sign_in(client).status_code == 302
    assert client.cookies["sessionid"].value not in ("", planted.session_key)
    assert Client(headers={"cookie": f"sessionid={planted.session_key}"}).get("/").status_code == 302


def test_cookies_are_for_this_site_and_not_for_scripts(client: Client, ada: User) -> None:
    client.get("/login/")
    sign_in(client)
    for name in ("sessionid", "csrftoken"):
        cookie = client.cookies[name]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax"), name


def test_signing_out_takes_a_form_and_ends_the_session(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    key = client.cookies["sessionid"].value
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 403
    token = client.get("/jobs/").context["csrf_token"]
    assert client.post("/logout/", {"csrfmiddlewaretoken": str(token)}).status_code == 302
    assert Client(headers={"cookie": f"sessionid={key}"}).get("/").status_code == 302


def test_every_form_needs_its_token(admin_user: User, numbers: dict[str, list[int]]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    for name, needs, verbs, _ in PAGES:
        # An upload's token is in its body, which is looked at in the end (see dashboard/views/files.py).
        if "POST" in verbs and name != "repository-upload":
            answer = client.post(reverse(name, args=numbers[needs]))
            assert answer.status_code == 403, name
            assert "The form has expired" in answer.content.decode(), name


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "https:///evil.example",
        "/logout/",
        "data:text/html,x",
        "//localhost@evil.example/",
    ],
)
def test_a_sign_in_leads_nowhere_else(target: str, client: Client, ada: User) -> None:
    assert sign_in(client, next=target)["Location"] == "/"
    assert client.get("/login/", {"next": target})["Location"] == "/"
    assert "evil" not in Client().get("/admin/login/", {"next": target}, follow=True).content.decode().replace(
        f'value="{target}"', ""
    )


# ---- what people and upstreams write ----


def test_markup_is_text_on_every_page(admin_client: Client) -> None:
    found = hostile.a_house()
    seen = 0
    for name, needs in SHOWN:
        if needs in found:
            answer = admin_client.get(reverse(name, args=found[needs]), {"q": hostile.MARKUP}, follow=True)
            assert answer.status_code == 200, name
            text = answer.content.decode()
            seen += "&lt;script&gt;alert(1)" in text
            if answer["Content-Type"].startswith("text/html"):
                assert "<script>alert" not in text, name
                assert "<img src=x" not in text, name
                assert "49{" not in text, name
    assert seen > 15, "they do show it"


def test_addresses_that_run_scripts_are_no_upstreams(admin_client: Client) -> None:
    for url in (
        "javascript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        " javascript:alert(1)",
        "file:///etc/x",
    ):
        answer = admin_client.post("/remotes/new/", {"name": "new", "url": url})
        assert answer.status_code == 422, url
    assert not Remote.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_an_upstream_says_is_text(admin_client: Client, upstream: Upstream, bell: list[int]) -> None:
    for said in (
        b"<script>alert(1)</script>\n",
        b"<script>alert(1)</script>,zz,1\n",
        b"../<script>alert(1)</script>,%064d,1\n" % 0,
    ):
        upstream.manifest = said
        answer = admin_client.post(
            "/remotes/check/", {"name": "new", "url": upstream.manifest_url, "concurrency": 1, "tries": 1}
        )
        assert "<script>alert" not in answer.content.decode()
    repository = make_repository(url=upstream.manifest_url, name="files", base_path="files")
    job = jobs.request(repository).job
    chain.run(job.pk, "test")
    assert "script" in Job.objects.get(pk=job.pk).error
    for page in (f"/jobs/{job.pk}/", "/jobs/", "/", f"/repositories/{repository.pk}/"):
        text = admin_client.get(page).content.decode()
        assert "<script>alert" not in text


# ---- secrets ----


@pytest.mark.django_db(transaction=True)
def test_no_secret_is_shown_anywhere(
    admin_client: Client,
    bell: list[int],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    data: Path,
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("repos", "dashboard", "urllib3"):
        caplog.set_level(logging.DEBUG, name)
    certificate, key = client_pems(trustme.CA())
    planted = {
        "password": "hush-password",
        "headers": "X-Key: hush-header",
        "proxy_password": "hush-proxy",
        "client_certificate": certificate,
        "client_key": key,
    }
    url = "https://127.0.0.1:1/files/"
    remote = remotes.make(
        name="up", url=url, username="ada", proxy_url="http://127.0.0.1:1", proxy_username="eve", tries=1, **planted
    )
    other = remotes.make(name="other", url=url, token="hush-token", tries=1)
    token = tokens.make("ci", everything=True)
    ids = {"": [], "token": [token.token.pk], "user": [User.objects.get().pk]}
    # The list of each model; pages of single rows are asked for below.
    said = [_page(admin_client, path) for _, path in ADMIN if path.startswith("/admin/repos/") and path.count("/") == 4]
    for one in (remote, other):
        repository = make_repository(name=one.name, remote=one, base_path=one.name)
        job = jobs.request(repository).job
        chain.run(job.pk, "test")
        assert Job.objects.get(pk=job.pk).state == "failed"
        ids |= {"repository": [repository.pk], "remote": [one.pk], "job": [job.pk], "version": [repository.pk, 0]}
        ids |= {"distribution": [repository.distributions.get().pk], "settings": [repository.publish_settings_id]}
        said += [_page(admin_client, reverse(name, args=ids[needs])) for name, needs in SHOWN if needs in ids]
        said += [_page(admin_client, f"/admin/repos/remote/{one.pk}/{page}/") for page in ("change", "history")]
        said += [admin_client.post("/remotes/check/", {"remote": one.pk}).content.decode()]
        said += [call(*words, out=Terminal())[1] for words in _commands(one.name, job.pk)]
    body = [line for line in key.splitlines() if "-" not in line]
    login = base64.b64encode(b"ada:hush-password").decode()
    proxy = base64.b64encode(b"eve:hush-proxy").decode()
    session = admin_client.cookies["sessionid"].value
    sealed = [
        getattr(remote, name) for name in Remote.SECRETS if getattr(remote, name) and name != "client_certificate"
    ]
    for secret in ["hush-", *body, login, proxy, session, settings.SECRET_KEY, token.secret, *sealed]:
        assert not [text for text in said if secret in text], secret
        assert secret not in caplog.text


def _page(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    return answer.content.decode() + str(answer.headers)


def _commands(name: str, job: int) -> list[tuple[str, ...]]:
    lists = [(noun, "list") for noun in ("remote", "repository", "distribution", "publication", "job", "user")]
    return [*lists, ("remote", "show", name), ("repository", "show", name), ("job", "show", str(job))]
