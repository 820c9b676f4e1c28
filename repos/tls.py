"""What is trusted, what we show of ourselves, and what others show: the TLS of a Transport, as contexts of ssl."""

import os
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import certifi
import urllib3
from urllib3.util.ssl_ import create_urllib3_context

from . import dial
from .errors.values import InvalidValue
from .words import say

if TYPE_CHECKING:
    from .transport import Transport


@dataclass(frozen=True, slots=True)
class Trust:
    """Those fields of a Transport that are about TLS, for a process that knows nothing else of it."""

    tls_verify: bool
    ca_certificate: str = field(repr=False)
    client_certificate: str = field(repr=False)
    client_key: str = field(repr=False)


def context(transport: "Transport | Trust", *, client: bool) -> ssl.SSLContext:
    """Trusts what `transport` does, and with `client` shows its certificate. Raises InvalidValue for bad PEM."""
    made = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if transport.tls_verify else ssl.CERT_NONE)
    if transport.ca_certificate:
        _trust(made, transport.ca_certificate)
    elif transport.tls_verify:
        made.load_verify_locations(certifi.where())
    if not transport.tls_verify:
        # It was chosen, and the remote's page says so: no need for a warning in the log with each connection.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    if client and transport.client_certificate:
        _show(made, transport)
    return made


def _trust(made: ssl.SSLContext, pem: str) -> None:
    """Nothing but these, be they authorities or the very certificate of the upstream."""
    try:
        made.load_verify_locations(cadata=pem.encode("ascii", "replace").decode())
    except ssl.SSLError:
        raise InvalidValue("ca_certificate", say("No certificate can be read in it: it must be PEM.")) from None
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _show(made: ssl.SSLContext, transport: "Transport | Trust") -> None:
    # ssl reads it from a file only: from one in memory, so that no disk ever has the key.
    with os.fdopen(os.memfd_create("client"), "w") as file:
        file.write(f"{transport.client_certificate}\n{transport.client_key}\n")
        file.flush()
        try:
            # Without a passphrase of ours, OpenSSL would ask the terminal for one.
            made.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InvalidValue("client_key", say("The key does not belong to the client certificate.")) from None
            why = say("The certificate or its key cannot be read: both must be PEM, the key without a passphrase.")
            raise InvalidValue("client_certificate", why) from None


def names_of(host: str, port: int, timeout: float) -> list[str]:
    """The names that the certificate which `host` shows is made out to, whoever signed it; none if it cannot be had."""
    from cryptography import x509

    try:
        found = x509.load_der_x509_certificate(_shown(host, port, timeout)).extensions
        names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound, socket.gaierror):
        return []
    return [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]


def _shown(host: str, port: int, timeout: float) -> bytes:
    """The certificate that `host` shows, in DER."""
    from . import conf

    anybody = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
    plain = dial.connect(host, port, timeout, private=conf.allow_private())
    with plain, anybody.wrap_socket(plain, server_hostname=host) as secured:
        return secured.getpeercert(binary_form=True) or b""
