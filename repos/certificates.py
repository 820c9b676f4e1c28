"""Certificates and keys as PEM, as people paste them: what is wrong with one, in words. Strings in, nothing out."""

from typing import TYPE_CHECKING

from django.utils import timezone

from .errors.values import InvalidValue
from .words import say

if TYPE_CHECKING:
    # It takes long to import, and most processes never see a certificate.
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

_KEY = "PRIVATE KEY-----"


def check_authorities(field: str, text: str) -> None:
    """Raises InvalidValue unless `text` has certificates in it, at least one of which has not ended."""
    found = _read(field, text)
    if all(_ended(one) for one in found):
        raise InvalidValue(
            field, say("{ended} It would be trusted by nobody: paste the one in its place.", ended=_end_of(found[-1]))
        )


def check_client(field: str, text: str) -> None:
    """Raises InvalidValue unless `text` is a certificate that has not ended, and what may follow it."""
    first = _read(field, text)[0]
    if _ended(first):
        raise InvalidValue(field, say("{ended} The upstream would refuse it: ask for a new one.", ended=_end_of(first)))


def check_key(field: str, text: str) -> None:
    """Raises InvalidValue unless `text` is a private key without a passphrase."""
    _key(field, text)


def check_pair(field: str, certificate: str, key: str) -> None:
    """Raises InvalidValue unless the key is that of the (first) certificate."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    ours, theirs = (
        one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in (_key(field, key).public_key(), _read(field, certificate)[0].public_key())
    )
    if ours != theirs:
        raise InvalidValue(
            field, say("The client key belongs to another certificate. Paste the two that belong together.")
        )


def _read(field: str, text: str) -> "list[Certificate]":
    from cryptography.x509 import load_pem_x509_certificates

    if _KEY in text:
        why = say("There is a private key in it, which would be shown on pages. Paste certificates only.")
        raise InvalidValue(field, why)
    try:
        return load_pem_x509_certificates(text.encode())
    except ValueError:
        why = say("It is no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----. Paste it whole.")
        raise InvalidValue(field, why) from None


def _key(field: str, text: str) -> "PrivateKeyTypes":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(text.encode(), password=None)
    except TypeError:
        why = say("The key has a passphrase, which nobody could enter at night. Take it off: openssl pkey -in key.pem")
        raise InvalidValue(field, why) from None
    except (ValueError, UnsupportedAlgorithm):
        why = say("It is no private key in PEM form, such as begins with -----BEGIN PRIVATE KEY-----. Paste it whole.")
        raise InvalidValue(field, why) from None


def _ended(certificate: "Certificate") -> bool:
    return certificate.not_valid_after_utc < timezone.now()


def _end_of(certificate: "Certificate") -> str:
    return say(
        "The certificate ended on {date}.",
        date=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
    )
