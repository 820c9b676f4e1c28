"""The forms that make a repository: a check of its upstream, what is proposed, and what is made."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from repos import remotes
from repos.models import Distribution, Repository
from tests import factories
from tests.misbehaviour import Status
from tests.upstream import MANIFEST, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

HTMX = {"HX-Request": "true"}
Check = Callable[..., Any]


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    for number in range(9):
        upstream.write(f"python-docs/{number}.txt", b"x" * 100)
    upstream.write("python-docs/PULP_MANIFEST", upstream.manifest.replace(b"python-docs/", b""))
    return upstream


@pytest.fixture
def check(admin_client: Client) -> Check:
    """Asks for a check as a form for a new repository does."""

    def ask(sent: dict[str, object], *, htmx: bool = True) -> Any:
        return admin_client.post("/repositories/check/", sent, headers=HTMX if htmx else {})

    return ask


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def value_of(text: str, name: str) -> str | None:
    """What the field of this name begins with."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', text)
    assert found, f"there is no field {name}"
    value = re.search(r' value="([^"]*)"', found[0])
    return value[1] if value else None


def of(upstream: Upstream) -> str:
    return f"{upstream.url}python-docs/"


@pytest.mark.parametrize("form", ["mirror", ""])
def test_it_works(check: Check, stocked: Upstream, form: str) -> None:
    text = text_of(check({"form": form, "upstream": "new", "url": of(stocked), "name": "", "base_path": ""}))
    assert "The list has 9 files with 900 B in all." in text
    assert "PULP_MANIFEST: a line with path, sha256 and size for each file" in text
    assert (text.count('"mono break"'), "7.txt" in text, "8.txt" in text) == (8, True, False)
    assert (value_of(text, "name"), value_of(text, "base_path")) == ("python-docs", "python-docs")
    assert "Free. It will be served at" in text
    assert not Repository.objects.exists()


def test_what_somebody_has_typed_stays(check: Check, stocked: Upstream) -> None:
    text = text_of(check({"form": "mirror", "url": of(stocked), "name": "mine", "base_path": ""}))
    assert (value_of(text, "name"), value_of(text, "base_path")) == ("mine", "python-docs")


def test_what_was_proposed_before_gives_way(check: Check, stocked: Upstream) -> None:
    before = {"name": "other", "proposed_name": "other", "base_path": "typed", "proposed_base_path": "other"}
    text = text_of(check({"form": "mirror", "url": of(stocked)} | before))
    assert (value_of(text, "name"), value_of(text, "proposed_name")) == ("python-docs", "python-docs")
    assert value_of(text, "base_path") == "typed"


@pytest.mark.parametrize("page", ["create", "new"])
def test_all_that_is_taken_is_told_at_once(admin_client: Client, page: str) -> None:
    factories.repository("taken", "taken")
    sent = {"url": "https://example.org/", "name": "taken", "base_path": "taken/too", "upstream": "new"}
    sent |= {"mode": "mirror", "brake": "50", "manifest": "PULP_MANIFEST"}
    answer = admin_client.post(f"/repositories/{page}/", sent)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "There is already a repository called “taken”." in text
    assert "The base path “taken/too” overlaps with the distribution at “taken”." in text


def test_what_is_taken_is_not_proposed(check: Check, stocked: Upstream) -> None:
    factories.repository("python-docs", "python-docs")
    text = text_of(check({"form": "mirror", "url": of(stocked), "name": "", "base_path": ""}))
    assert (value_of(text, "name"), value_of(text, "base_path")) == ("python-docs-2", "python-docs-2")


def test_trouble_is_told_and_nothing_is_proposed(check: Check, stocked: Upstream) -> None:
    stocked.fail("python-docs/PULP_MANIFEST", Status(404))
    text = text_of(check({"form": "mirror", "url": of(stocked), "name": "", "base_path": ""}))
    assert "there is no such file (404)" in text
    assert "called-name" not in text


@pytest.mark.parametrize(("url", "said"), [("", "Upstream URL: "), ("ftp://example.org/", "must begin with http://")])
def test_an_address_that_cannot_be_is_not_asked(check: Check, url: str, said: str) -> None:
    response = check({"form": "mirror", "url": url})
    assert response.status_code == 422
    assert said in text_of(response)


def test_a_remote_that_is_there_is_asked_as_it_is(check: Check, stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=of(stocked), token="hush-password")
    sent = {"url": f"{stocked.url}other/", "remote": remote.pk, "upstream": "existing", "name": "", "base_path": ""}
    text = text_of(check(sent))
    assert stocked.requests[0].headers["Authorization"] == "Bearer hush-password"
    assert "hush" not in text
    assert value_of(text, "name") == "python-docs"
    stocked.reset_log()
    check(sent | {"upstream": "new"})
    assert stocked.requests[0].target == f"/other/{MANIFEST}"


@pytest.mark.parametrize("remote", ["77", "x", "9" * 40])
def test_a_remote_that_is_not_there_is_not_found(check: Check, remote: str) -> None:
    assert check({"remote": remote, "upstream": "existing"}).status_code == 404


@pytest.mark.any_database
@pytest.mark.parametrize("form", ["mirror", ""])
def test_without_htmx_the_form_comes_back_as_it_was_entered(check: Check, stocked: Upstream, form: str) -> None:
    sent = {"form": form, "upstream": "new", "url": of(stocked), "name": "", "base_path": "", "mode": "mirror"}
    text = text_of(check(sent | {"password": "hush-password"}, htmx=False))
    assert "<h1>New repository</h1>" in text
    assert "The list has 9 files" in text
    assert (value_of(text, "url"), value_of(text, "name")) == (of(stocked), "python-docs")
    assert "hush" not in text
    assert "field-wrong" not in text or form == ""
    assert form or re.search(r'value="mirror"[^>]* checked', text)


@pytest.mark.any_database
def test_it_can_be_closed_to_strangers_from_the_start(admin_client: Client, bell: list[int]) -> None:
    whole = {"upstream": "new", "url": "https://example.org/files/", "name": "files", "base_path": "files"}
    whole |= {"mode": "additive", "brake": "50", "manifest": "PULP_MANIFEST", "checksums": "", "auto_publish": "on"}
    assert admin_client.post("/repositories/new/", whole | {"protected": "on"}).status_code == 302
    assert Distribution.objects.get().protected


def test_four_fields_are_asked_and_the_rest_is_folded_away(admin_client: Client) -> None:
    text = text_of(admin_client.get("/repositories/new/"))
    usual, folded = text.split('id="more"')
    for name in ("url", "name", "base_path", "mode"):
        assert f'name="{name}"' in usual
    for name in ("username", "brake", "protected", "keep_days", "publish_settings", "run_now"):
        assert f'name="{name}"' in folded
    assert folded.lstrip().startswith(">")


def test_what_is_wrong_in_the_fold_opens_it(admin_client: Client) -> None:
    sent = {"upstream": "new", "url": "https://example.org/", "name": "a", "base_path": "a", "mode": "mirror"}
    text = text_of(admin_client.post("/repositories/new/", sent | {"brake": "400"}))
    assert re.search(r'id="more" open', text)
