"""Check: what is found at an upstream, and that every trouble comes as an answer, never as an error."""

import hashlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from repos import check as module
from repos import remotes, vault
from repos.check import Finding, check, check_remote
from repos.models import Remote
from repos.transport import Transport
from tests import tls
from tests.misbehaviour import Busy, Drip, DripFrame, DripHeaders, Gzip, Redirect, Reset, Short, StallHeaders, Status
from tests.proxy import Proxy
from tests.upstream import EVERY_FILE, MANIFEST, Upstream

KIND = Remote.Kind.MANIFEST


@pytest.fixture(autouse=True)
def nothing_is_left(data: Path) -> Iterator[None]:
    yield
    assert list((data / "work").glob("*")) == []


@pytest.fixture
def stocked(upstream: Upstream) -> Upstream:
    for number in range(7):
        upstream.write(f"folder/{number}.txt", b"x" * 100)
    return upstream


def found(url: str, **values: object) -> Finding:
    return check(replace(Transport.for_url(url), **values), url, KIND)  # type: ignore[arg-type]


def test_it_works(stocked: Upstream) -> None:
    finding = found(stocked.url)
    assert finding.fine
    assert finding.url == stocked.manifest_url
    assert (finding.files, finding.size, finding.list_size) == (7, 700, len(stocked.manifest))
    assert finding.sentence == "The list has 7 files with 700 B in all."
    assert finding.sample == tuple(f"folder/{number}.txt" for number in range(7))
    assert finding.what.startswith("PULP_MANIFEST: ")
    assert finding.last_modified.endswith("GMT")
    assert finding.first_file == "folder/0.txt is there, and is what the list says."


def test_it_asks_twice_and_no_more(stocked: Upstream) -> None:
    found(stocked.url)
    assert [one.path for one in stocked.requests] == [MANIFEST, "folder/0.txt"]


def test_of_a_large_first_file_only_the_beginning_is_taken(upstream: Upstream) -> None:
    upstream.write_pattern("a.iso", 300_000_000)
    upstream.manifest = f"a.iso,{'0' * 64},300000000\n".encode()
    finding = found(upstream.url)
    assert (finding.fine, finding.first_file) == (True, "a.iso is there.")


def test_a_list_of_nothing_says_so(upstream: Upstream) -> None:
    finding = found(upstream.url)
    assert (finding.fine, finding.sentence) == (True, "The list is there, but names no file.")
    assert finding.first_file == ""


# ---- trouble ----


@pytest.mark.parametrize(
    ("url", "cause", "said", "advice"),
    [
        ("http://nowhere.invalid/", "dns", "nowhere.invalid is not known to DNS", "spelled right"),
        ("http://127.0.0.1:1/", "connection", "127.0.0.1 refuses the connection", "Look whether the upstream runs"),
    ],
)
def test_who_cannot_be_reached_is_told_by_its_class(url: str, cause: str, said: str, advice: str) -> None:
    finding = found(url)
    assert (finding.cause, finding.fine) == (cause, False)
    assert said in finding.sentence
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("nowhere..invalid", "dns"),
        (f"{'x' * 70}.invalid", "dns"),
        ("300.300.300.300", "dns"),
        ("[::1%25lo]", "dns"),
    ],
)
def test_a_host_that_cannot_be_one_is_an_answer_too(host: str, cause: str) -> None:
    finding = found(f"http://{host}/")
    assert finding.cause == cause
    assert finding.advice


@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [
        (Status(401), "authentication", "asks for a login (401)"),
        (Status(403), "authentication", "refuses access (403)"),
        (Status(404), "not_found", "there is no such file (404)"),
        (Status(410), "not_found", "the file is gone (410)"),
        (Status(500), "upstream", "the upstream answered 500"),
        (Busy(3600), "upstream", "too many requests (429)"),
        (Reset(3), "connection", "reset"),
        (Short(3), "connection", "ended before the whole file came"),
        (Redirect("/" + MANIFEST), "upstream", "redirects more than 5 times"),
        (Redirect("ftp://example.org/"), "upstream", "redirects to ftp://example.org/, which cannot be asked"),
        (Gzip(), "content", "came encoded (gzip)"),
    ],
)
def test_an_answer_that_is_no_list_is_told_by_its_class(
    stocked: Upstream, fault: Status, cause: str, said: str
) -> None:
    stocked.fail(MANIFEST, fault)
    finding = found(stocked.url)
    assert finding.cause == cause
    assert finding.sentence.startswith(f"{stocked.manifest_url}: ")
    assert said in finding.sentence
    assert finding.advice.endswith(".")
    assert stocked.count(MANIFEST) <= 6


