"""Small files, answered where their requests arrive: by the thread that moves all bytes, without another one's help.

To hand a request to another thread and its answer back takes ten times as long as to look up and read a small file. But
whoever waits here holds up everybody. So nothing here waits for another server or a lock, nor for the bytes of a file
that the kernel has to get from the disk. What would have to, and all that is not plain (odd requests, sign-ins, folders
and errors), goes the usual way; what is answered here is answered by the same code, to the byte as it would be there.
SQLite says at once which file is meant; what PostgreSQL says is told later (desk.py).
"""

import re
import time
from functools import lru_cache
from http.client import responses
from typing import Any
from urllib.parse import unquote_to_bytes

from django.utils.http import http_date

from repos.glance import Found, Glance

from . import access, content, resumes

# In bytes. Longer requests are no plain ones.
LONGEST = 4096

_PLAIN = re.compile(
    rb"(GET|HEAD) (" + content.ROOT.encode() + rb"/[\w.~/%+@,=:-]+) HTTP/1\.1\r\n"
    rb"((?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n",
    re.ASCII,
)
# What is more than a wish for a file, or for a part of one: bodies, other protocols, and conditions that need history.
_ODD = re.compile(
    rb"^(?:connection:(?![\t ]*keep-alive[\t ]*\r)|content-|transfer-|expect:|upgrade:"
    rb"|if-(?!none-match:|modified-since:))",
    re.ASCII | re.IGNORECASE | re.MULTILINE,
)
# All that the answer to a plain request depends on.
_HEEDED = re.compile(
    rb"^(range|if-none-match|if-modified-since|want-digest|authorization):[\t ]*(.*?)[\t ]*\r$",
    re.IGNORECASE | re.MULTILINE,
)


class Request:
    """As much of a request as the answer to a plain one depends on."""

    def __init__(self, method: str, path: str, headers: bytes) -> None:
        self.method: str | None = method
        self.path = path
        self.META: dict[str, Any] = {}
        for name, value in _HEEDED.findall(headers):
            text = value.decode("latin-1")
            key = f"HTTP_{name.decode().upper().replace('-', '_')}"
            # As RFC 9110, 5.3 joins them.
            self.META[key] = f"{self.META[key]}, {text}" if key in self.META else text

    @property
    def file(self) -> str:
        """The path below ROOT."""
        return self.path[len(content.ROOT) + 1 :]

    @property
    def secret(self) -> str:
        """The token that it brings; empty if it brings none."""
        return access.secret_in(self.META.get("HTTP_AUTHORIZATION", ""))


def parse(data: bytes) -> Request | None:
    """The plain request that `data` is from its first byte to its last; None if it is anything else."""
    if len(data) > LONGEST or not (found := _PLAIN.fullmatch(data)) or _ODD.search(found[3]):
        return None
    try:
        path = unquote_to_bytes(found[2]).decode()
    except UnicodeDecodeError:
        return None
    return Request(found[1].decode(), path, found[3])


class Answers:
    """Answers plain requests for small files. Of one thread, as its connection to the database is."""

    def __init__(self) -> None:
        self._glance = Glance()

    def __call__(self, data: bytes) -> bytes | None:
        """The whole answer to the request `data`; None if it has to go the usual way."""
        request = parse(data)
        return answer(request, self._glance.find(request.file, request.secret)) if request else None


def answer(request: Request, found: Found | None) -> bytes | None:
    """The whole answer with what was found; None if the request has to go the usual way."""
    if found is None or found.file.size > resumes.WORTH_REMEMBERING:
        return None
    made = content.at_once(request, request.file, found.file, is_private=found.is_private)
    return _bytes(request, made) if made else None


def _bytes(request: Request, answer: content.Answer) -> bytes:
    """As waitress writes it: the names capitalized and in order, and a date."""
    headers = [(_name(name), value) for name, value in answer.headers.items()]
    headers.append(("Date", _date(int(time.time()))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in sorted(headers))
    head = f"HTTP/1.1 {answer.status} {responses[answer.status]}\r\n{lines}\r\n".encode("latin-1")
    return head if request.method == "HEAD" else b"".join([head, *answer.body])


@lru_cache(maxsize=128)
def _name(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return http_date(second)
