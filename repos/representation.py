"""Which representation of a file an answer has, and which part of it (RFC 9110, 8.8, 13.1.5, 14.4). Pure."""

import re
from collections.abc import Mapping

from .headers import strong
from .pieces import Span

_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]*"')
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


def validator(headers: Mapping[str, str]) -> str:
    """What no other representation has too, as If-Range takes it; empty if there is nothing of the kind.

    A date is one only where there is no entity tag (RFC 9110, 13.1.5), and none that is weak either.
    """
    if tag := headers.get("ETag", ""):
        return tag if _STRONG_TAG.fullmatch(tag) else ""
    date = strong(headers.get("Last-Modified", ""), headers.get("Date", ""))
    return date if date.isascii() and date.isprintable() else ""


def is_plain(headers: Mapping[str, str], size: int) -> bool:
    """Whether it is one of `size` bytes, and not encoded."""
    return headers.get("Content-Length") == str(size) and _encoding(headers) == "identity"


def has_parts(headers: Mapping[str, str]) -> bool:
    """Whether its parts can be asked for one by one, as the upstream says itself."""
    return headers.get("Accept-Ranges", "").strip().lower() == "bytes" and bool(validator(headers))


def part(span: Span, known: str) -> dict[str, str]:
    """The headers that ask for a part of the representation with the validator `known`, or for all of any other."""
    return {"Range": f"bytes={span[0]}-{span[1] - 1}", "If-Range": known}


def is_part(headers: Mapping[str, str], span: Span, size: int, known: str) -> bool:
    """Whether an answer 206 is what `part` asked for: exactly that span, of the same representation."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if not found or found[3] not in (str(size), "*") or _encoding(headers) != "identity":
        return False
    if (int(found[1]), int(found[2]) + 1) != span or headers.get("Content-Length", _length(span)) != _length(span):
        return False
    # It may leave the validator out, which was asked for; it may not give another.
    given = headers.get("ETag") if known.startswith('"') else headers.get("Last-Modified")
    return given in (None, known)


def _length(span: Span) -> str:
    return str(span[1] - span[0])


def _encoding(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Encoding", "identity").strip().lower()
