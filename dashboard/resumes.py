"""Downloads that go on across a switch: which file a request for a part of a file means.

`curl -C -`, `wget -c` and the parts of `aria2c -x4` ask for bytes N to M of a path and name nothing else. If the file
there was switched in the meantime, bytes of the new file would be put behind bytes of the old one. So we remember which
file a client was last given at a path, and go on with that one for as long as it is in its grace time.

- A request for a range that names an ETag (`If-Range`, `If-Match`) means the file with exactly these bytes. It gets it
  even if it was superseded; the answer carries that ETag, so that nobody takes it for the current file.
- A bare range from somewhere behind the start goes on with what this client was last given at this path.
- All else (no range, one from the start, the last N bytes, a HEAD) begins anew with the current file.

A client is its address and its user agent: two that share both, and ask for the same path, are one to us, and the later
start counts. The memory is the cache: that of this process, unless MILLRACE_REDIS_URL names a shared one.
"""

from collections.abc import Sequence
from hashlib import blake2b

from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_etags, parse_http_date_safe

from repos import conf, published
from repos.lookup import File

from . import cache
from .ranges import Range

# In bytes. What is smaller arrives in the first flight of packets of a TCP connection (RFC 6928) and is not cut off;
# so requests for small files pay nothing.
WORTH_REMEMBERING = 14_600


def etag(file: File) -> str:
    """Strong: it names the bytes."""
    return f'"{file.sha256}"'


def choose(request: WSGIRequest, path: str, current: File, asked: Range | None) -> tuple[File, Range | None]:
    """The file that is meant, `current` or one that it superseded, and the part of it; None is the whole."""
    file, part = _meant(request, path, current, asked) if asked else (current, None)
    if file.size > WORTH_REMEMBERING:
        cache.set(_key(request, path), etag(file), conf.grace().total_seconds())
    return file, part


def _meant(request: WSGIRequest, path: str, current: File, asked: Range) -> tuple[File, Range | None]:
    if condition := request.META.get("HTTP_IF_RANGE"):
        named = _if_range(condition, path, current)
        return (named, asked) if named else (current, None)
    etags = parse_etags(request.META.get("HTTP_IF_MATCH", ""))
    if not etags and may_go_on(current, asked):
        etags = [cache.get(_key(request, path))]
    return _named(etags, path, current) or current, asked


def may_go_on(current: File, asked: Range) -> bool:
    """Whether a bare range may belong to a download that was remembered: those of small files are not."""
    first = asked.first or 0
    return first > 0 and (current.size > WORTH_REMEMBERING or first > current.size)


def _named(etags: Sequence[str | None], path: str, current: File) -> File | None:
    if not any(etags) or etag(current) in etags:
        return None
    return next((file for file in published.superseded(path) if etag(file) in etags), None)


def _if_range(condition: str, path: str, current: File) -> File | None:
    """The file that `condition`, an ETag or a date, names for certain (RFC 9110, 13.1.5)."""
    if etags := parse_etags(condition):
        return current if etag(current) in etags else _named(etags, path, current)
    # A date is certain only if nothing else was served here that has the same second.
    same = {one.sha256 for one in [current, *published.superseded(path)] if _second(one) == _second(current)}
    return current if parse_http_date_safe(condition) == _second(current) and len(same) == 1 else None


def _second(file: File) -> int:
    return int(file.modified.timestamp())


def _key(request: WSGIRequest, path: str) -> str:
    client = f"{request.META.get('REMOTE_ADDR')}\n{request.META.get('HTTP_USER_AGENT')}\n{path}"
    return f"resume:{blake2b(client.encode(errors='surrogateescape'), digest_size=16).hexdigest()}"
