"""An upstream behind TLS on loopback, with certificates that are good, or wrong in one way.

authority = trustme.CA()
with TlsUpstream(good(authority)) as upstream:
    Fetcher(Transport.for_url(upstream.url, ca_certificate=pem_of(authority)))
"""

import os
import select
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import trustme

from tests.upstream import Upstream

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def pem_of(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def client_pems(authority: trustme.CA) -> tuple[str, str]:
    """A client certificate with its chain, and its key."""
    issued = authority.issue_cert("client@example.org")
    chain = "".join(one.bytes().decode() for one in issued.cert_chain_pems)
    return chain, issued.private_key_pem.bytes().decode()


def good(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert("127.0.0.1", "localhost"))


def for_other_names(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert("mirror.example", "files.example"))


def expired(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - 2 * DAY))


def not_yet_valid(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert("127.0.0.1", not_before=NOW + 2 * DAY, not_after=NOW + 9 * DAY))


def signed_by_itself(authority: trustme.CA) -> ssl.SSLContext:
    """The authority's own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with authority.private_key_pem.tempfile() as key, authority.cert_pem.tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


def asking_for_client(
    authority: trustme.CA, *, of: trustme.CA | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """Wants a client certificate of the authority `of`, by default the one that signed its own."""
    context = good(authority)
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    (of or authority).configure_trust(context)
    return context


def _serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _hear_out(connection: socket.socket, address: object) -> None:
    """Lets a client whose handshake failed read why: closed at once, the connection may be reset before that."""
    with suppress(OSError, ValueError):
        while select.select([connection], [], [], 0.2)[0] and os.read(connection.fileno(), 65536):
            pass


class TlsUpstream(Upstream):
    """An Upstream that answers on https only."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    def start(self) -> None:
        super().start()
        server = self._server
        # Each connection's own thread shakes hands, at its first read.
        server.socket = self._context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = _hear_out  # type: ignore[assignment, method-assign]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/"
