"""Reading and writing PULP_MANIFEST."""

import io
import math
import tracemalloc
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import strategies as st

from repos import manifest, paths
from repos.errors.upstreams import BadList
from repos.errors.values import InvalidPath
from repos.manifest import Entry
from tests.fuzzing import rules

RULES = rules(80)
URL = "http://127.0.0.1/PULP_MANIFEST"
DIGEST = "0123456789abcdef" * 4
GOOD = b"good," + DIGEST.encode() + b",1\n"


def is_legal(path: str) -> bool:
    try:
        return bool(paths.checked(path))
    except InvalidPath:
        return False


signs = st.sampled_from("a/., #\"%'") | st.characters(codec="utf-8")
entries = st.tuples(
    st.text(signs, min_size=1, max_size=12).filter(is_legal),
    st.integers(0, 2**256 - 1).map("{:064x}".format),
    st.integers(0, 10**18 - 1),
)


def read(data: bytes) -> list[Entry]:
    return list(manifest.read(io.BytesIO(data), URL))


def first_bad_line(data: bytes) -> float:
    try:
        read(data)
    except BadList as error:
        return error.line
    return math.inf


def fault(data: bytes) -> BadList:
    with pytest.raises(BadList) as caught:
        read(data)
    return caught.value


def test_it_works() -> None:
    assert read(b"a/b.txt," + DIGEST.encode() + b",12\n") == [("a/b.txt", DIGEST, 12)]


@RULES
@hypothesis.given(st.lists(entries, max_size=4))
def test_what_is_written_is_read_again(written: list[Entry]) -> None:
    assert read(b"".join(manifest.write(written))) == written


@RULES
@hypothesis.given(st.lists(entries, max_size=4), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_line_ends_and_blanks_and_comments_change_nothing(written: list[Entry], end: bytes, marked: bool) -> None:
    lines = [line.rstrip(b"\n") + end for line in manifest.write(written)]
    data = (end + b"# a comment, with commas" + end + b"  \t" + end).join([b"", *lines])
    assert read((b"\xef\xbb\xbf" if marked else b"") + data) == written


@RULES
@hypothesis.given(st.binary(max_size=100), st.integers(0, 3))
def test_any_bytes_are_read_or_refused(data: bytes, good_lines: int) -> None:
    assert first_bad_line(GOOD * good_lines + data) > good_lines


def test_a_comma_in_a_path_is_kept() -> None:
    assert read(f"a,b,,c,{DIGEST},1".encode()) == [("a,b,,c", DIGEST, 1)]


def test_spaces_around_a_path_are_part_of_it() -> None:
    assert read(f" a , {DIGEST} , 1 ".encode()) == [(" a ", DIGEST, 1)]


def test_an_upper_case_digest_is_the_same_digest() -> None:
    assert read(f"a,{DIGEST.upper()},1".encode()) == [("a", DIGEST, 1)]


def test_the_last_line_needs_no_end() -> None:
    assert read(GOOD + GOOD.rstrip()) == [("good", DIGEST, 1)] * 2


def test_a_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbf" + GOOD) == [("good", DIGEST, 1)]


def test_an_empty_list_has_no_entries() -> None:
    assert read(b"") == read(b"\xef\xbb\xbf") == read(b"\n# nothing\n") == []


def test_duplicates_are_passed_on() -> None:
    assert len(read(GOOD * 3)) == 3


def test_the_longest_path_and_size_are_read() -> None:
    entry = ("é" * 512, DIGEST, 10**18 - 1)
    assert read(b"".join(manifest.write([entry]))) == [entry]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"<!DOCTYPE html>", "it is not of the form path,sha256,size, but looks like a web page. Give the address of"),
        (b"  <HTML>", "it is not of the form path,sha256,size, but looks like a web page. Give the address of"),
        (b"<b>", "it is not of the form path,sha256,size. It has to be mended upstream."),
        (b"a," + DIGEST.encode(), "it is not of the form path,sha256,size"),
        (b"a,abc,1", "'abc' is not a sha256 of 64 hexadecimal digits"),
        (b"a," + DIGEST.encode() + b"0,1", "is not a sha256 of 64 hexadecimal digits"),
        (b"a,,1", "'' is not a sha256"),
        (b"a," + DIGEST.encode() + b",", "'' is not a size in bytes"),
        (b"a," + DIGEST.encode() + b",-1", "'-1' is not a size in bytes"),
        (b"a," + DIGEST.encode() + b",1.5", "'1.5' is not a size in bytes"),
        (b"a," + DIGEST.encode() + b",1_0", "'1_0' is not a size in bytes"),
        (b"a," + DIGEST.encode() + ",٣".encode(), "'٣' is not a size in bytes"),
        (b"a," + DIGEST.encode() + b"," + b"9" * 19, "is not a size in bytes"),
        (b"," + DIGEST.encode() + b",1", "is empty"),
        (b"../a," + DIGEST.encode() + b",1", "the path “../a” has an empty part, “.” or “..” in it"),
        (b"/a," + DIGEST.encode() + b",1", "the path “/a” is absolute"),
        (b"a\\b," + DIGEST.encode() + b",1", "has a backslash in it"),
        (b"a\0b," + DIGEST.encode() + b",1", "has a control character in it"),
        (b"a\rb," + DIGEST.encode() + b",1", "has a control character in it"),
        (b"\ra," + DIGEST.encode() + b",1", "has a control character in it"),
        (b"x" * 1025 + b"," + DIGEST.encode() + b",1", "is longer than 1024 bytes"),
        (b"\xff," + DIGEST.encode() + b",1", "it is not valid UTF-8"),
        (b"\x1f\x8b\x08\x00", "it is not valid UTF-8, but looks like gzip"),
        (b"x" * 5000, "is longer than 4,096 bytes"),
        (b"#" * 5000, "is longer than 4,096 bytes"),
    ],
)
def test_a_bad_line_is_named_with_its_fault(line: bytes, why: str) -> None:
    error = fault(GOOD + b"\n# a comment\n" + line + b"\n" + GOOD)
    assert error.line == 4
    assert error.url == URL
    assert str(error).startswith(f"Line 4 of {URL} ")
    assert why in str(error)


