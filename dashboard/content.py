"""What a downloader meets: a WSGI callable (PEP 3333) for all that is served below /content/.

It stands ahead of Django's middleware. It needs none of that (no form, and a user only where something is protected),
and without it sends three times as many small files.
"""

import logging
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from http.client import responses
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from urllib.parse import quote
from wsgiref.util import FileWrapper

from django.core.handlers.wsgi import WSGIRequest
from django.db import Error as DatabaseFailed
from django.db import close_old_connections
from django.template.loader import render_to_string
from django.urls import reverse, set_script_prefix
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from repos import damage, published
from repos.lookup import File
from repos.published import Folder, Missing, Protected
from repos.words import later, say

from . import access, handover, listing, media_types, part, ranges, resumes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

ROOT = "/content"
METHODS = "GET, HEAD, OPTIONS"
# In bytes. What fits in one is read at once; of the rest, a server without its own way to send files reads as much.
BLOCK = 65536
CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")

# What a 304 tells of the file (RFC 9110, 15.4.5).
UNCHANGED = ("Cache-Control", "ETag", "Last-Modified")
CLOSED = later("What is served here is protected: it takes a token, or a sign-in.")
NO_KEY = later(
    "What is served here is protected. This token does not open it: it is unknown, expired, revoked, or for others."
)

DAMAGED = later(
    "This file is damaged here, and is not sent before it is whole again. Try later; those who run "
    "this server find it under Storage."
)

ALWAYS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
PAGE = ALWAYS | {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Vary": "Accept",
}
# Its forms ask for the same folder otherwise: sorted, with digests, or as JSON.
FOLDER = PAGE | {
    "Content-Security-Policy": PAGE["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
}
# Nobody has looked at mirrored files: in a browser they may look as they like, but run nothing, and are nobody.
# A switch must be seen at once, so caches ask each time; the ETag spares them the bytes.
MIRRORED = ALWAYS | {
    "Accept-Ranges": "bytes",
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        "media-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
}


class Asked(Protocol):
    """As much of a request as the answer with a file depends on."""

    method: str | None
    META: dict[str, Any]


class Answer(NamedTuple):
    """A response as the WSGI wants it. Django's own object would take a tenth of the time of a small file."""

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes] = ()


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers requests for `/content` and all below it."""
    # As at the start of any of Django's requests: a connection that broke is let go. Its end is not told, for a server
    # may close a file in a thread of its own, which has no connection.
    close_old_connections()
    request = WSGIRequest(environ)
    answer = _answer(request)
    start_response(f"{answer.status} {responses[answer.status]}", list(answer.headers.items()))
    return () if request.method == "HEAD" else answer.body


def _answer(request: WSGIRequest) -> Answer:
    if request.method == "OPTIONS":
        return Answer(204, {"Allow": METHODS})
    if request.method not in ("GET", "HEAD"):
        return _say(request, 405, say("What is served here can only be read."), {"Allow": METHODS})
    try:
        return _found(request, request.path_info.removeprefix(ROOT))
    except DatabaseFailed as error:
        logger.error("%s could not be looked up: %s", request.path_info, error)
        return _say(request, 503, say("The database does not answer. Try again soon."))


def _found(request: WSGIRequest, path: str) -> Answer:
    """`path` is what follows ROOT: empty, or from a slash on."""
    visitor = access.Visitor(request)
    found = published.find(path[1:], visitor.allowed)
    answer = _refused(request, visitor) if isinstance(found, Protected) else _answer_with(request, path, found)
    return _private(answer) if visitor.mattered else answer


def _answer_with(request: WSGIRequest, path: str, found: File | Folder | Missing) -> Answer:
    if isinstance(found, File):
        return _file(request, path[1:], found)
    if isinstance(found, Missing):
        return _say(request, 404, found.why)
    return _folder(request, found) if path.endswith("/") else _with_slash(request)


def _refused(request: WSGIRequest, visitor: access.Visitor) -> Answer:
    """The same for all that is below the base path, whether it is there or not."""
    if seconds := visitor.has_to_wait:
        why = say("Too many requests came from this address with tokens that open nothing. Mend that, and wait.")
        return _say(request, 429, why, {"Retry-After": str(seconds)})
    return _say(request, 401, say(NO_KEY if visitor.secret else CLOSED), {"WWW-Authenticate": access.CHALLENGE})


def _private(answer: Answer) -> Answer:
    """For nobody but who asked: no cache in between may give it to another."""
    vary = ", ".join(filter(None, (answer.headers.get("Vary"), "Authorization", "Cookie")))
    return answer._replace(headers={**answer.headers, "Cache-Control": "private, no-cache", "Vary": vary})


def _say(request: WSGIRequest, status: int, why: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A sentence: as a page for browsers, as a line of text for tools."""
    kind = request.get_preferred_type(["text/plain", "text/html"]) or "text/plain"
    text = f"{why}\n"
    if kind == "text/html":
        above = request.path.removesuffix(request.path_info)
        context = {"why": why, "reason": responses[status], "root": f"{above}{ROOT}/"}
        if status == 401:
            # As Django does it at the start of any of its requests.
            set_script_prefix(f"{above}/")
            context["sign_in"] = f"{reverse('login')}?next={quote(quote(request.path))}"
        text = render_to_string("content/sentence.html", context)
    return _whole(status, {**PAGE, **(headers or {}), "Content-Type": f"{kind}; charset=utf-8"}, text.encode())


