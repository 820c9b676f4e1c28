"""Leaving the sending of files to the web server in front (MILLRACE_SENDFILE): which file, in a header of its own.

Millrace decides what is served, to whom, and with which headers; nginx (X-Accel-Redirect), or Apache or lighttpd
(X-Sendfile), then sends the bytes, and makes parts of them where some were asked for. docs/front.md has the other side.

What the server in front would judge by its own lights and not by ours is sent by us: it knows neither our ETags when it
compares them nor our dates, it answers several ranges at once, and some ranges otherwise than we do.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from repos import pool
from repos.lookup import File

from .ranges import Range

NGINX, SENDFILE = "x-accel-redirect", "x-sendfile"
# Where nginx' configuration has the pool, as a location that is internal.
INTERNAL = "/millrace-pool"
_OURS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")


def header(method: str | None, meta: Mapping[str, Any], file: File, wanted: Range | None) -> dict[str, str]:
    """What tells the server in front to send this file, or the part that is `wanted`; nothing where we send it."""
    if not settings.MILLRACE_SENDFILE or method != "GET" or not file.size:
        return {}
    if any(condition in meta for condition in _OURS) or ("HTTP_RANGE" in meta and not wanted):
        return {}
    if settings.MILLRACE_SENDFILE == NGINX:
        return {"X-Accel-Redirect": f"{INTERNAL}/{file.sha256[:2]}/{file.sha256}"}
    return {"X-Sendfile": str(pool.path(file.sha256))}
