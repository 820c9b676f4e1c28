"""What is trusted, what we show of ourselves, and what others show: the TLS of a Transport, as contexts of ssl."""

import os
import socket
import ssl

import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from . import conf, dial
from .errors import InvalidValue
from .transport import Transport


def context(transport: Transport, *, client: bool) -> ssl.SSLContext:
    """Trusts what `transport` does, and with `client` shows its certificate. Raises InvalidValue for bad PEM."""
    made = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if transport.tls_verify else ssl.CERT_NONE)
    if transport.ca_certificate:
        _trust(made, transport.ca_certificate)
    elif transport.tls_verify:
        made.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
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
        raise InvalidValue("ca_certificate", "No certificate can be read in it: it must be PEM.") from None
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _show(made: ssl.SSLContext, transport: Transport) -> None:
    # ssl reads it from a file only: from one in memory, so that no disk ever has the key.
    with os.fdopen(os.memfd_create("client"), "w") as file:
        file.write(f"{transport.client_certificate}\n{transport.client_key}\n")
        file.flush()
        try:
            # Without a passphrase of ours, OpenSSL would ask the terminal for one.
            made.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password="")
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise InvalidValue("client_key", "The key does not belong to the client certificate.") from None
            why = "The certificate or its key cannot be read: both must be PEM, the key without a passphrase."
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
    anybody = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
    plain = dial.connect(host, port, timeout, private=conf.allow_private())
    with plain, anybody.wrap_socket(plain, server_hostname=host) as secured:
        return secured.getpeercert(binary_form=True) or b""
