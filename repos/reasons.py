"""What causes.py says, by the errors of the transport and the answers of upstreams: reasons, and what to do about them.

They are said by words.say; `{who}` is the host that was asked, or the proxy.
"""

import http.client

import requests
import urllib3
from urllib3.exceptions import InvalidChunkLength, LocationParseError, NameResolutionError

from .dial import SlowLookup
from .wire import Late
from .words import later

STATUSES = {
    206: later("only a part came, although all was asked for (206)"),
    304: later("the upstream says “not changed” to somebody who has nothing yet (304)"),
    403: later("the upstream refuses access (403)"),
    404: later("there is no such file (404)"),
    410: later("the file is gone (410)"),
    429: later("the upstream says that there are too many requests (429)"),
}
SHORT = later("the connection ended before the whole file came")
# The first that fits one of the errors in the chain: the kind of its cause, and the reason.
ERRORS: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    ((SlowLookup,), "dns", later("DNS did not answer within {connect} where {who} is")),
    ((NameResolutionError,), "dns", later("the name {who} is not known to DNS")),
    ((LocationParseError,), "dns", later("{who} is no name that a host can have")),
    ((ConnectionRefusedError,), "refused", later("{who} refuses the connection")),
    ((urllib3.exceptions.ConnectTimeoutError,), "timeout", later("{who} did not answer for {connect}")),
    ((Late,), "timeout", later("no whole answer came within {read}")),
    ((urllib3.exceptions.TimeoutError, requests.Timeout, TimeoutError), "timeout", later("nothing came for {read}")),
    (
        (urllib3.exceptions.IncompleteRead, http.client.IncompleteRead, InvalidChunkLength),
        "short",
        SHORT,
    ),
    ((http.client.RemoteDisconnected,), "reset", later("{who} closed the connection without an answer")),
    ((ConnectionResetError, BrokenPipeError), "reset", later("the connection was reset")),
    ((http.client.HTTPException,), "protocol", later("what {who} answered is not HTTP")),
)
_MEND_CA = later("If you trust it, enter the certificate of its authority as the remote's CA certificates.")
# By OpenSSL's numbers for what it did not like about a certificate (X509_V_ERR_…).
CERTIFICATES = {
    9: (
        later("the certificate of {who} is not valid yet"),
        later("Compare the clocks of this server and of the upstream."),
    ),
    10: (later("the certificate of {who} has expired"), later("Whoever runs the upstream has to renew it.")),
    18: (
        later("the certificate of {who} is signed by nobody but itself"),
        later("If you trust it, enter it as the remote's CA certificates."),
    ),
    **dict.fromkeys(
        (2, 19, 20, 21),
        (later("the certificate of {who} comes from an authority that is not trusted here"), _MEND_CA),
    ),
}
NO_GOOD = (later("the certificate of {who} is not good ({why})"), _MEND_CA)
_MEND_NAME = later("Use a name of the certificate in the remote's URL, or have a certificate made out to this name.")
MEND_CLIENT = later("Enter a client certificate and its key on the remote, or look whether they are the right ones.")
_MEND_VERSION = later("The upstream is too old to be spoken to safely: it needs TLS 1.2 or newer.")
_MEND_SCHEME = later("Look whether the URL should begin with http://, or name another port.")
WRONG_NAME = (later("the certificate of {who} is made out to {names}, not to {who}"), _MEND_NAME)
UNKNOWN_NAMES = (later("the certificate of {who} is made out not to {who}"), _MEND_NAME)
# By a part of OpenSSL's reason for ending a connection.
ALERTS = {
    "CERTIFICATE_REQUIRED": (later("{who} asks for a client certificate"), MEND_CLIENT),
    "HANDSHAKE_FAILURE": (
        later("{who} broke off while TLS was agreed on; it may ask for a client certificate"),
        MEND_CLIENT,
    ),
    **dict.fromkeys(
        ("UNKNOWN_CA", "_CERTIFICATE", "CERTIFICATE_", "ACCESS_DENIED"),
        (later("{who} does not accept the client certificate"), MEND_CLIENT),
    ),
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"),
        (later("{who} does not speak TLS at this port"), _MEND_SCHEME),
    ),
    **dict.fromkeys(
        ("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"),
        (later("{who} has no version of TLS in common with us"), _MEND_VERSION),
    ),
}
