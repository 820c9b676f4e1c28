"""Which hosts are asked: what is judged is the address that is connected to, whatever led there."""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from pytest_django.fixtures import Settings

from repos import addresses, causes, dial, tls, urls
from repos.addresses import NEVER, PRIVATE
from repos.errors.upstreams import FetchFailed
from repos.errors.values import AddressRefused, InvalidUrl, InvalidValue
from repos.fetch import Fetched, Fetcher
from repos.remote_values import checked_one
from repos.transport import Transport
from tests.misbehaviour import Redirect
from tests.proxy import Proxy
from tests.tls import TlsUpstream, for_other_names, good, pem_of
from tests.upstream import Upstream

METADATA = "169.254.169.254"
FILE = b"what the upstream has"

# Each embeds 169.254.169.254, but for what is written out.
ALWAYS = [
    METADATA,
    "169.254.0.1",
    "169.254.170.2",
    "fe80::1",
    "fe80::1%lo",
    "febf::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:c1::a9fe:a9fe",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "0.0.0.1",
    "::",
    "224.0.0.1",
    "239.255.255.255",
    "ff02::1",
    "255.255.255.255",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:808:808::5601:5601",
    "2a01:4f8::5efe:a9fe:a9fe",
    "2a01:4f8::200:5efe:a9fe:a9fe",
    "::ffff:0.0.0.0",
    "::ffff:255.255.255.255",
]
PRIVATE_ONES = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "240.0.0.1",
    "fd12:3456::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "2002:c0a8:101::1",
]
PUBLIC = [
    "8.8.8.8",
    "100.128.0.1",
    "168.63.129.17",
    "2a01:4f8::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
# Of METADATA, as the system's look-up takes it.
SPELLINGS = [
    METADATA,
    "2852039166",
    "0xa9fea9fe",
    "0xA9.254.169.254",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.16689662",
    "169.254.169.254.",
    "１６９.254.169.254",
    "169。254。169。254",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
]


class Names:
    """Stands in for DNS: `answers` has for a name what the next look-ups of it bring; the last is repeated."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo

    def lead(self, name: str, *answers: str | list[str]) -> None:
        self.answers[name] = [[one] if isinstance(one, str) else one for one in answers]

    def __call__(self, host: str, port: int, *arguments: Any) -> list[Any]:
        if host not in self.answers:
            return list(self._real(host, port, *arguments))
        self.asked.append(host)
        left = self.answers[host]
        found = left.pop(0) if len(left) > 1 else left[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [one for address in found for one in self._real(address, port, *arguments)]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


@pytest.fixture
def upstream(upstream: Upstream) -> Upstream:
    upstream.write("file", FILE)
    return upstream


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "into"


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to. Nobody connects to others than our own: the others answer with an error."""
    made: list[str] = []

    class Watched(socket.socket):
        def connect(self, address: Any) -> None:
            made.append(address[0])
            if not address[0].startswith("127."):
                raise ConnectionRefusedError
            super().connect(address)

    monkeypatch.setattr("repos.dial.socket.socket", Watched)
    return made


def fetched(into: Path, url: str, **transport: Any) -> Fetched:
    with Fetcher(Transport(**{"tries": 3} | transport)) as fetcher:
        return fetcher.fetch(url, into)


def refused(into: Path, url: str, **transport: Any) -> FetchFailed:
    """The failure by an address that is not asked, which is known after one try."""
    with pytest.raises(FetchFailed) as caught:
        fetched(into, url, **transport)
    assert (caught.value.cause, causes.kind(caught.value), caught.value.tries) == ("address", "address", 1)
    return caught.value


# ---- addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ALWAYS)
@pytest.mark.parametrize("private", [True, False])
def test_link_local_and_metadata_addresses_are_never_asked(address: str, private: bool) -> None:
    assert addresses.refusal(address, private=private) == NEVER


@pytest.mark.parametrize("address", PRIVATE_ONES)
def test_private_addresses_are_asked_unless_forbidden(address: str) -> None:
    assert addresses.refusal(address, private=True) is None
    assert addresses.refusal(address, private=False) == PRIVATE


@pytest.mark.parametrize("address", PUBLIC)
def test_all_others_are_asked(address: str) -> None:
    assert addresses.refusal(address, private=False) is None


@pytest.mark.parametrize("host", SPELLINGS)
def test_an_address_is_refused_however_it_is_spelled(host: str) -> None:
    with pytest.raises(AddressRefused, match="never asked"):
        urls.checked(f"http://{host}/latest/")


@pytest.mark.parametrize("host", SPELLINGS)
def test_what_the_system_makes_of_a_spelling_is_what_is_judged(host: str) -> None:
    try:
        found = socket.getaddrinfo(host.strip("[]"), 80, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        pytest.skip("this system does not take it")
    assert {addresses.refusal(str(one[4][0]), private=True) for one in found} == {NEVER}


@pytest.mark.parametrize("host", ["example.org", "1.example", "0x7f.example", "254", "a" * 300, "1.2.3.4.5"])
def test_a_name_is_not_taken_for_an_address_that_is_refused(host: str) -> None:
    if host == "254":  # 0.0.0.254
        assert addresses.of_host(host, private=True) == NEVER
    else:
        assert addresses.of_host(host, private=False) is None


def test_a_private_upstream_is_refused_in_the_form_only_if_that_is_set(settings: Settings) -> None:
    assert urls.checked("http://10.0.0.1/")
    settings.MILLRACE_ALLOW_PRIVATE = False
    with pytest.raises(InvalidUrl, match="MILLRACE_ALLOW_PRIVATE"):
        urls.checked("http://10.0.0.1/")


def test_a_proxy_may_be_private_but_not_link_local(settings: Settings) -> None:
    settings.MILLRACE_ALLOW_PRIVATE = False
    assert checked_one("proxy_url", "http://10.0.0.1:3128")
    with pytest.raises(InvalidValue, match="never asked"):
        checked_one("proxy_url", f"http://{METADATA}:3128")


# ---- connections -----------------------------------------------------------------------------------------


def test_it_works(upstream: Upstream, into: Path, names: Names, connections: list[str]) -> None:
    names.lead("mirror.example", "127.0.0.1")
    assert fetched(into, f"http://mirror.example:{upstream.port}/file").size == len(FILE)
    assert (names.asked, connections) == (["mirror.example"], ["127.0.0.1"])
    assert upstream.requests[0].headers["Host"] == f"mirror.example:{upstream.port}"


@pytest.mark.parametrize("address", [METADATA, "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0"])
def test_a_name_that_leads_to_metadata_is_not_asked(
    into: Path, names: Names, connections: list[str], address: str
) -> None:
    names.lead("meta.example", address)
    error = refused(into, "http://meta.example/latest/")
    assert error.why == f"meta.example is {NEVER.why}"
    assert (causes.advice(error), connections) == (NEVER.advice, [])


@pytest.mark.parametrize("host", [host for host in SPELLINGS if host.isascii()])
def test_an_address_itself_is_not_asked(into: Path, connections: list[str], host: str) -> None:
    refused(into, f"http://{host}/latest/")
    assert connections == []


def test_an_answer_that_changes_after_the_look_gains_nothing(
    upstream: Upstream, into: Path, names: Names, connections: list[str]
) -> None:
    names.lead("mirror.example", "127.0.0.1", METADATA)
    url = f"http://mirror.example:{upstream.port}/file"
    with Fetcher(Transport()) as fetcher:
        # On one connection, which one look-up led to.
        assert [fetcher.fetch(url, into).size for _ in range(3)] == [len(FILE)] * 3
        assert (len(names.asked), connections) == (1, ["127.0.0.1"])
    refused(into, url)
    assert (len(names.asked), connections) == (2, ["127.0.0.1"])


def test_of_several_addresses_those_that_may_be_are_asked(
    upstream: Upstream, into: Path, names: Names, connections: list[str]
) -> None:
    names.lead("nas.local", ["fe80::1", METADATA, "127.0.0.2", "127.0.0.1"])
    assert fetched(into, f"http://nas.local:{upstream.port}/file").size == len(FILE)
    assert connections == ["127.0.0.2", "127.0.0.1"]


def test_private_upstreams_are_asked_unless_forbidden(
    upstream: Upstream, into: Path, names: Names, settings: Settings, connections: list[str]
) -> None:
    names.lead("mirror.example", "127.0.0.1")
    settings.MILLRACE_ALLOW_PRIVATE = False
    for host in ("127.0.0.1", "localhost", "mirror.example"):
        error = refused(into, f"http://{host}:{upstream.port}/file")
        assert error.why == f"{host} is {PRIVATE.why}"
        assert "MILLRACE_ALLOW_PRIVATE" in causes.advice(error)
    assert connections == []


@pytest.mark.parametrize(
    "location", [f"http://{METADATA}/latest/meta-data/", "http://2852039166/", "http://[::ffff:a9fe:a9fe]/"]
)
def test_a_redirect_to_metadata_is_not_followed(
    upstream: Upstream, into: Path, connections: list[str], location: str
) -> None:
    upstream.fail("file", Redirect(location))
    error = refused(into, f"{upstream.url}file")
    assert error.why == f"it redirects to {location}, which is {NEVER.why}"
    assert connections == ["127.0.0.1"]


def test_a_redirect_to_a_name_that_leads_to_metadata_is_not_followed(
    upstream: Upstream, into: Path, names: Names, connections: list[str]
) -> None:
    names.lead("meta.example", METADATA)
    upstream.fail("file", Redirect("http://meta.example/latest/"))
    error = refused(into, f"{upstream.url}file")
    assert error.why.startswith("meta.example is at an address that is never asked")
    assert error.why.endswith("at the address to which it redirects: http://meta.example/latest/")
    assert connections == ["127.0.0.1"]


def test_a_refused_host_is_told_alike_whatever_its_port(into: Path, names: Names) -> None:
    names.lead("meta.example", METADATA)
    told = {refused(into, f"http://meta.example:{port}/").why for port in (1, 80, 443, 65535)}
    assert len(told) == 1


# ---- TLS -------------------------------------------------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_certificate_is_still_verified_by_name(
    into: Path, names: Names, authority: trustme.CA, connections: list[str]
) -> None:
    names.lead("mirror.example", "127.0.0.1")
    with TlsUpstream(for_other_names(authority)) as https:
        https.write("file", FILE)
        url = f"https://mirror.example:{https.port}/file"
        assert fetched(into, url, ca_certificate=pem_of(authority)).size == len(FILE)
        # By the address it is another's.
        with pytest.raises(FetchFailed, match=re.escape("made out to mirror.example, files.example, not to 127.0.0.1")):
            fetched(into, f"{https.url}file", ca_certificate=pem_of(authority))


def test_a_certificate_of_the_address_is_not_one_of_the_name(into: Path, names: Names, authority: trustme.CA) -> None:
    names.lead("mirror.example", "127.0.0.1")
    with TlsUpstream(good(authority)) as https, pytest.raises(FetchFailed, match=r"not to mirror\.example"):
        fetched(into, f"https://mirror.example:{https.port}/file", ca_certificate=pem_of(authority))


def test_a_question_for_the_names_of_a_certificate_is_not_asked_of_metadata(
    names: Names, connections: list[str]
) -> None:
    names.lead("meta.example", METADATA)
    assert tls.names_of("meta.example", 443, 1) == []
    assert connections == []


# ---- proxies ---------------------------------------------------------------------------------------------


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Says to everything that it will not."""
    with Proxy(refuse=403) as proxy:
        yield proxy


def test_a_proxy_may_be_private(into: Path, settings: Settings, proxy: Proxy) -> None:
    settings.MILLRACE_ALLOW_PRIVATE = False
    with pytest.raises(FetchFailed, match="403"):
        fetched(into, "http://8.8.8.8/file", proxy_url=proxy.url)
    assert [seen.target for seen in proxy.seen] == ["http://8.8.8.8/file"]


@pytest.mark.parametrize("url", ["http://mirror.example/", "https://mirror.example/"])
def test_a_proxy_may_not_be_metadata(into: Path, names: Names, connections: list[str], url: str) -> None:
    names.lead("mirror.example", "8.8.8.8")
    names.lead("proxy.example", METADATA)
    error = refused(into, url, proxy_url="http://proxy.example:80")
    assert error.why == f"the proxy proxy.example:80 is {NEVER.why}"
    assert connections == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", [METADATA, "2852039166", "[fd00:ec2::254]", "meta.example"])
def test_no_proxy_is_told_of_what_we_would_not_ask(
    into: Path, names: Names, proxy: Proxy, scheme: str, host: str
) -> None:
    names.lead("meta.example", ["8.8.8.8", METADATA])
    refused(into, f"{scheme}://{host}/latest/", proxy_url=proxy.url)
    assert proxy.seen == []


def test_no_proxy_is_told_of_a_redirect_to_metadata(into: Path, names: Names, upstream: Upstream) -> None:
    names.lead("meta.example", METADATA)
    upstream.fail("file", Redirect("http://meta.example/latest/"))
    with Proxy() as proxy:
        refused(into, f"{upstream.url}file", proxy_url=proxy.url)
        assert [seen.target for seen in proxy.seen] == [f"{upstream.url}file"]


def test_a_name_that_only_the_proxy_knows_is_its_to_look_up(into: Path, names: Names, proxy: Proxy) -> None:
    names.lead("inside.example", [])
    with Fetcher(Transport(tries=1, proxy_url=proxy.url)) as fetcher:
        for _ in range(3):
            with pytest.raises(FetchFailed, match="403"):
                fetcher.fetch("http://inside.example/file", into)
    assert (len(proxy.seen), names.asked) == (3, ["inside.example"])


# ---- slow DNS --------------------------------------------------------------------------------------------


@pytest.fixture
def silent_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names whose look-ups hang until the test ends."""
    asked: list[str] = []
    over, real = threading.Event(), socket.getaddrinfo

    def hang(host: str, *arguments: Any) -> Any:
        if host.endswith(".example"):
            asked.append(host)
            over.wait(30)
        return real("127.0.0.1" if host.endswith(".example") else host, *arguments)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    over.set()


def test_a_look_up_takes_no_longer_than_a_connection_may(into: Path, silent_dns: list[str]) -> None:
    with pytest.raises(FetchFailed) as caught:
        fetched(into, "http://slow.example/file", tries=1, connect_timeout=0.05)
    assert (caught.value.cause, caught.value.retry) == ("dns", True)
    assert caught.value.why == "DNS did not answer within 0.05 seconds where slow.example is"


def test_look_ups_that_hang_are_bounded_in_number(
    into: Path, silent_dns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "_slots", threading.BoundedSemaphore(2))
    for number in range(4):
        with pytest.raises(FetchFailed, match="DNS did not answer"):
            fetched(into, f"http://{number}.example/file", tries=1, connect_timeout=0.02)
    assert silent_dns == ["0.example", "1.example"]


def test_slow_dns_does_not_hold_up_what_has_an_address(upstream: Upstream, into: Path, silent_dns: list[str]) -> None:
    assert fetched(into, f"{upstream.url}file").size == len(FILE)


def test_a_proxy_is_asked_though_dns_is_silent_here(into: Path, silent_dns: list[str], proxy: Proxy) -> None:
    with pytest.raises(FetchFailed, match="403"):
        fetched(into, "http://slow.example/file", tries=1, connect_timeout=0.05, proxy_url=proxy.url)
    assert len(proxy.seen) == 1
