"""Several requests ahead on one connection (pipelining, RFC 9112, 9.3.2): what is asked, and what is answered.

Pure: bytes in, answers out. Only answers are read whose end is beyond doubt: one Content-Length, no transfer coding,
and not too long to be held in memory. Whatever else comes is no mistake of the upstream's, but nothing for a pipeline.
"""

import re
from collections import deque
from typing import NamedTuple

# The longest file that is asked for here, and the longest head of an answer, in bytes.
SMALL = 256_000
_LONGEST_HEAD = 64 * 1024
_END = b"\r\n\r\n"
# A status line, a header's name in small letters (RFC 9110, 5.6.2), and a length: as nobody can read them otherwise.
_FIRST = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_LENGTH = re.compile(r"[0-9]{1,18}")


class Wanted(NamedTuple):
    """A file to fetch: a number to tell it by, the target of the request for it, its sha256 and its size in bytes."""

    number: int
    target: str
    sha256: str
    size: int


class Answer(NamedTuple):
    """The answer to the request for one file; `last` says that the connection will bring no other."""

    wanted: Wanted
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes
    last: bool


class _Strange(Exception):
    """An answer that is not one for a pipeline."""


class Pipeline:
    """One connection's requests and answers. `rest` is what all requests have behind their first line.

    `asked` are the files that were asked for and not answered yet. `ended` says that no more can be read: after the
    last answer, or one that is none for a pipeline.
    """

    def __init__(self, rest: bytes) -> None:
        self.asked: deque[Wanted] = deque()
        self.ended = False
        self._behind = b" HTTP/1.1\r\n" + rest
        self._unread = b""

    @property
    def between_answers(self) -> bool:
        """Whether nothing has come of the answer that is next."""
        return not self._unread

    @property
    def is_in_body(self) -> bool:
        """Whether the whole head has come of the answer that is next."""
        return _END in self._unread

    def ask(self, wanted: list[Wanted]) -> bytes:
        """The requests for these files, to be sent as they are."""
        self.asked.extend(wanted)
        return b"".join([b"GET " + one.target.encode("ascii") + self._behind for one in wanted])

    def read(self, data: bytes) -> list[Answer]:
        """The answers that `data`, the next bytes that came, completes."""
        unread = self._unread + data if self._unread else data
        answers: list[Answer] = []
        begin = 0
        try:
            while self.asked and not self.ended and (end := unread.find(_END, begin)) >= 0:
                status, reason, headers = _head(unread[begin:end])
                body, size = end + len(_END), _length(headers, status)
                if len(unread) < body + size:
                    break
                begin = body + size
                self.ended = "close" in headers.get("connection", "").lower()
                wanted = self.asked.popleft()
                answers.append(Answer(wanted, status, reason, headers, unread[body:begin], self.ended))
            self._unread = unread[begin:]
            self._refuse_what_nobody_asked_for()
        except _Strange:
            self.ended = True
        return answers

    def _refuse_what_nobody_asked_for(self) -> None:
        if self._unread and not self.asked:
            raise _Strange("there is more than was asked for")
        if len(self._unread) > SMALL + _LONGEST_HEAD:
            raise _Strange("the head has no end")
        # It would never come to one.
        if b"\n\n" in self._unread and _END not in self._unread:
            raise _Strange("its lines do not end as they should")


def _head(head: bytes) -> tuple[int, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    matched = _FIRST.fullmatch(first)
    if not matched or head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
        raise _Strange("it is no answer of HTTP/1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not colon or not _NAME.fullmatch(name):
            raise _Strange("its head cannot be read without a doubt")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if matched[1] == "0":
        headers.setdefault("connection", "close")
    return int(matched[2]), matched[3] or "", headers


def _length(headers: dict[str, str], status: int) -> int:
    """How long the body is, in bytes."""
    size = headers.get("content-length", "")
    # Of two lengths it would be neither: they are joined as “5, 5”.
    if "transfer-encoding" in headers or not _LENGTH.fullmatch(size) or status < 200:
        raise _Strange("its body has no length")
    # These have none, whatever they say (RFC 9110, 6.4.1).
    length = 0 if status in (204, 304) else int(size)
    if length > SMALL:
        raise _Strange("its body is too long")
    return length
