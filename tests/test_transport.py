"""How upstreams are reached: logins, TLS, proxies, limits; and that nothing secret goes where it should not."""

import hashlib
import logging
import random
import socket
import ssl
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_django.fixtures import Settings

from repos import causes, pace, tls, transport, vault
from repos.errors.storage import SecretLost
from repos.errors.upstreams import FetchFailed
from repos.errors.values import InvalidValue
from repos.fetch import Fetcher
from repos.headers import parse_headers
from repos.models import Remote, Repository
from repos.progress import Progress
from repos.sync import sync
from repos.transport import Transport, basic, origin_of
from tests import tls as certificates
from tests.answers import Answer
from tests.misbehaviour import Busy, Drip, Fault, Longer, Redirect, Stall, Status
from tests.proxy import Proxy
from tests.running import SOON
from tests.settings import VERSION
from tests.tls import TlsUpstream, client_pems, pem_of
from tests.upstream import Exchange, Upstream

DATA = random.Random(2).randbytes(50_001)
DIGEST = hashlib.sha256(DATA).hexdigest()
SECRET = "s3cr3t-värde"
FURTHER = (("X-Api-Key", "k3y-of-mine"), ("Cookie", "session=c00kie"))
# All that a request can tell who we are by.
TELLING = ("Authorization", "X-Api-Key", "Cookie", "Proxy-Authorization")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxies, no .netrc of whoever runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def upstream(upstream: Upstream) -> Upstream:
    """With one file."""
    upstream.write("file", DATA)
    return upstream


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "into"


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[Upstream]:
    """With one file, behind a good certificate."""
    with TlsUpstream(certificates.good(authority)) as upstream:
        upstream.write("file", DATA)
        yield upstream


def fetched(upstream: Upstream, into: Path, path: str = "file", **values: Any) -> Mapping[str, str]:
    """Fetches a file of the upstream; returns the headers of the request that brought it."""
    with Fetcher(Transport.for_url(upstream.url, **values)) as fetcher:
        assert fetcher.fetch(upstream.url + path, into).sha256 == DIGEST
    return dict(upstream.requests[-1].headers) if upstream.requests else {}


def failure(upstream: Upstream, into: Path, path: str = "file", **values: Any) -> FetchFailed:
    with Fetcher(Transport.for_url(upstream.url, **values)) as fetcher, pytest.raises(FetchFailed) as caught:
        fetcher.fetch(upstream.url + path, into)
    assert causes.advice(caught.value).endswith(".")
    return caught.value


# ---- of a remote -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_works() -> None:
    remote = Remote(url="https://Mirror.Example/a/", username="me", password=vault.seal(SECRET), tries=7)
    remote.headers = vault.seal("X-Api-Key: k3y-of-mine\n\nCookie:session=c00kie\n")
    found = transport.of(remote)
    assert found.origin == ("https", "mirror.example", 443)
    assert (found.username, found.password, found.headers, found.tries) == ("me", SECRET, FURTHER, 7)


@pytest.mark.django_db
def test_a_new_remote_and_a_new_transport_are_alike() -> None:
    assert transport.of(Remote(url="http://host/")) == Transport.for_url("http://host/")


@pytest.mark.django_db
def test_a_secret_that_was_sealed_anew_since_it_was_read_is_read_again() -> None:
    remote = Remote.objects.create(name="a", url="http://host/", password=vault.seal(SECRET))
    vault.rotate()
    assert transport.of(remote).password == SECRET


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [True, False])
def test_a_lost_key_is_told(stored: bool) -> None:
    remote = Remote(name="a", url="http://host/", password=vault.seal(SECRET))
    if stored:
        remote.save()
    vault.key_file().unlink()
    with pytest.raises(SecretLost):
        transport.of(remote)