def _whole(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    return Answer(status, {**headers, "Content-Length": str(len(body))}, [body])


# ---- files -------------------------------------------------------------------------------------------------


def _file(request: WSGIRequest, path: str, current: File) -> Answer:
    file, wanted = resumes.choose(request, path, current, _range(request))
    headers = _headers(request, path, file)
    if any(condition in request.META for condition in CONDITIONS):
        if (status := _settled(request, headers, file)) == 304:
            return _unchanged(headers)
        if status:
            return _say(request, 412, say("The file here is not, or not any more, the one that was asked for."))
    span = wanted.within(file.size) if wanted else range(file.size)
    if span is None:
        why = say("This file has {size} bytes, and none where some were asked for.", size=file.size)
        return _say(request, 416, why, {"Content-Range": f"bytes */{file.size}"})
    try:
        return _handed_over(request, headers, file, wanted) or _sent(request, headers, file, span, wanted)
    except part.Damaged as error:
        logger.error("%s is not served: %s", request.path_info, error)
        damage.note_unserved(file.sha256)
        return _say(request, 503, say(DAMAGED))


def at_once(request: Asked, path: str, file: File, *, is_private: bool) -> Answer | None:
    """The answer with a small file, as `_file` has it. None where that would have to wait, or to say why not."""
    answer = _at_once(request, path, file)
    return _private(answer) if answer and is_private else answer


def _at_once(request: Asked, path: str, file: File) -> Answer | None:
    wanted = _range(request)
    if wanted and resumes.may_go_on(file, wanted):
        return None
    headers = _headers(request, path, file)
    if any(condition in request.META for condition in CONDITIONS) and (status := _settled(request, headers, file)):
        return _unchanged(headers) if status == 304 else None
    span = wanted.within(file.size) if wanted else range(file.size)
    if span is None:
        return None
    try:
        handed_over = _handed_over(request, headers, file, wanted)
        return handed_over or _with_bytes(headers, file, span, wanted, part.read(file, span, wait=False))
    except part.Damaged:
        return None


def _range(request: Asked) -> ranges.Range | None:
    # RFC 9110, 14.2: a range is defined for GET alone.
    return ranges.parse(request.META.get("HTTP_RANGE", "")) if request.method == "GET" else None


def _headers(request: Asked, path: str, file: File) -> dict[str, str]:
    digest = b64encode(bytes.fromhex(file.sha256)).decode()
    headers = {
        **MIRRORED,
        "Content-Type": media_types.of(path, is_metadata=file.is_metadata),
        "ETag": resumes.etag(file),
        "Last-Modified": _date(file.modified),
        # RFC 9530: of the whole file, also where a part is sent.
        "Repr-Digest": f"sha-256=:{digest}:",
    }
    if "sha-256" in request.META.get("HTTP_WANT_DIGEST", "").lower():
        # RFC 3230, its predecessor: aria2c asks for it, then verifies the file and refuses parts of another.
        headers["Digest"] = f"SHA-256={digest}"
    return headers


@lru_cache(maxsize=1024)
def _date(moment: datetime) -> str:
    return http_date(moment.timestamp())


def _settled(request: Asked, headers: Mapping[str, str], file: File) -> int | None:
    """The status with which its conditions settle a request; None if they do not."""
    # It looks at no more of a request than there is.
    settled = get_conditional_response(cast(WSGIRequest, request), headers["ETag"], int(file.modified.timestamp()))
    return settled.status_code if settled else None


def _unchanged(headers: Mapping[str, str]) -> Answer:
    return Answer(304, {name: headers[name] for name in UNCHANGED})


def _handed_over(request: Asked, headers: dict[str, str], file: File, wanted: ranges.Range | None) -> Answer | None:
    """The answer that has the server in front send the file; None where we send it. Raises what `part.check` does."""
    told = handover.header(request.method, request.META, file, wanted)
    if not told:
        return None
    part.check(file)
    return Answer(200, {**headers, **told, "Content-Length": "0"})


def _sent(
    request: WSGIRequest, headers: dict[str, str], file: File, span: range, wanted: ranges.Range | None
) -> Answer:
    """The bytes `span`, from the pool."""
    if len(span) <= BLOCK:
        return _with_bytes(headers, file, span, wanted, part.read(file, span))
    opened = part.Part(file, span)
    if request.method == "HEAD":
        opened.close()
        return _with_bytes(headers, file, span, wanted, b"")
    answer = _with_bytes(headers, file, span, wanted, b"")
    return answer._replace(body=request.META.get("wsgi.file_wrapper", FileWrapper)(opened, BLOCK))


def _with_bytes(headers: dict[str, str], file: File, span: range, wanted: ranges.Range | None, body: bytes) -> Answer:
    headers["Content-Length"] = str(len(span))
    if not wanted or not file.size:
        return Answer(200, headers, [body])
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{file.size}"
    return Answer(206, headers, [body])


# ---- folders -----------------------------------------------------------------------------------------------


def _with_slash(request: WSGIRequest) -> Answer:
    """To the folder's own address, below which relative links are right. Relative, whatever is in front of us."""
    query = request.META.get("QUERY_STRING")
    location = quote(request.path_info.rpartition("/")[2], safe="") + "/" + (f"?{query}" if query else "")
    return _say(request, 301, say("This is a folder: its address ends with a slash."), {"Location": location})


def _folder(request: WSGIRequest, folder: Folder) -> Answer:
    as_json = listing.wants_json(request)
    query = request.META.get("QUERY_STRING", "")
    blocks = listing.as_json(request.path, folder) if as_json else listing.as_html(folder, query)
    headers = {**FOLDER, "Content-Type": "application/json" if as_json else "text/html; charset=utf-8"}
    first, second = next(blocks), next(blocks, None)
    # Where the first block is all, as nearly always, its length is known and the connection stays open.
    return _whole(200, headers, first) if second is None else Answer(200, headers, chain([first, second], blocks))
