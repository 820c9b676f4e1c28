"""How values are shown."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dashboard.templatetags import display
from repos.models import ProgressReport


def plain(text: str) -> str:
    """With ordinary spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def a_download(**values: int | str | None) -> ProgressReport:
    known = {"done": 25, "total": 100, "bytes_done": 1_000_000, "bytes_total": 5_000_000, "rate": 50_000}
    return ProgressReport(code="sync.downloading.artifacts", action="sync", **(known | values))


def test_it_works() -> None:
    assert plain(display.size(1_234_567_890)) == "1.2 GB"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.01, "< 0.1 s"), (0.44, "0.4 s"), (42, "42 s"), (184, "3 min 04 s"), (7_500, "2 h 05 min")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert plain(display.clock(timedelta(seconds=seconds))) == shown


def test_a_path_cannot_be_made_to_look_like_another() -> None:
    assert display.shown("a/\u202etxt.exe") == "a/\\u202etxt.exe"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(3, "just now"), (42, "42 s ago"), (190, "3 min ago"), (7_300, "2 h ago"), (86_400 * 3 + 60, "3 d ago")],
)
def test_ages(seconds: float, shown: str) -> None:
    assert shown in plain(display.ago(timezone.now() - timedelta(seconds=seconds)))


def test_an_age_carries_the_exact_time() -> None:
    shown = display.ago(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))
    assert shown == '<time datetime="2026-03-04T05:06:07+00:00" title="2026-03-04 05:06:07 UTC">2026-03-04</time>'


def test_what_is_not_known_is_a_dash() -> None:
    assert {display.size(None), display.number(None), display.clock(None), display.ago(None)} == {display.NOTHING}


def test_counts_and_their_nouns() -> None:
    assert plain(display.counted(1, "file")) == "1 file"
    assert plain(display.counted(2_345, "file")) == "2,345 files"
    assert plain(display.counted(2, "repository")) == "2 repositories"


def test_nothing_is_not_counted() -> None:
    assert display.amounts(a_download(done=0, total=0, bytes_done=0, bytes_total=0)) == []


def test_digests_are_shortened_where_asked() -> None:
    assert display.short_digests(f"its sha256 is {'a' * 64}, not {'b' * 63}") == (
        f"its sha256 is {'a' * 12}…, not {'b' * 63}"
    )


def test_files_and_bytes_stand_side_by_side() -> None:
    assert [plain(text) for text in display.amounts(a_download())] == ["25 of 100 files", "1.0 MB of 5.0 MB"]


def test_what_is_done_is_counted_once() -> None:
    report = a_download(done=100, bytes_done=5_000_000)
    assert [plain(text) for text in display.amounts(report)] == ["100 files", "5.0 MB"]


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        (100_000, "a few seconds"),
        (650_000, "about 15 s"),
        (9_000_000, "about 3 min"),
        (190_000_000, "about 1 h 00 min"),
    ],
)
def test_the_time_left_is_rounded(left: int, shown: str) -> None:
    """At 50 kB a second, for ten seconds now."""
    samples = "[[0,0,0],[10,0,500000]]"
    report = a_download(bytes_done=500_000, bytes_total=500_000 + left, samples=samples)
    assert plain(display.time_left(report)) == shown


def test_no_time_is_left_of_what_does_not_move() -> None:
    assert display.time_left(a_download(rate=0)) == ""
    assert display.speed(a_download(rate=0)) == ""


def test_a_bar_goes_by_bytes_where_they_are_known() -> None:
    assert display.bar(a_download()) == (1_000_000, 5_000_000)
    assert display.bar(a_download(bytes_total=None)) == (25, 100)
    assert display.bar(a_download(bytes_total=None, total=None)) is None
    assert display.bar(None) is None


def test_a_bar_never_passes_its_end() -> None:
    assert display.bar(a_download(bytes_done=6_000_000)) == (5_000_000, 5_000_000)


def test_nothing_but_the_end_is_a_hundred_percent() -> None:
    assert plain(display.percent((9_999, 10_000))) == "99 %"
    assert plain(display.percent((10_000, 10_000))) == "100 %"


@pytest.mark.parametrize(
    "state", ["waiting", "running", "canceling", "completed", "skipped", "failed", "canceled", "not run"]
)
def test_a_state_is_colour_icon_and_word(state: str) -> None:
    shown = display.badge(state)
    assert f"badge-{display.slug(state)}" in shown
    assert "<svg" in shown
    assert shown.endswith(f"{state.capitalize()}</span>")
