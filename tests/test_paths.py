"""Which paths are legal: one rule, held against a reference that spells it out sign by sign."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

import hypothesis
import pytest
from hypothesis import strategies as st

from repos import paths
from repos.errors.refusals import PathInTheWay
from repos.errors.values import InvalidPath
from tests.fuzzing import rules

RULES = rules(300)

# Half of it signs that matter to somebody, the rest any sign at all, surrogates among them.
signs = st.sampled_from("aZ09_.-+,=@~/\\ \0\n\t\x1f\x7f\x80\x9fé#?%:*😀\ud800") | st.characters(codec=None)
anything = st.text(signs, max_size=30)
plain = st.text(st.sampled_from("aZ09_.-+,=@~/"), max_size=30)
long = st.builds(lambda sign, times, end: sign * times + end, st.sampled_from("a./é😀"), st.integers(250, 1030), plain)


def is_legal(path: str) -> bool:
    """The rule of `checked`."""
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return False
    printable = all(unicodedata.category(sign) != "Cc" and sign != "\\" for sign in path)
    listed = path[:1] not in ("#", "\ufeff")
    return length <= 1024 and printable and listed and all(part not in ("", ".", "..") for part in path.split("/"))


def is_accepted(path: str) -> bool:
    try:
        return paths.checked(path) == path
    except InvalidPath:
        return False


def why_not(path: str) -> str:
    with pytest.raises(InvalidPath) as caught:
        paths.checked(path)
    assert caught.value.path == path
    return str(caught.value)


def test_it_works() -> None:
    assert paths.checked("a/b c, and d.txt") == "a/b c, and d.txt"


@RULES
@hypothesis.given(anything | plain | long)
def test_what_is_accepted_is_what_the_rule_says(path: str) -> None:
    assert is_accepted(path) == is_legal(path)


@pytest.mark.parametrize("numbers", [range(0x20), range(0x7F, 0xA0)], ids=["C0", "DEL and C1"])
def test_a_control_character_is_refused(numbers: range) -> None:
    for number in numbers:
        assert unicodedata.category(chr(number)) == "Cc"
        assert "has a control character in it" in why_not(f"a{chr(number)}b")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "is empty"),
        ("/", "is absolute"),
        ("/etc/passwd", "is absolute"),
        ("a//b", "has an empty part, “.” or “..” in it"),
        ("a/", "has an empty part, “.” or “..” in it"),
        (".", "has an empty part, “.” or “..” in it"),
        ("a/./b", "has an empty part, “.” or “..” in it"),
        ("..", "has an empty part, “.” or “..” in it"),
        ("a/../../b", "has an empty part, “.” or “..” in it"),
        ("..\\b", "has a backslash in it"),
        ("a\0b", "has a control character in it"),
        ("a\nb", "has a control character in it"),
        ("\ud800", "is not valid Unicode"),
        ("a" * 1025, "is longer than 1024 bytes"),
        ("é" * 513, "is longer than 1024 bytes"),
        ("#a", "begins with “#”, so every list of files that names it would be read as if that were a comment"),
        ("#/a", "begins with “#”, so every list of files that names it would be read as if that were a comment"),
        ("\ufeffa", "begins with a byte-order mark, which readers of a list of files drop"),
    ],
)
def test_a_refusal_says_why(path: str, why: str) -> None:
    assert why_not(path).endswith(f" {why}. Choose another path.")


@pytest.mark.parametrize(
    "path",
    [
        "a b/c d",
        "1,000.txt",
        "%2e%2e/x",
        "what?#100%",
        "a/#b",
        "..a/b..",
        "...",
        ".hidden/.x",
        "“quoted” & <b>.html",
        "\u202etxt.exe",
        "e\u0301",
        " leading and trailing ",
        "a" * 1024,
        "é" * 512,
    ],
)
def test_an_odd_name_is_legal(path: str) -> None:
    assert paths.checked(path) == path


@pytest.mark.parametrize("name", ["#a", "\ufeffa", "a b", "%2e", "..."])
def test_a_part_may_begin_as_a_path_may_not(name: str) -> None:
    assert paths.is_part(name)
    assert paths.checked(f"a/{name}")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\\b", "a\0b", "\ud800", "a" * 1025])
def test_what_no_part_can_be(name: str) -> None:
    assert not paths.is_part(name)


def test_a_long_path_is_cut_in_the_message() -> None:
    assert len(why_not("/" + "x" * 5000)) < 200


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\u2067a\u2069", "\\u2067a\\u2069"),
        ("שלום/👩\u200d💻 <b>.txt", "שלום/👩\u200d💻 <b>.txt"),
    ],
)
def test_no_path_can_be_made_to_look_like_another(path: str, shown: str) -> None:
    assert paths.shown(path) == shown


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("a/b", "a/b"), ("/a/b/", "a/b"), ("///a", "a"), ("  a/b \n", "a/b"), ("Ünïcode/é", "Ünïcode/é"), (".a", ".a")],
)
def test_a_base_path_loses_what_surrounds_it(typed: str, canonical: str) -> None:
    assert paths.base_path(typed) == canonical


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "is empty"),
        (" / ", "is empty"),
        ("a b", "has a space in it"),
        ("a\u00a0b", "has a space in it"),
        ("a?b", "has “?” in it"),
        ("a#b", "has “#” in it"),
        ("#a", "has “#” in it"),
        ("a%20b", "has “%” in it"),
        ("a//b", "has an empty part"),
        ("a/../b", "has an empty part, “.” or “..” in it"),
        ("a\\b", "has a backslash in it"),
        ("a\0b", "has a control character in it"),
        ("a" * 256, "is longer than 255 characters"),
        ("é" * 600, "is longer than 1024 bytes"),
    ],
)
def test_a_base_path_that_cannot_be_is_refused(typed: str, why: str) -> None:
    with pytest.raises(InvalidPath, match=f" {re.escape(why)}"):
        paths.base_path(typed)


def test_a_base_path_may_have_255_characters() -> None:
    assert paths.base_path("é" * 255) == "é" * 255


@RULES
@hypothesis.given(anything)
def test_a_base_path_is_canonical_already(typed: str) -> None:
    try:
        path = paths.base_path(typed)
    except InvalidPath:
        return
    assert paths.base_path(path) == paths.checked(path) == path


@pytest.mark.parametrize(
    ("one", "other", "clashes"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a", True),
        ("a/b", "a/b/c", True),
        ("a/b", "a/bc", False),
        ("a/b", "a/c", False),
        ("a/b", "b", False),
        ("a", "A", False),
        ("a", "b/a", False),
    ],
)
def test_base_paths_clash_by_segment(one: str, other: str, clashes: bool) -> None:
    assert paths.clash(one, other) is clashes
    assert paths.clash(other, one) is clashes


segments = st.lists(st.sampled_from(["a", "b", "ab", "a b"]), min_size=1, max_size=4)


@RULES
@hypothesis.given(segments, segments)
def test_a_clash_is_a_common_beginning_of_segments(one: list[str], other: list[str]) -> None:
    shorter = min(len(one), len(other))
    assert paths.clash("/".join(one), "/".join(other)) == (one[:shorter] == other[:shorter])


@RULES
@hypothesis.given(segments, segments)
def test_what_lies_above_is_among_the_prefixes(one: list[str], other: list[str]) -> None:
    lies_in_it = one[: len(other)] == other
    assert ("/".join(other) in paths.prefixes("/".join(one))) == lies_in_it


def test_prefixes_come_topmost_first() -> None:
    assert paths.prefixes("a/b/c") == ["a", "a/b", "a/b/c"]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "/content/a/b/"),
        ("x/y.txt", "/content/a/b/x/y.txt"),
        ("what?#100% <é>", "/content/a/b/what%3F%23100%25%20%3C%C3%A9%3E"),
        ("%2e%2e", "/content/a/b/%252e%252e"),
    ],
)
def test_a_content_url_is_quoted(path: str, url: str) -> None:
    assert paths.content_url("a/b", path) == url


@RULES
@hypothesis.given(anything.filter(is_legal))
def test_a_content_url_leads_back_to_the_path(path: str) -> None:
    parts = urlsplit(paths.content_url("é/b", path))
    assert (parts.query, parts.fragment) == ("", "")
    assert unquote(parts.path) == f"/content/é/b/{path}"


@RULES
@hypothesis.given(st.lists(segments.map("/".join), max_size=6, unique=True))
def test_no_file_is_found_to_be_a_folder_too(some: list[str]) -> None:
    nested = any(other.startswith(f"{path}/") for path in some for other in some)
    ordered = sorted(some, key=str.encode)
    if nested:
        with pytest.raises(PathInTheWay):
            list(paths.unnested(ordered))
    else:
        assert list(paths.unnested(ordered)) == ordered
