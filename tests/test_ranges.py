import pytest

from dashboard.ranges import Range, parse

SIZE = 1000


def test_it_works() -> None:
    asked = parse("bytes=100-199")
    assert asked == Range(100, 199)
    assert asked.within(SIZE) == range(100, 200)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=0-", range(1000)),
        ("bytes=999-", range(999, 1000)),
        ("bytes=900-5000", range(900, 1000)),
        ("bytes=-1", range(999, 1000)),
        ("bytes=-100", range(900, 1000)),
        ("bytes=-5000", range(1000)),
        ("BYTES=5-6", range(5, 7)),
        ("bytes= 5-6 ", range(5, 7)),
    ],
)
def test_range_is_found(header: str, found: range) -> None:
    asked = parse(header)
    assert asked
    assert asked.within(SIZE) == found


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=999999999999999999-", "bytes=-0"])
def test_range_without_any_byte_cannot_be_satisfied(header: str) -> None:
    asked = parse(header)
    assert asked
    assert asked.within(SIZE) is None


def test_empty_file_is_whole_from_its_start() -> None:
    assert Range(0, None).within(0) == Range(0, 99).within(0) == Range(None, 5).within(0) == range(0)
    assert Range(1, None).within(0) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=--1",
        "bytes=5",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=0x1-0x2",
        "bytes=0-1,3-4",
        "lines=1-2",
        "bytes=\u0661-",
        f"bytes={'9' * 5000}-",
        "bytes=1-2\n",
    ],
)
def test_what_is_not_one_range_of_bytes_is_ignored(header: str) -> None:
    assert parse(header) is None
