"""What is served, asked for in every way that HTTP allows, and in many that it does not, held against RFC 9110.

The model below is written from the RFC's text (13.2.2 for the order of preconditions, 14.1.2 for ranges) and shares no
code with what it checks.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple
from wsgiref.util import setup_testing_defaults

import hypothesis
import pytest
from django.utils.http import http_date
from hypothesis import strategies as st

from dashboard import content
from repos.models import RepositoryVersion
from tests import factories
from tests.fuzzing import rules

DATA = bytes(range(256)) * 3
SIZE = len(DATA)
ETAG = f'"{hashlib.sha256(DATA).hexdigest()}"'
# When what is served was made, in seconds.
MADE = 1_700_000_000


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def ask(path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    """What the application answers. `path` is as WSGI gives it: each byte of the address as a character."""
    environ: dict[str, Any] = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()}
    said: list[Any] = []
    body = content.application(environ, lambda status, headers, *_: said.extend([status, headers]))  # type: ignore[arg-type]
    try:
        found = b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()
    return Answer(int(said[0].split()[0]), dict(said[1]), found)


@pytest.fixture
def served(transactional_db: None) -> None:
    files = factories.repository()
    factories.serve(files, {"data.bin": DATA, "empty": b"", "a/b c.txt": b"hello", "é/%41?#.txt": b"signs"})
    RepositoryVersion.objects.update(created_at=datetime.fromtimestamp(MADE, UTC))


# ---- what a request may say --------------------------------------------------------------------------------

OTHER = f'"{"0" * 64}"'
TAGS = st.sampled_from([ETAG, OTHER, f"W/{ETAG}", f"W/{OTHER}", '"x"'])
TAG_LISTS = st.just("*") | st.lists(TAGS, min_size=1, max_size=3).map(", ".join)
MOMENTS = st.sampled_from([MADE - 1, MADE, MADE + 1, MADE - 10**8, MADE + 10**8])
DATES = MOMENTS.map(http_date)
NUMBERS = st.integers(0, SIZE + 5) | st.sampled_from([0, SIZE - 1, SIZE, 10**17])
RANGES = st.one_of(
    st.builds("bytes={}-{}".format, NUMBERS, NUMBERS),
    st.builds("bytes={}-".format, NUMBERS),
    st.builds("bytes=-{}".format, NUMBERS),
    st.sampled_from(["bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=a-b", "bytes=-", "bytes=5-2", "bytes"]),
)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "If-Match": TAG_LISTS,
        "If-Unmodified-Since": DATES,
        "If-None-Match": TAG_LISTS,
        "If-Modified-Since": DATES,
        "If-Range": TAGS | DATES,
        "Range": RANGES,
    },
)


# ---- the model ---------------------------------------------------------------------------------------------


def expected(method: str, asked: Mapping[str, str]) -> tuple[int, range]:
    """The status, and the bytes that belong to it."""
    if not _preconditions_hold(asked):
        return 412, range(0)
    if _not_modified(asked):
        return 304, range(0)
    span = _wanted(asked["Range"]) if method == "GET" and "Range" in asked and _range_counts(asked) else "whole"
    if span == "whole":
        return 200, range(SIZE)
    return (206, span) if isinstance(span, range) else (416, range(0))


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",")]


def _preconditions_hold(asked: Mapping[str, str]) -> bool:
    if "If-Match" in asked:
        # The strong comparison: a weak tag equals nothing.
        return asked["If-Match"] == "*" or ETAG in _tags(asked["If-Match"])
    return "If-Unmodified-Since" not in asked or _seconds(asked["If-Unmodified-Since"]) >= MADE


def _not_modified(asked: Mapping[str, str]) -> bool:
    if "If-None-Match" in asked:
        weak = [tag.removeprefix("W/") for tag in _tags(asked["If-None-Match"])]
        return asked["If-None-Match"] == "*" or ETAG in weak
    return "If-Modified-Since" in asked and _seconds(asked["If-Modified-Since"]) >= MADE


def _range_counts(asked: Mapping[str, str]) -> bool:
    condition = asked.get("If-Range", ETAG)
    return condition == ETAG if '"' in condition else _seconds(condition) == MADE


def _wanted(text: str) -> range | str:
    """The bytes that are asked for, "none" if there are none of them, or "whole" where the header is to be ignored."""
    if not (found := re.fullmatch(r"bytes=(\d*)-(\d*)", text)) or not any(found.groups()):
        return "whole"
    first, last = found.groups()
    if not first:
        return range(max(0, SIZE - int(last)), SIZE) if int(last) else "none"
    if last and int(last) < int(first):
        return "whole"
    return range(int(first), min(int(last or SIZE) + 1, SIZE)) if int(first) < SIZE else "none"


def _seconds(date: str) -> int:
    return next(
        moment for moment in (MADE - 1, MADE, MADE + 1, MADE - 10**8, MADE + 10**8) if http_date(moment) == date
    )


# ---- the rules ---------------------------------------------------------------------------------------------


@rules(250)
@hypothesis.given(st.sampled_from(["GET", "HEAD"]), CONDITIONS)
def test_ranges_and_conditions_are_answered_as_the_rfc_says(served: None, method: str, asked: dict[str, str]) -> None:
    status, span = expected(method, asked)
    answer = ask("/content/files/data.bin", method, asked)
    assert answer.status == status
    if status in (200, 206):
        assert answer.headers["Content-Length"] == str(len(span))
        assert answer.body == (DATA[span.start : span.stop] if method == "GET" else b"")
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {span.start}-{span.stop - 1}/{SIZE}"
    if status == 304:
        assert answer.body == b"" and answer.headers["ETag"] == ETAG
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


ADDRESS_SIGNS = st.sampled_from(list("abf./%\\?#&;:@~-_ \x00\x01\n\r\x7f\x80\xa9\xc3\xff")) | st.characters(
    max_codepoint=255
)
SEGMENTS = st.sampled_from(
    ["files", "data.bin", "a", "b c.txt", "..", ".", "", "\xc3\xa9", "%41?#.txt", "PULP_MANIFEST", "\xff"]
)
ADDRESSES = st.text(ADDRESS_SIGNS, max_size=30) | st.lists(SEGMENTS, max_size=5).map("/".join)
# As a server passes them on: each byte a character, without line ends.
VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)
NAMES = ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Accept"]
NAMES += ["Accept-Encoding", "User-Agent", "Cookie", "Authorization", "Host", "Want-Digest", "X-Forwarded-For"]
KNOWN = {200, 204, 206, 301, 304, 401, 404, 405, 412, 416}


@rules(300)
@hypothesis.given(
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "TRACE", "\xff"]),
    ADDRESSES,
    st.dictionaries(st.sampled_from(NAMES), VALUES | RANGES | TAG_LISTS, max_size=4),
)
def test_whatever_is_asked_is_answered_and_framed(
    served: None, method: str, address: str, headers: dict[str, str]
) -> None:
    answer = ask(f"/content/{address}", method, headers)
    assert answer.status in KNOWN
    assert "Content-Encoding" not in answer.headers and "Set-Cookie" not in answer.headers
    for name, value in answer.headers.items():
        assert value.isascii() and value.isprintable(), name
    if method == "HEAD" or answer.status in (204, 304):
        assert answer.body == b""
    elif "Content-Length" in answer.headers:
        assert int(answer.headers["Content-Length"]) == len(answer.body)
    if answer.status in (200, 206) and method == "GET":
        # Folders' pages are ours; a file never runs with the rights of the dashboard.
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        is_ours = address.endswith("/") or not address
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'" if is_ours else "sandbox")


@rules(60)
@hypothesis.given(ADDRESSES, st.dictionaries(st.sampled_from(NAMES), VALUES | RANGES | TAG_LISTS, max_size=3))
def test_head_says_what_get_would(served: None, address: str, headers: dict[str, str]) -> None:
    headers.pop("Range", None)
    got, head = ask(f"/content/{address}", "GET", headers), ask(f"/content/{address}", "HEAD", headers)
    assert (head.status, head.headers) == (got.status, got.headers)