def test_a_sync_goes_the_way_of_its_remote(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    remote = repository.remote
    assert remote
    with Proxy(username="me", password=SECRET) as proxy:
        remote.proxy_url, remote.proxy_username, remote.proxy_password = proxy.url, "me", vault.seal(SECRET)
        remote.token, remote.headers = vault.seal("t0ken"), vault.seal("X-Api-Key: k3y-of-mine")
        remote.save()
        assert sync(repository, tmp_path, progress=Progress())
        assert len(proxy.seen) == 2
    assert [request.headers["Authorization"] for request in upstream.requests] == ["Bearer t0ken"] * 2
    assert told(upstream) == ["Authorization", "X-Api-Key"] * 2


def test_no_secret_is_in_its_repr() -> None:
    secrets: dict[str, Any] = dict.fromkeys(("password", "token", "client_key", "proxy_password"), "s3cr3t")
    assert "s3cr3t" not in repr(Transport(headers=(("a", "s3cr3t"),), **secrets))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://host", ("http", "host", 80)),
        ("HTTP://HOST:80/a", ("http", "host", 80)),
        ("https://host/", ("https", "host", 443)),
        ("https://host:8443/", ("https", "host", 8443)),
        ("http://[::1]:8000/", ("http", "::1", 8000)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: object) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("field", "value"),
    [("token", "a\r\nX: y"), ("token", "ä"), ("user_agent", "a\nb"), ("username", "a:b"), ("proxy_username", ":")],
)
def test_what_no_request_can_carry_is_refused(field: str, value: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Transport.for_url("http://host/", **{field: value})
    assert caught.value.field == field
    assert value not in str(caught.value) or value == ":"


# ---- further headers -------------------------------------------------------------------------------------


def test_headers_are_read_line_by_line() -> None:
    assert parse_headers("A: 1\r\n\n  \nX-b:two: words \n") == (("A", "1"), ("X-b", "two: words"))
    assert parse_headers("") == ()


@pytest.mark.parametrize(
    "line",
    [
        "no colon s3cr3t",
        ": s3cr3t",
        "a b: s3cr3t",
        " folded: s3cr3t",
        "a: s3cr3t\rX: y",
        "a: s3cr3t\x00",
        "a: s3cr3t ü",
        "a: s3cr3t\x85",
        "Host: s3cr3t",
        "content-length: s3cr3t",
        "Range: s3cr3t",
        "If-None-Match: s3cr3t",
        "IF-RANGE: s3cr3t",
        "Accept-Encoding: s3cr3t",
        "Connection: s3cr3t",
        "Transfer-Encoding: s3cr3t",
        "Proxy-Authorization: s3cr3t",
        "User-Agent: s3cr3t",
    ],
)
def test_a_line_that_cannot_be_sent_is_refused_without_telling_it(line: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_headers(f"Fine: 1\n{line}")
    assert caught.value.field == "headers"
    assert "s3cr3t" not in str(caught.value)


def test_a_header_is_given_once() -> None:
    with pytest.raises(InvalidValue, match="Line 2"):
        parse_headers("A: 1\na: 2")


# ---- who we are ------------------------------------------------------------------------------------------


def test_a_user_name_and_password_are_sent_as_utf_8(upstream: Upstream, into: Path) -> None:
    sent = fetched(upstream, into, username="mé", password=SECRET)
    assert sent["Authorization"] == "Basic " + b64encode(f"mé:{SECRET}".encode()).decode()


def test_a_token_is_sent(upstream: Upstream, into: Path) -> None:
    assert fetched(upstream, into, token="t0ken")["Authorization"] == "Bearer t0ken"


def test_further_headers_are_sent(upstream: Upstream, into: Path) -> None:
    sent = fetched(upstream, into, headers=(*FURTHER, ("Accept", "text/plain"), ("Authorization", "Key abc")))
    assert (sent["X-Api-Key"], sent["Cookie"]) == ("k3y-of-mine", "session=c00kie")
    assert (sent["Accept"], sent["Authorization"]) == ("text/plain", "Key abc")


def test_we_may_be_called_otherwise(upstream: Upstream, into: Path) -> None:
    assert fetched(upstream, into, user_agent="curl/9")["User-Agent"] == "curl/9"
    assert fetched(upstream, into)["User-Agent"] == f"Millrace/{VERSION}"


def test_without_an_origin_nobody_learns_who_we_are(upstream: Upstream, into: Path) -> None:
    with Fetcher(Transport(token="t0ken", headers=FURTHER)) as fetcher:
        fetcher.fetch(upstream.url + "file", into)
    assert told(upstream) == []


@pytest.mark.parametrize(
    ("status", "values", "why", "advice"),
    [
        (401, {}, "the upstream asks for a login (401)", "Set a user name and a password, or a token, on the remote."),
        (401, {"token": "x"}, "the upstream does not accept the remote's token (401)", "Enter the remote's token"),
        (401, {"username": "x"}, "the upstream does not accept the remote's user name and password (401)", "user name"),
        (403, {}, "the upstream refuses access (403)", "may read this"),
    ],
)
def test_a_refused_login_is_told(
    upstream: Upstream, into: Path, status: int, values: dict[str, str], why: str, advice: str
) -> None:
    upstream.fail("file", Status(status))
    error = failure(upstream, into, **values)
    assert (error.cause, error.why, error.tries, causes.kind(error)) == (str(status), why, 1, "authentication")
    assert advice in causes.advice(error)


# ---- where it is told ------------------------------------------------------------------------------------


def told(upstream: Upstream) -> list[str]:
    """The telling headers that an upstream was sent."""
    return [name for request in upstream.requests for name in TELLING if request.headers[name]]


@pytest.mark.parametrize("login", [{"username": "me", "password": SECRET}, {"token": "t0ken"}], ids=str)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_port_is_not_told(
    upstream: Upstream, into: Path, code: int, login: dict[str, str]
) -> None:
    with Upstream() as other:
        other.write("file", DATA)
        upstream.fail("file", Redirect(other.url + "file", code))
        fetched(upstream, into, headers=FURTHER, **login)
        assert other.count("file") == 1
        assert told(other) == []
    assert told(upstream) == ["Authorization", "X-Api-Key", "Cookie"]


def test_a_redirect_to_another_name_of_the_host_is_not_told(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Redirect(upstream.url.replace("127.0.0.1", "localhost") + "there"))
    upstream.write("there", DATA)
    fetched(upstream, into, token="t0ken", headers=FURTHER)
    assert [request.headers["Authorization"] for request in upstream.requests] == ["Bearer t0ken", None]
    assert told(upstream) == ["Authorization", "X-Api-Key", "Cookie"]


def test_a_redirect_within_the_origin_is_told(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Redirect("/there"))
    upstream.write("there", DATA)
    assert fetched(upstream, into, token="t0ken", headers=FURTHER)["Authorization"] == "Bearer t0ken"


def test_a_redirect_back_is_told(upstream: Upstream, into: Path) -> None:
    upstream.write("there", DATA)
    with Upstream() as other:
        upstream.fail("file", Redirect(other.url + "x"))
        other.fail("x", Redirect(upstream.url + "there"))
        fetched(upstream, into, token="t0ken")
        assert told(other) == []
    assert told(upstream) == ["Authorization", "Authorization"]


def test_a_redirect_from_https_to_http_is_followed_but_not_told(
    upstream: Upstream, https: Upstream, into: Path, authority: trustme.CA
) -> None:
    https.fail("file", Redirect(upstream.url + "file"))
    fetched(https, into, token="t0ken", headers=FURTHER, ca_certificate=pem_of(authority))
    assert upstream.count("file") == 1
    assert told(upstream) == []


def test_a_file_elsewhere_is_not_told(upstream: Upstream, into: Path) -> None:
    with Upstream() as other, Fetcher(Transport.for_url(upstream.url, token="t0ken", headers=FURTHER)) as fetcher:
        other.write("file", DATA)
        fetcher.fetch(other.url + "file", into)
        assert told(other) == []


def test_a_login_that_is_asked_for_elsewhere_is_told_to_be_for_here(upstream: Upstream, into: Path) -> None:
    with Upstream() as other:
        other.fail("file", Status(401))
        upstream.fail("file", Redirect(other.url + "file"))
        error = failure(upstream, into, token="t0ken")
    origin = upstream.url.rstrip("/")
    why = f"127.0.0.1 asks for a login (401), but the remote's token may be sent to {origin} only"
    assert error.why == f"{why}, at the address to which it redirects: {other.url}file"


def test_no_secret_is_in_an_error_or_in_the_log(
    upstream: Upstream, into: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values: dict[str, Any] = {"token": "s3cr3t", "headers": (("X-Key", "s3cr3t"),)}
    values |= {"proxy_username": "me", "proxy_password": "s3cr3t"}
    caplog.set_level(logging.DEBUG)
    with Proxy(refuse=502) as proxy, Proxy(username="me", password="other") as asking:
        upstream.fail("file", Status(401))
        errors = [failure(upstream, into, **values)]
        for way in (proxy, asking):
            errors.append(failure(upstream, into, proxy_url=way.url, **values))
            with Fetcher(Transport.for_url("https://127.0.0.1:9/", proxy_url=way.url, **values)) as fetcher:
                with pytest.raises(FetchFailed) as caught:
                    fetcher.fetch("https://127.0.0.1:9/", into)
                errors.append(caught.value)
    lowest = "".join("".join(traceback.format_exception(one)) for one in errors) + caplog.text
    telling = ("s3cr3t", b64encode(b"me:s3cr3t").decode())
    assert len(errors) == 5
    assert not any(one in lowest for one in telling)


# ---- TLS -------------------------------------------------------------------------------------------------


def test_a_certificate_of_a_trusted_authority_is_good(https: Upstream, into: Path, authority: trustme.CA) -> None:
    fetched(https, into, ca_certificate=pem_of(authority))
    with Fetcher(Transport.for_url(https.url, ca_certificate=pem_of(authority))) as fetcher:
        for _ in range(3):
            fetcher.fetch(https.url + "file", into)
    assert https.connections == 2


def test_the_usual_authorities_are_not_trusted_besides(https: Upstream, into: Path) -> None:
    context = tls.context(Transport(ca_certificate=pem_of(trustme.CA())), client=False)
    assert len(context.get_ca_certs()) == 1
    assert len(tls.context(Transport(), client=False).get_ca_certs()) > 50


def test_text_around_certificates_does_no_harm(https: Upstream, into: Path, authority: trustme.CA) -> None:
    fetched(https, into, ca_certificate=f"Unser Zertifikat für …\n{pem_of(trustme.CA())}\n\n{pem_of(authority)}")


@pytest.mark.parametrize(
    ("make", "own", "why"),
    [
        (certificates.good, False, "comes from an authority that is not trusted here"),
        (certificates.signed_by_itself, False, "is signed by nobody but itself"),
        (certificates.expired, True, "has expired"),
        (certificates.not_yet_valid, True, "is not valid yet"),
        (certificates.for_other_names, True, "is made out to mirror.example, files.example, not to 127.0.0.1"),
    ],
)
def test_a_bad_certificate_is_refused_and_told(
    into: Path, authority: trustme.CA, make: Callable[[trustme.CA], ssl.SSLContext], own: bool, why: str
) -> None:
    trusted = pem_of(authority if own else trustme.CA())
    with TlsUpstream(make(authority)) as upstream:
        error = failure(upstream, into, ca_certificate=trusted, token="t0ken")
        assert upstream.requests == []
    assert (error.cause, causes.kind(error), error.tries) == ("tls", "tls", 1)
    assert error.why == f"the certificate of 127.0.0.1 {why}"


def test_the_usual_authorities_do_not_know_ours(https: Upstream, into: Path) -> None:
    error = failure(https, into)
    assert error.why == "the certificate of 127.0.0.1 comes from an authority that is not trusted here"


def test_a_certificate_may_itself_be_what_is_trusted(into: Path, authority: trustme.CA) -> None:
    leaf = authority.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    with TlsUpstream(context) as upstream:
        upstream.write("file", DATA)
        fetched(upstream, into, ca_certificate=leaf.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize("make", [certificates.good, certificates.expired, certificates.for_other_names])
def test_verification_can_be_turned_off(
    into: Path, authority: trustme.CA, make: Callable[[trustme.CA], ssl.SSLContext]
) -> None:
    with TlsUpstream(make(authority)) as upstream:
        upstream.write("file", DATA)
        fetched(upstream, into, tls_verify=False)


def test_a_redirect_that_leads_to_a_bad_certificate_names_its_host(upstream: Upstream, into: Path) -> None:
    with TlsUpstream(certificates.good(trustme.CA())) as other:
        upstream.fail("file", Redirect(other.url.replace("127.0.0.1", "localhost") + "file"))
        assert "the certificate of localhost " in failure(upstream, into).why


def test_http_at_a_port_of_https_is_told(https: Upstream, upstream: Upstream, into: Path) -> None:
    with Fetcher(Transport()) as fetcher:
        with pytest.raises(FetchFailed) as caught:
            fetcher.fetch(upstream.url.replace("http:", "https:"), into)
        assert caught.value.why == "127.0.0.1 does not speak TLS at this port"
        assert "http://" in causes.advice(caught.value)
        with pytest.raises(FetchFailed) as caught:
            fetcher.fetch(https.url.replace("https:", "http:"), into)
    assert causes.kind(caught.value) == "connection"


# ---- client certificates ---------------------------------------------------------------------------------

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_is_shown(into: Path, authority: trustme.CA, version: ssl.TLSVersion) -> None:
    certificate, key = client_pems(authority)
    values = {"ca_certificate": pem_of(authority), "client_certificate": certificate, "client_key": key}
    with TlsUpstream(certificates.asking_for_client(authority, version=version)) as upstream:
        upstream.write("file", DATA)
        fetched(upstream, into, **values)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_asked_for_is_told(
    into: Path, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    with TlsUpstream(certificates.asking_for_client(authority, version=version)) as upstream:
        error = failure(upstream, into, ca_certificate=pem_of(authority))
    assert (error.cause, error.tries) == ("tls", 1)
    assert "ask" in error.why
    assert "client certificate" in error.why


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_certificate_that_is_refused_is_told(
    into: Path, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    certificate, key = client_pems(authority)
    values = {"ca_certificate": pem_of(authority), "client_certificate": certificate, "client_key": key}
    with TlsUpstream(certificates.asking_for_client(authority, of=trustme.CA(), version=version)) as upstream:
        error = failure(upstream, into, **values)
    assert error.why == "127.0.0.1 does not accept the client certificate"


def test_a_client_certificate_is_not_shown_elsewhere(https: Upstream, into: Path, authority: trustme.CA) -> None:
    certificate, key = client_pems(authority)
    values = {"ca_certificate": pem_of(authority), "client_certificate": certificate, "client_key": key}
    with TlsUpstream(certificates.asking_for_client(authority)) as other:
        https.fail("file", Redirect(other.url + "file"))
        assert "asks for a client certificate" in failure(https, into, **values).why


def test_no_key_is_left_on_the_disk(
    https: Upstream, into: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (private := tmp_path / "private").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(private))
    certificate, key = client_pems(authority)
    fetched(https, into, ca_certificate=pem_of(authority), client_certificate=certificate, client_key=key)
    assert list(private.iterdir()) == []


def test_what_cannot_be_read_is_told_without_repeating_it(authority: trustme.CA) -> None:
    certificate, key = client_pems(authority)
    for field, values in {
        "ca_certificate": {"ca_certificate": "nonsense"},
        "client_certificate": {"client_certificate": "nonsense", "client_key": key},
        "client_key": {"client_certificate": certificate, "client_key": client_pems(authority)[1]},
    }.items():
        with pytest.raises(InvalidValue) as caught:
            tls.context(Transport(**values), client=True)  # type: ignore[arg-type]
        assert caught.value.field == field
        assert "nonsense" not in str(caught.value)


# ---- proxies ---------------------------------------------------------------------------------------------


def test_http_goes_through_the_proxy(upstream: Upstream, into: Path) -> None:
    with Proxy() as proxy:
        sent = fetched(upstream, into, proxy_url=proxy.url, token="t0ken")
        assert [(one.method, one.target) for one in proxy.seen] == [("GET", upstream.url + "file")]
    assert sent["Authorization"] == "Bearer t0ken"


def test_https_goes_through_a_tunnel(https: Upstream, into: Path, authority: trustme.CA) -> None:
    with Proxy() as proxy:
        fetched(https, into, proxy_url=proxy.url, token="t0ken", ca_certificate=pem_of(authority))
        assert [(one.method, one.target) for one in proxy.seen] == [("CONNECT", f"127.0.0.1:{https.port}")]
        assert not any(proxy.seen[0].headers[name] for name in TELLING)


def test_the_proxy_is_told_its_login_and_the_upstream_is_not(
    upstream: Upstream, https: Upstream, into: Path, authority: trustme.CA
) -> None:
    login = {"proxy_username": "mé", "proxy_password": SECRET}
    with Proxy(username="mé", password=SECRET) as proxy:
        plain = fetched(upstream, into, proxy_url=proxy.url, **login)
        tunneled = fetched(https, into, proxy_url=proxy.url, ca_certificate=pem_of(authority), **login)
        assert [one.method for one in proxy.seen] == ["GET", "CONNECT"]
    assert "Proxy-Authorization" not in {**plain, **tunneled}


@pytest.mark.parametrize("secure", [False, True])
def test_the_way_to_the_proxy_may_be_https(
    upstream: Upstream, https: Upstream, into: Path, authority: trustme.CA, secure: bool
) -> None:
    chosen = https if secure else upstream
    with Proxy(username="me", password=SECRET, context=certificates.good(authority)) as proxy:
        login = {"proxy_username": "me", "proxy_password": SECRET, "ca_certificate": pem_of(authority)}
        assert "Proxy-Authorization" not in fetched(chosen, into, proxy_url=proxy.url, **login)
        assert len(proxy.seen) == 1


@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_that_asks_for_a_login_is_told(upstream: Upstream, https: Upstream, into: Path, secure: bool) -> None:
    with Proxy(username="me", password=SECRET) as proxy:
        error = failure(https if secure else upstream, into, proxy_url=proxy.url)
        assert error.why == f"the proxy {proxy.address} asks for a login (407)"
    assert (error.cause, causes.kind(error), error.tries) == ("proxy", "proxy", 1)


def test_a_proxy_that_refuses_the_host_is_told(https: Upstream, into: Path) -> None:
    with Proxy(refuse=403) as proxy:
        error = failure(https, into, proxy_url=proxy.url)
        assert error.why == f"the proxy {proxy.address} does not connect us to 127.0.0.1 (403)"
    assert (error.cause, error.tries) == ("proxy", 1)


def test_a_proxy_that_cannot_reach_the_host_is_asked_again(https: Upstream, into: Path) -> None:
    with Proxy(refuse=502) as proxy:
        error = failure(https, into, proxy_url=proxy.url)
    assert (error.cause, error.tries) == ("proxy", 4)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:{free}", "the proxy 127.0.0.1:{free} refuses the connection"),
        ("http://nowhere.invalid:3128", "the name of the proxy nowhere.invalid:3128 is not known to DNS"),
        ("socks5://127.0.0.1:1080", "the proxy 127.0.0.1:1080 cannot be used: only http and https can"),
    ],
)
def test_a_proxy_that_cannot_be_reached_is_told(
    upstream: Upstream, https: Upstream, into: Path, url: str, why: str, secure: bool
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        free = closed.getsockname()[1]
        error = failure(https if secure else upstream, into, proxy_url=url.format(free=free))
    assert (error.cause, error.why) == ("proxy", why.format(free=free))


def test_a_bad_certificate_behind_a_tunnel_is_told(https: Upstream, into: Path) -> None:
    with Proxy() as proxy:
        error = failure(https, into, proxy_url=proxy.url)
    assert error.why == "the certificate of 127.0.0.1 comes from an authority that is not trusted here"


def test_a_redirect_to_another_host_carries_nothing_through_a_proxy(upstream: Upstream, into: Path) -> None:
    with Proxy() as proxy, Upstream() as other:
        other.write("file", DATA)
        upstream.fail("file", Redirect(other.url + "file"))
        fetched(upstream, into, proxy_url=proxy.url, token="t0ken", headers=FURTHER)
        assert told(other) == []
        assert len(proxy.seen) == 2


@contextmanager
def dripping(data: bytes) -> Iterator[str]:
    """The address of a server that says `data` to whoever connects, and then a byte now and then, without end."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(data)
            while not over.wait(0.02):
                connection.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while not over.is_set():
                threads.submit(drip, server.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(8) as threads:
        threads.submit(serve)
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)


# A record of a handshake that is to have so many bytes, and what a proxy begins its answer with.
RECORD, ANSWER = b"\x16\x03\x03\x3f\xff\x02", b"HTTP/1.1 200 "


def test_a_handshake_that_drips_is_a_failure(into: Path) -> None:
    with dripping(RECORD) as address, Fetcher(Transport(connect_timeout=0.3, tries=1)) as fetcher:
        begun = time.monotonic()
        with pytest.raises(FetchFailed) as caught:
            fetcher.fetch(f"https://{address}/file", into)
    assert time.monotonic() - begun < SOON
    assert (caught.value.cause, causes.kind(caught.value)) == ("timeout", "connection")


def test_a_handshake_that_drips_through_two_layers_of_tls_is_a_failure(into: Path, authority: trustme.CA) -> None:
    way: dict[str, Any] = {"ca_certificate": pem_of(authority), "connect_timeout": 0.3, "tries": 1}
    with dripping(RECORD) as address, Proxy(context=certificates.good(authority)) as proxy:
        begun = time.monotonic()
        with Fetcher(Transport(proxy_url=proxy.url, **way)) as fetcher, pytest.raises(FetchFailed) as caught:
            fetcher.fetch(f"https://{address}/file", into)
    assert time.monotonic() - begun < SOON
    assert "within 0.3 seconds" in caught.value.why


@pytest.mark.parametrize("data", [ANSWER, ANSWER + b"connected\r\nX-Long: "])
def test_a_proxy_whose_answer_drips_is_told(into: Path, https: Upstream, data: bytes) -> None:
    with dripping(data) as address:
        begun = time.monotonic()
        error = failure(https, into, proxy_url=f"http://{address}", connect_timeout=0.3, tries=1)
    assert time.monotonic() - begun < SOON
    assert error.cause == "proxy"
    assert error.why == f"the proxy {address} did not connect us to 127.0.0.1 within 0.3 seconds"


def test_the_names_of_a_certificate_are_not_waited_for_without_end() -> None:
    with dripping(RECORD) as address:
        begun = time.monotonic()
        assert tls.names_of("127.0.0.1", int(address.partition(":")[2]), 0.3) == []
    assert time.monotonic() - begun < SOON


# ---- the environment -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_a_proxy_of_the_environment_is_used_only_when_asked(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Proxy(username="me", password="s3 cr3t") as proxy:
        monkeypatch.setenv(name, proxy.url.replace("://", "://me:s3%20cr3t@"))
        fetched(upstream, into)
        assert proxy.seen == []
        fetched(upstream, into, use_environment=True)
        assert [one.headers["Proxy-Authorization"] for one in proxy.seen] == [basic("me", "s3 cr3t")]
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        fetched(upstream, into, use_environment=True)
        assert len(proxy.seen) == 1


def test_the_remotes_proxy_comes_first(upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Proxy() as proxy:
        fetched(upstream, into, use_environment=True, proxy_url=proxy.url)
        assert len(proxy.seen) == 1


@pytest.mark.parametrize("value", ["http://me:s3cr3t@[::", "me:s3cr3t@127.0.0.1:9", "socks5h://me:s3cr3t@127.0.0.1:9"])
def test_a_login_in_the_environment_is_not_told(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("http_proxy", value)
    error = failure(upstream, into, use_environment=True)
    assert error.cause == "proxy"
    assert "s3cr3t" not in "".join(traceback.format_exception(error)) + caplog.text


def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password of-netrc\ndefault login me password any\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_netrc_is_read_only_when_asked(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc(monkeypatch, tmp_path)
    assert "Authorization" not in fetched(upstream, into)
    assert fetched(upstream, into, use_environment=True)["Authorization"] == basic("me", "of-netrc")


def test_no_proxy_can_read_what_netrc_has(
    upstream: Upstream,
    https: Upstream,
    into: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    authority: trustme.CA,
) -> None:
    netrc(monkeypatch, tmp_path)
    ways: list[tuple[Upstream, dict[str, Any]]] = [
        (upstream, {}),
        (https, {"tls_verify": False}),
        (https, {"ca_certificate": pem_of(authority)}),
    ]
    with Proxy() as proxy:
        for chosen, values in ways:
            sent = fetched(chosen, into, use_environment=True, proxy_url=proxy.url, **values)
            assert "Authorization" not in sent
            monkeypatch.setenv("all_proxy", proxy.url)
            assert "Authorization" not in fetched(chosen, into, use_environment=True, **values)
            monkeypatch.delenv("all_proxy")
        assert len(proxy.seen) == 6
    for chosen, values in ways:
        assert "Authorization" in fetched(chosen, into, use_environment=True, **values)


def test_through_a_proxy_netrc_is_for_https_that_the_usual_authorities_vouch_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc(monkeypatch, tmp_path)
    way: dict[str, Any] = {"use_environment": True, "proxy_url": "http://127.0.0.1:9"}
    assert Transport.for_url("https://127.0.0.1/", **way).authorization() == basic("me", "of-netrc")
    assert Transport.for_url("http://127.0.0.1/", **way).authorization() == ""


@pytest.mark.parametrize("values", [{"token": "t0ken"}, {"headers": (("authorization", "Key abc"),)}], ids=str)
def test_the_remotes_login_comes_first(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, values: dict[str, Any]
) -> None:
    netrc(monkeypatch, tmp_path)
    sent = {name.lower(): value for name, value in fetched(upstream, into, use_environment=True, **values).items()}
    assert sent["authorization"] in ("Bearer t0ken", "Key abc")


def test_a_login_of_netrc_is_not_told_elsewhere(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc(monkeypatch, tmp_path)
    with Upstream() as other:
        other.write("file", DATA)
        upstream.fail("file", Redirect(other.url.replace("127.0.0.1", "localhost") + "file"))
        fetched(upstream, into, use_environment=True)
        assert told(other) == []


# ---- limits ----------------------------------------------------------------------------------------------


@pytest.fixture
def short_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WINDOW", 0.1)


def test_a_drip_is_broken_off_and_tried_again(upstream: Upstream, into: Path, short_window: None) -> None:
    upstream.fail("file", Drip(amount=10, interval=0.02, times=2))
    begun = time.monotonic()
    with Fetcher(Transport(least_speed=5_000)) as fetcher:
        assert fetcher.fetch(upstream.url + "file", into).sha256 == DIGEST
    assert upstream.count("file") == 3
    assert time.monotonic() - begun < 5


def test_a_drip_that_goes_on_is_told(upstream: Upstream, into: Path, short_window: None) -> None:
    upstream.fail("file", Drip(amount=10, interval=0.02))
    error = failure(upstream, into, least_speed=5_000, tries=2)
    assert (error.cause, causes.kind(error), error.tries) == ("slow", "connection", 2)
    assert error.why == "fewer than 5,000 bytes a second came"


def test_a_drip_that_nobody_wants_is_not_waited_for(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Dripping404())
    begun = time.monotonic()
    assert failure(upstream, into).cause == "404"
    assert time.monotonic() - begun < SOON


@dataclass(frozen=True)
class Dripping404(Fault):
    """Says that there is no such file, at length and slowly."""

    def serve(self, exchange: Exchange, answer: Answer) -> None:
        Drip(amount=1, interval=0.1).serve(exchange, replace(answer, status=404))


@pytest.mark.parametrize(("amount", "least"), [(2_000, 1_000), (2_000, 0)])
def test_what_is_fast_enough_is_let_go_on(
    upstream: Upstream, into: Path, short_window: None, amount: int, least: int
) -> None:
    upstream.fail("file", Drip(amount=amount, interval=0.02))
    fetched(upstream, into, least_speed=least, tries=1)


def test_a_rate_that_we_keep_ourselves_is_not_slow(
    upstream: Upstream, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Were its waits counted, it would be too slow by far; with them left out, it takes next to no time.
    monkeypatch.setattr(pace, "WINDOW", 1.0)
    begun = time.monotonic()
    fetched(upstream, into, rate_limit=len(DATA) * 2 // 3, least_speed=10_000_000, tries=1)
    assert time.monotonic() - begun > pace.WINDOW


@pytest.mark.parametrize("fault", [Drip(amount=10, interval=0.02), Stall(100)], ids=repr)
def test_a_file_has_a_deadline(upstream: Upstream, into: Path, fault: Any) -> None:
    upstream.fail("file", fault)
    begun = time.monotonic()
    error = failure(upstream, into, deadline=0.3)
    assert 0.3 <= time.monotonic() - begun < SOON
    assert (error.cause, error.tries, error.why) == ("deadline", 1, "it took longer than 0.3 seconds")


def test_waits_count_for_the_deadline(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Busy(60))
    begun = time.monotonic()
    error = failure(upstream, into, deadline=30)
    assert time.monotonic() - begun < 5
    assert (error.cause, error.tries) == ("deadline", 1)
    assert "too many requests (429)" in error.why


def test_tries_count_for_the_deadline(upstream: Upstream, into: Path, settings: Settings) -> None:
    settings.MILLRACE_RETRY_SECONDS = 0.1
    upstream.fail("file", Status(500))
    error = failure(upstream, into, deadline=0.3, tries=20)
    assert error.cause == "deadline"
    assert 1 < error.tries < 10


def test_the_number_of_tries_is_the_remotes(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Status(500))
    assert failure(upstream, into, tries=2).tries == 2
    assert upstream.count("file") == 2


def test_the_rate_is_kept_by_all_threads_together(upstream: Upstream, tmp_path: Path) -> None:
    begun = time.monotonic()
    limited = Transport(rate_limit=400_000, concurrency=4)
    with Fetcher(limited) as fetcher, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: fetcher.fetch(upstream.url + "file", tmp_path / f"{number}"), range(4)))
    # Of the waits only the last, shorter than a hundredth of a second, may be left out.
    assert time.monotonic() - begun >= 4 * len(DATA) / 400_000 - 0.02


def test_a_stop_ends_the_wait_for_the_rate(upstream: Upstream, into: Path) -> None:
    upstream.fail("file", Longer(10_000_000))
    with Fetcher(Transport(rate_limit=100)) as fetcher, ThreadPoolExecutor(1) as threads:
        begun = threading.Event()
        fetching = threads.submit(fetcher.fetch, upstream.url + "file", into, count=lambda size: begun.set())
        assert begun.wait(5)
        fetcher.stop.set()
        error = fetching.exception(timeout=5)
    assert isinstance(error, FetchFailed)
    assert error.cause == "stopped"