@pytest.mark.parametrize(
    "line",
    [b"<html>", b"a,b,c", b"a," + DIGEST.encode() + b",x", b"..," + DIGEST.encode() + b",1", b"\xff", b"x" * 5000],
)
def test_a_fault_is_told_in_whole_sentences(line: bytes) -> None:
    assert str(fault(line)).endswith(". Nothing was changed here.")
    assert ".." not in str(fault(line)).replace("“..”", "")


def test_a_long_fault_is_cut() -> None:
    assert len(str(fault(b"a," + b"f" * 4000 + b",1"))) < 300


def test_a_line_may_have_4095_bytes() -> None:
    longest = b"#" * 4094 + b"\n"
    assert read(longest + GOOD) == [("good", DIGEST, 1)]
    assert fault(b"#" + longest + b"#" * 5000).line in (1, 2)


def test_a_byte_order_mark_makes_no_line_longer() -> None:
    error = fault(b"\xef\xbb\xbf" + b"#" * 5000 + b"\n" + GOOD)
    assert error.line == 1
    assert "is longer than 4,096 bytes" in str(error)


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "MAX_ENTRIES", 3)
    assert len(read(GOOD * 3)) == 3
    error = fault(GOOD * 4)
    assert error.line == 4
    assert "at most 3 are read" in str(error)


class Endless(io.RawIOBase):
    """The same bytes over and over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        size = min(len(view), len(self._data) - self._at)
        view[:size] = self._data[self._at : self._at + size]
        self._at = (self._at + size) % len(self._data)
        return size


def endless(data: bytes) -> Iterator[Entry]:
    return manifest.read(io.BufferedReader(Endless(data)), URL)


def test_entries_come_while_the_list_is_still_read() -> None:
    stream = endless(GOOD)
    assert [next(stream) for _ in range(1000)] == [("good", DIGEST, 1)] * 1000


@pytest.mark.parametrize(
    "odd",
    [b"\n", b"# a comment\n", b"a b," + DIGEST.encode() + b",1\n", "é,".encode() + DIGEST.upper().encode() + b", 1\n"],
)
def test_one_odd_line_among_plain_ones_changes_nothing_for_them(odd: bytes) -> None:
    plain = [f"folder/{number:06}.bin,{DIGEST},{number}\n".encode() for number in range(2000)]
    listed = [(f"folder/{number:06}.bin", DIGEST, number) for number in range(2000)]
    for place in (0, 1, 777, 2000):
        found = read(b"".join([*plain[:place], odd, *plain[place:]]))
        assert [entry for entry in found if entry[0].startswith("folder/")] == listed
        assert found == listed or found[place][1] == DIGEST


@pytest.mark.parametrize("number", [1, 2, 1234, 2000])
def test_the_line_of_a_fault_is_told_wherever_it_is(number: int) -> None:
    lines = [f"folder/{index:06}.bin,{DIGEST},1\n".encode() for index in range(2000)]
    lines[number - 1] = b"../up," + DIGEST.encode() + b",1\n"
    assert fault(b"".join(lines)).line == number


@pytest.mark.parametrize("path", ["a" * 1024, "/".join(["a" * 255] * 4) + "b", "a/" * 511 + "ab"])
def test_a_plain_path_may_be_as_long_as_any(path: str) -> None:
    assert read(f"{path},{DIGEST},1\n".encode()) == [(path, DIGEST, 1)]
    assert "longer than 1024 bytes" in str(fault(f"{path}a,{DIGEST},1\n".encode()))


def test_a_line_without_an_end_is_not_read_to_its_end() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadList, match=r"Line 1 of .* is longer than 4,096 bytes"):
            next(endless(b"x" * 4096))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_list_is_written_line_by_line() -> None:
    lines = manifest.write(("good", DIGEST, 1) for _ in iter(int, 1))
    assert next(lines) == next(lines) == GOOD
