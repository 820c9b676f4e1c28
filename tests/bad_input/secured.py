"""TLS and proxies: what stands between us and an upstream."""

import ssl
from collections.abc import Callable
from functools import cache

import trustme

from repos import vault
from tests import tls
from tests.bad_input.case import Case, Section
from tests.bad_input.lists import LIST
from tests.bad_input.mirror import Mirror
from tests.proxy import Proxy
from tests.tls import TlsUpstream

PROXY = "Look at the remote's proxy: its address, user name and password."


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def certified(
    title: str, context: Callable[[trustme.CA], ssl.SSLContext], why: str, advice: str, *, trusted: bool = True
) -> Case[Mirror]:
    """An upstream behind TLS; the remote trusts the authority that signed its certificate, or the usual ones."""

    def run(mirror: Mirror) -> str:
        with TlsUpstream(context(authority())) as other:
            mirror.words[other.url] = "‹upstream›/"
            pem = tls.pem_of(authority()) if trusted else ""
            return mirror.sync_from(other.manifest_url, ca_certificate=pem)

    return Case(title, f"{LIST}: {why}. {advice} Nothing was changed here.", run)


def _trusted(mirror: Mirror) -> str:
    mirror.upstream.write("new.txt", b"new")
    with TlsUpstream(tls.good(authority())) as other:
        for path, data in mirror.upstream.files.items():
            other.write(path, data)
        return mirror.sync_from(other.manifest_url, ca_certificate=tls.pem_of(authority()))


def _plain_port(mirror: Mirror) -> str:
    mirror.words[f"https://127.0.0.1:{mirror.upstream.port}/"] = "‹upstream›/"
    return mirror.sync_from(mirror.upstream.manifest_url.replace("http:", "https:"))


def proxied(title: str, proxy: Callable[[], Proxy], why: str, advice: str = PROXY, **remote: str) -> Case[Mirror]:
    """The way there leads through a proxy."""

    def run(mirror: Mirror) -> str:
        with proxy() as between:
            mirror.words[between.address] = "‹proxy›"
            return mirror.sync_from(mirror.upstream.manifest_url, proxy_url=between.url, **remote)

    return Case(title, f"{LIST}: {why}. {advice} Nothing was changed here.", run)


def _proxy_gone(mirror: Mirror) -> str:
    with Proxy() as between:
        mirror.words[between.address] = "‹proxy›"
    return mirror.sync_from(mirror.upstream.manifest_url, proxy_url=between.url)


def _proxy_refuses(mirror: Mirror) -> str:
    url = mirror.upstream.manifest_url.replace("http:", "https:")
    mirror.words[url] = LIST
    with Proxy(refuse=403) as between:
        mirror.words[between.address] = "‹proxy›"
        return mirror.sync_from(url, proxy_url=between.url)


def _through(mirror: Mirror) -> str:
    mirror.upstream.write("new.txt", b"new")
    with Proxy(username="me", password="secret") as between:
        login = {"proxy_username": "me", "proxy_password": vault.seal("secret")}
        said = mirror.sync_from(mirror.upstream.manifest_url, proxy_url=between.url, **login)
        assert between.seen
        return said


SECURED = Section(
    "Certificates and proxies",
    "A connection that cannot be trusted is not used; no password is in any of these answers.",
    (
        certified(
            "A certificate that is signed by nobody but itself",
            tls.signed_by_itself,
            "the certificate of 127.0.0.1 is signed by nobody but itself",
            "If you trust it, enter it as the remote's CA certificates.",
            trusted=False,
        ),
        certified(
            "A certificate of an unknown authority",
            tls.good,
            "the certificate of 127.0.0.1 comes from an authority that is not trusted here",
            "If you trust it, enter the certificate of its authority as the remote's CA certificates.",
            trusted=False,
        ),
        certified(
            "A certificate that has expired",
            tls.expired,
            "the certificate of 127.0.0.1 has expired",
            "Whoever runs the upstream has to renew it.",
        ),
        certified(
            "A certificate that is not valid yet",
            tls.not_yet_valid,
            "the certificate of 127.0.0.1 is not valid yet",
            "Compare the clocks of this server and of the upstream.",
        ),
        certified(
            "A certificate for another name",
            tls.for_other_names,
            "the certificate of 127.0.0.1 is made out to mirror.example, files.example, not to 127.0.0.1",
            "Use a name of the certificate in the remote's URL, or have a certificate made out to this name.",
        ),
        certified(
            "An upstream that wants a client certificate",
            tls.asking_for_client,
            "127.0.0.1 asks for a client certificate",
            "Enter a client certificate and its key on the remote, or look whether they are the right ones.",
        ),
        Case(
            "https:// to a port where no TLS is spoken",
            f"{LIST}: 127.0.0.1 does not speak TLS at this port. Look whether the URL should begin with http://, or "
            "name another port. Nothing was changed here.",
            _plain_port,
        ),
        Case("A certificate of an authority that the remote names", "It is trusted for this remote.", _trusted, True),
        Case(
            "A proxy that is not there",
            f"{LIST}: the proxy ‹proxy› refuses the connection. {PROXY} Nothing was changed here.",
            _proxy_gone,
        ),
        proxied(
            "A proxy that wants a login",
            lambda: Proxy(username="me", password="secret"),
            "the proxy ‹proxy› asks for a login (407)",
            "Set the proxy's user name and password on the remote, or look whether they are right.",
        ),
        Case(
            "A proxy that refuses to connect to the host",
            f"{LIST}: the proxy ‹proxy› does not connect us to 127.0.0.1 (403). {PROXY} Nothing was changed here.",
            _proxy_refuses,
        ),
        Case("A proxy with a login", "It is used, for this remote only.", _through, True),
    ),
    on_each_database=False,
)
