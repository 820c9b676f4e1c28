"""Answers on one connection, read as they come: only what cannot be read in two ways is read at all."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repos.pipeline import SMALL, Answer, Pipeline, Wanted
from tests.fuzzing import rules

REST = b"Host: there\r\nAccept: */*\r\n\r\n"


def wanted(number: int) -> Wanted:
    return Wanted(number, f"/folder/{number}", hashlib.sha256(b"%d" % number).hexdigest(), 1)


def asking(number: int) -> Pipeline:
    """One that has asked for so many files, numbered from 0."""
    pipeline = Pipeline(REST)
    pipeline.ask([wanted(one) for one in range(number)])
    return pipeline


def answer(body: bytes, head: str = "HTTP/1.1 200 OK\r\nServer: some\r\n") -> bytes:
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def told(answers: list[Answer]) -> list[tuple[int, int, bytes]]:
    return [(one.wanted.number, one.status, one.body) for one in answers]


# ---- what is asked ---------------------------------------------------------------------------------------


def test_it_works() -> None:
    pipeline = Pipeline(REST)
    assert pipeline.ask([wanted(0), wanted(1)]) == (
        b"GET /folder/0 HTTP/1.1\r\nHost: there\r\nAccept: */*\r\n\r\n"
        b"GET /folder/1 HTTP/1.1\r\nHost: there\r\nAccept: */*\r\n\r\n"
    )
    first = Answer(wanted(0), 200, "OK", {"server": "some", "content-length": "5"}, b"first", False)
    assert pipeline.read(answer(b"first") + answer(b"second")) == [
        first,
        first._replace(wanted=wanted(1), headers={"server": "some", "content-length": "6"}, body=b"second"),
    ]
    assert (list(pipeline.asked), pipeline.ended) == ([], False)


def test_what_is_asked_later_is_answered_later() -> None:
    pipeline = asking(1)
    pipeline.ask([wanted(1)])
    assert told(pipeline.read(answer(b"a"))) == [(0, 200, b"a")]
    pipeline.ask([wanted(2)])
    assert told(pipeline.read(answer(b"b") + answer(b"c"))) == [(1, 200, b"b"), (2, 200, b"c")]


# ---- answers in pieces -----------------------------------------------------------------------------------

# One of each kind: with a body, with none, with one that looks like a head, refused, and the last.
SEVERAL = (
    answer(b"first")
    + answer(b"")
    + answer(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\n\nabc")
    + answer(b"no such file", "HTTP/1.1 404 Not Found\r\nX-Empty:\r\n")
    + answer(b"last", "HTTP/1.1 200\r\nConnection: close\r\n")
)
ANSWERS = asking(6).read(SEVERAL)


def in_pieces(*places: int) -> list[Answer]:
    pipeline = asking(6)
    cuts = [0, *sorted(places), len(SEVERAL)]
    return [one for begin, end in pairwise(cuts) for one in pipeline.read(SEVERAL[begin:end])]


def test_the_answers_are_as_they_were_sent() -> None:
    assert [(one.wanted.number, one.status, one.reason, len(one.body), one.last) for one in ANSWERS] == [
        (0, 200, "OK", 5, False),
        (1, 200, "OK", 0, False),
        (2, 200, "OK", 43, False),
        (3, 404, "Not Found", 12, False),
        (4, 200, "", 4, True),
    ]


def test_it_does_not_matter_where_what_came_was_cut() -> None:
    for place in range(len(SEVERAL) + 1):
        assert in_pieces(place) == ANSWERS


def test_it_may_come_byte_by_byte() -> None:
    assert in_pieces(*range(1, len(SEVERAL))) == ANSWERS


@given(st.lists(st.integers(0, len(SEVERAL)), max_size=12))
@rules(200)
def test_it_may_come_in_any_pieces(places: list[int]) -> None:
    assert in_pieces(*places) == ANSWERS


def test_an_answer_is_told_with_its_last_byte() -> None:
    pipeline, data = asking(2), answer(b"bytes")
    assert pipeline.read(data[:-1]) == []
    assert told(pipeline.read(data[-1:])) == [(0, 200, b"bytes")]


# ---- the end of a connection -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\nConnection: close\r\n",
        "HTTP/1.1 200 OK\r\nconnection: Keep-Alive, Close\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\n",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n",
        "HTTP/1.0 200 OK\r\n",
    ],
)
def test_behind_the_last_answer_nothing_is_read(head: str) -> None:
    pipeline = asking(3)
    answers = pipeline.read(answer(b"a") + answer(b"b", head) + answer(b"c"))
    assert [(one.body, one.last) for one in answers] == [(b"a", False), (b"b", True)]
    assert pipeline.ended
    assert list(pipeline.asked) == [wanted(2)]


def test_http_1_0_may_keep_a_connection_alive() -> None:
    head = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
    assert [one.last for one in asking(2).read(2 * answer(b"a", head))] == [False, False]


# ---- what is nothing for a pipeline ----------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\n"
# Each is followed by five bytes and an answer: none of that may be taken for a file.
DOUBTFUL = {
    "no length": OK + b"\r\n",
    "nothing but a status line": b"HTTP/1.1 200 OK\r\n\r\n",
    "chunked": OK + b"Transfer-Encoding: chunked\r\n\r\n",
    "chunked, with a length": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked, in capitals": OK + b"TRANSFER-ENCODING: chunked\r\nContent-Length: 5\r\n\r\n",
    "chunked, in another spelling": OK + b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n",
    "a coding with a space behind its name": OK + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n",
    "a coding with a tab behind its name": OK + b"Transfer-Encoding\t: chunked\r\nContent-Length: 5\r\n\r\n",
    "a coding with a sign in its name": OK + b"Transfer\0-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "a coding in the next line": OK + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n",
    "a coding behind a bare line feed": OK + b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "a coding behind a bare carriage return": OK + b"X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "the same length twice": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "the same length twice, spelled otherwise": OK + b"Content-Length: 5\r\ncontent-length: 5\r\n\r\n",
    "two lengths in one": OK + b"Content-Length: 5, 5\r\n\r\n",
    "a folded line": OK + b"X: y\r\n Content-Length: 6\r\nContent-Length: 5\r\n\r\n",
    "a folded length": OK + b"Content-Length: 5\r\n 0\r\n\r\n",
    "a folded length with a colon": OK + b"Content-Length: 5\r\n\t0:0\r\n\r\n",
    "a length with a space before its colon": OK + b"Content-Length : 5\r\n\r\n",
    "a length with a sign": OK + b"Content-Length: +5\r\n\r\n",
    "a negative length": OK + b"Content-Length: -5\r\n\r\n",
    "a negative length of nothing": OK + b"Content-Length: -0\r\n\r\n",
    "a length with an underscore": OK + b"Content-Length: 0_5\r\n\r\n",
    "a length with a point": OK + b"Content-Length: 5.0\r\n\r\n",
    "a hexadecimal length": OK + b"Content-Length: 0x5\r\n\r\n",
    "a length of other digits": OK + "Content-Length: ٥\r\n\r\n".encode(),
    "a raised length": OK + b"Content-Length: \xb2\r\n\r\n",
    "a length behind a space that is none": OK + b"Content-Length: \xa05\r\n\r\n",
    "a length before a separator": OK + b"Content-Length: 5\x1c\r\n\r\n",
    "a length with a zero byte": OK + b"Content-Length: 5\0\r\n\r\n",
    "an empty length": OK + b"Content-Length:\r\n\r\n",
    "a length that is too long": OK + b"Content-Length: %d\r\n\r\n" % (SMALL + 1),
    "a length of many digits": OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
    "a length of more digits than Python reads": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a length of too many zeros": OK + b"Content-Length: " + b"0" * 5000 + b"5\r\n\r\n",
    "a line without a colon": OK + b"Content-Length: 5\r\nX\r\n\r\n",
    "a header without a name": OK + b"Content-Length: 5\r\n: x\r\n\r\n",
    "a name that is not ASCII": OK + b"Content-Length: 5\r\n\xc3\xa4: x\r\n\r\n",
    "a header before the status line": b"Content-Length: 5\r\nHTTP/1.1 200 OK\r\n\r\n",
    "an empty line before": b"\r\n" + OK + b"Content-Length: 5\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 5\n\n",
    "a head that ends by bare line feeds": OK + b"Content-Length: 5\r\n\n",
    "a zero byte": OK + b"X: \0\r\nContent-Length: 5\r\n\r\n",
    "another protocol": b"ICY 200 OK\r\nContent-Length: 5\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.10": b"HTTP/1.10 200 OK\r\nContent-Length: 5\r\n\r\n",
    "small letters": b"http/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    "no status": b"HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
    "a status of words": b"HTTP/1.1 OK\r\nContent-Length: 5\r\n\r\n",
    "a short status": b"HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\n",
    "a long status": b"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n",
    "a status below all": b"HTTP/1.1 099 OK\r\nContent-Length: 5\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 5\r\n\r\n",
    "100 and then more": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n",
    "103 with a length": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\nUpgrade: h2c\r\n\r\n",
    "304 without a length": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "204 that calls itself chunked": b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    "TLS": b"\x16\x03\x03\x00\x7a\x02\r\n\r\n",
    "garbage": b"220 ftp.example ready\r\n\r\n",
}


@pytest.mark.parametrize("head", DOUBTFUL.values(), ids=list(DOUBTFUL))
def test_what_can_be_read_in_two_ways_is_not_read(head: bytes) -> None:
    pipeline = asking(4)
    assert told(pipeline.read(answer(b"sound") + head + b"bytes" + answer(b"other"))) == [(0, 200, b"sound")]
    assert pipeline.ended
    assert [one.number for one in pipeline.asked] == [1, 2, 3]


@pytest.mark.parametrize("head", DOUBTFUL.values(), ids=list(DOUBTFUL))
def test_it_is_not_read_byte_by_byte_either(head: bytes) -> None:
    pipeline = asking(4)
    data = answer(b"sound") + head + b"bytes" + answer(b"other")
    came = [one for byte in data for one in pipeline.read(bytes([byte]))]
    assert told(came) == [(0, 200, b"sound")]
    assert pipeline.ended


def test_once_in_doubt_nothing_more_is_read() -> None:
    pipeline = asking(2)
    pipeline.read(b"garbage\r\n\r\n")
    assert pipeline.read(answer(b"a")) == []
    assert pipeline.read(answer(b"b")) == []


@pytest.mark.parametrize("more", [b"x", b"\r\n", answer(b"more")])
def test_more_than_was_asked_for_ends_it(more: bytes) -> None:
    pipeline = asking(1)
    assert told(pipeline.read(answer(b"file") + more)) == [(0, 200, b"file")]
    assert pipeline.ended


def test_what_comes_unasked_is_the_answer_to_nothing() -> None:
    pipeline = asking(1)
    pipeline.read(answer(b"file"))
    assert not pipeline.ended
    assert pipeline.read(answer(b"more")) == []
    assert pipeline.ended


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_what_has_no_body_has_none_whatever_it_says(status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: 100\r\n\r\n".encode()
    assert told(asking(2).read(head + answer(b"next"))) == [(0, int(status[:3]), b""), (1, 200, b"next")]


def test_a_body_may_be_as_long_as_small_files_are() -> None:
    assert [len(one.body) for one in asking(2).read(2 * answer(bytes(SMALL)))] == [SMALL, SMALL]


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n"])
@pytest.mark.parametrize("line", [b"x", b"X: y\r\n"])
def test_a_head_without_end_is_not_held(begin: bytes, line: bytes) -> None:
    pipeline, block, held = asking(1), line * (65536 // len(line)), 0
    pipeline.read(begin)
    while not pipeline.ended:
        assert pipeline.read(block) == []
        held += len(block)
        assert held < 2 * SMALL


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (b"X-Word: caf\xc3\xa9", "x-word", "cafÃ©"),
        (b"Location: /a\r\nLocation: /b", "location", "/a, /b"),
        (b"X:", "x", ""),
        (b"X:  \t y z \t", "x", "y z"),
        (b"X: a:b", "x", "a:b"),
        (b"X!#$%&'*+.^_`|~-09: y", "x!#$%&'*+.^_`|~-09", "y"),
    ],
)
def test_headers_are_read_as_they_are_meant(line: bytes, name: str, value: str) -> None:
    (one,) = asking(1).read(b"HTTP/1.1 302 Found\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")
    assert one.headers[name] == value


@given(st.binary(max_size=200), st.integers(0, 200))
@rules(300)
def test_whatever_comes_never_raises_and_never_brings_more_than_was_asked_for(junk: bytes, place: int) -> None:
    data = answer(b"sound") + answer(b"other")
    place = min(place, len(data))
    for spoiled in (junk + data, data[:place] + junk + data[place:], data[:place] + junk + data[place + len(junk) :]):
        pipeline = asking(2)
        came = pipeline.read(spoiled)
        assert [one.wanted.number for one in came] + [one.number for one in pipeline.asked] == [0, 1]