def test_it_does_not_try_again(stocked: Upstream) -> None:
    stocked.fail(MANIFEST, Status(503))
    found(stocked.url)
    assert stocked.count(MANIFEST) == 1


@pytest.mark.parametrize("fault", [StallHeaders(), Drip(1, 0.01), DripHeaders(0.01), DripFrame(0.01)])
def test_it_does_not_wait_for_ever(stocked: Upstream, fault: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    stocked.fail(MANIFEST, fault)
    began = time.monotonic()
    finding = found(stocked.url)
    assert time.monotonic() - began < 5
    assert finding.cause == "limit"
    assert "it took longer than 0.2 seconds" in finding.sentence
    assert "A sync waits longer than a check" in finding.advice


def test_a_list_that_is_too_long_is_broken_off(stocked: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LIST_BYTES", 50)
    finding = found(stocked.url)
    assert finding.cause == "limit"
    assert "it is longer than 50 bytes" in finding.sentence
    assert "A sync would read a list of up to 2.0 GB" in finding.advice


def test_a_line_that_is_wrong_is_named(upstream: Upstream) -> None:
    upstream.manifest = b"a,nothing,1\n"
    finding = found(upstream.url)
    assert finding.cause == "not_a_manifest"
    assert f"Line 1 of {upstream.manifest_url}" in finding.sentence


# ---- what to do about it ----


SLASH = "Put a slash at the end of the address if it is a folder"
FOLDER = "The folder has no PULP_MANIFEST"


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("files", SLASH),
        ("files/", FOLDER),
        ("files/PULP_MANIFEST", "Look whether the address is right"),
        ("?a=/b", FOLDER),
    ],
)
def test_where_nothing_is_found_it_says_what_the_address_may_lack(upstream: Upstream, path: str, advice: str) -> None:
    upstream.fail(MANIFEST, Status(404))
    finding = found(upstream.url + path)
    assert finding.cause == "not_found"
    assert advice in finding.advice


@pytest.mark.parametrize(("path", "advice"), [("files", SLASH), ("files/", FOLDER)])
def test_a_page_in_place_of_a_list_is_told_from_it(upstream: Upstream, path: str, advice: str) -> None:
    page = b"\n<!doctype html><title>Files</title>"
    upstream.write("files", page)
    upstream.write("files/PULP_MANIFEST", page)
    finding = found(upstream.url + path)
    assert finding.cause == "not_a_manifest"
    assert advice in finding.advice


# ---- the first file ----


@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [
        (Status(404), "not_found", "there is no such file (404)"),
        (Status(403), "authentication", "refuses access (403)"),
        (Short(5), "connection", "ended before the whole file came"),
    ],
)
def test_a_list_whose_first_file_cannot_be_had_is_no_good(
    stocked: Upstream, fault: Status, cause: str, said: str
) -> None:
    stocked.fail(EVERY_FILE, fault)
    finding = found(stocked.url)
    assert finding.cause == cause
    assert finding.sentence.startswith("The list has 7 files, but the first of them cannot be had. ")
    assert f"{stocked.url}folder/0.txt: " in finding.sentence
    assert said in finding.sentence
    assert finding.files == 7


def test_a_first_file_that_is_not_what_the_list_says_is_told(stocked: Upstream) -> None:
    stocked.manifest = f"folder/0.txt,{hashlib.sha256(b'other').hexdigest()},100\n".encode()
    finding = found(stocked.url)
    assert finding.cause == "content"
    assert "the list says" in finding.sentence


# ---- remotes ----


@pytest.mark.django_db
def test_a_remotes_login_is_used_and_never_told(stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=stocked.url, username="ada", password="hush-hush")
    finding = check_remote(remote)
    assert finding.fine
    assert {one.headers["Authorization"] for one in stocked.requests} == {"Basic YWRhOmh1c2gtaHVzaA=="}
    stocked.fail(MANIFEST, Status(401))
    finding = check_remote(remote)
    assert finding.cause == "authentication"
    assert "hush" not in repr(finding)


@pytest.mark.django_db
def test_one_that_is_not_stored_is_checked_as_well(stocked: Upstream) -> None:
    remote = remotes.draft(url=stocked.url, token="abc")
    assert check_remote(remote).fine
    assert stocked.requests[0].headers["Authorization"] == "Bearer abc"
    assert not Remote.objects.exists()


@pytest.mark.django_db
def test_a_secret_that_is_lost_is_an_answer(stocked: Upstream) -> None:
    remote = remotes.make(name="files", url=stocked.url, token="abc")
    vault.key_file().unlink()
    finding = check_remote(remote)
    assert finding.cause == "secret"
    assert "the key file" in finding.sentence
    assert not stocked.requests


def test_a_proxy_that_is_not_there_is_told_as_such(stocked: Upstream) -> None:
    finding = found(stocked.url, proxy_url="http://127.0.0.1:1")
    assert finding.cause == "proxy"
    assert not stocked.requests


@pytest.mark.parametrize(
    ("proxy", "login", "said"),
    [
        (Proxy(username="me", password="hush"), {}, "asks for a login (407)"),
        (Proxy(username="me", password="hush"), {"proxy_username": "me", "proxy_password": "wrong-hush"}, "(407)"),
    ],
)
def test_a_proxy_that_wants_another_login_is_told_and_no_password_is(
    stocked: Upstream, proxy: Proxy, login: dict[str, str], said: str
) -> None:
    with proxy:
        finding = found(stocked.url, proxy_url=proxy.url, **login)
    assert finding.cause == "proxy"
    assert said in finding.sentence
    assert "hush" not in repr(finding)
    assert not stocked.requests


def test_the_right_proxy_leads_there(stocked: Upstream) -> None:
    with Proxy(username="me", password="hush") as proxy:
        finding = found(stocked.url, proxy_url=proxy.url, proxy_username="me", proxy_password="hush")
    assert finding.fine


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        (tls.expired, "has expired"),
        (tls.not_yet_valid, "is not valid yet"),
        (tls.for_other_names, "is made out to mirror.example, files.example, not to 127.0.0.1"),
        (tls.asking_for_client, "asks for a client certificate"),
    ],
)
def test_what_is_wrong_with_tls_is_told(certificate: Callable[[trustme.CA], ssl.SSLContext], said: str) -> None:
    authority = trustme.CA()
    with tls.TlsUpstream(certificate(authority)) as upstream:
        finding = found(upstream.url, ca_certificate=tls.pem_of(authority))
    assert finding.cause == "tls"
    assert said in finding.sentence
    assert finding.advice


def test_an_authority_that_is_not_trusted_is_told() -> None:
    with tls.TlsUpstream(tls.good(trustme.CA())) as upstream:
        assert found(upstream.url).cause == "tls"
        assert found(upstream.url, tls_verify=False).fine


@pytest.mark.django_db
def test_a_remote_with_a_client_certificate_is_let_in() -> None:
    authority = trustme.CA()
    certificate, key = tls.client_pems(authority)
    with tls.TlsUpstream(tls.asking_for_client(authority)) as upstream:
        trusted = {"ca_certificate": tls.pem_of(authority), "client_certificate": certificate, "client_key": key}
        assert check_remote(remotes.make(name="files", url=upstream.url, **trusted)).fine


def test_plain_http_at_a_port_that_should_speak_tls_is_told(stocked: Upstream) -> None:
    finding = found(stocked.url.replace("http:", "https:"))
    assert finding.cause == "tls"


def test_what_answers_nonsense_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(1000)
            connection.sendall(b"220 mail.example.org ESMTP\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        finding = found(f"http://127.0.0.1:{server.getsockname()[1]}/")
    assert finding.cause == "connection"


def test_what_a_killed_check_has_left_goes_with_the_next(stocked: Upstream, data: Path) -> None:
    left, young = data / "work" / "check-1", data / "work" / "check-2"
    for folder in (left, young):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    found(stocked.url)
    assert [left.exists(), young.exists()] == [False, True]
    young.rmdir()
