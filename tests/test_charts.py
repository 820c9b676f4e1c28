"""Pictures: where things are, and what is told to who does not see them."""

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from dashboard import charts
from dashboard.charts import Box
from repos.last_runs import Ran
from repos.models import RepositoryVersion, StorageDay

MB = 1_000_000
BEGAN = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
sizes = st.lists(st.integers(1, 10**15), min_size=1, max_size=40).map(lambda them: sorted(them, reverse=True))


def a_run(pk: int, state: str = "completed", seconds: float = 42, **values: Any) -> Ran:
    ended = BEGAN + timedelta(seconds=seconds)
    run = Ran(
        1, pk, state, failed=0, version_id=5, publication_id=None, started_at=BEGAN, finished_at=ended, switched=None
    )
    return run._replace(**values)


def drawn(text: str, **values: Any) -> str:
    found = Template("{% load charts %}" + text).render(Context(values))
    WellFormed(found)
    return found


class WellFormed(HTMLParser):
    """Fails where a tag is closed that is not the last that was opened, and on inline style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "style" not in dict(attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "style" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


# ---- geometry ----


def test_the_longest_is_highest_and_the_shortest_still_seen() -> None:
    shortest, middle, longest = charts.heights([0, 900, 3600])
    assert [shortest, longest] == pytest.approx([0.15, 1])
    assert middle == pytest.approx(0.15 + 0.85 / 2)
    assert charts.heights([0, 0]) == [0.15, 0.15]


def test_a_curve_goes_from_left_to_right_and_has_nothing_at_the_bottom() -> None:
    assert charts.curve([(10, 0), (15, 50), (20, 100)], 100) == [(0, 100), (50, 50), (100, 0)]
    assert charts.path([(0, 100), (100, 0)]) == "M0.00 100.00L100.00 0.00"
    assert charts.area([(0, 50), (100, 0)]) == "M0.00 50.00L100.00 0.00L100.00 100L0.00 100Z"
    assert charts.curve([], 1) == [] and charts.path([]) == charts.area([]) == ""


def test_a_curve_of_one_moment_divides_nothing_by_nothing() -> None:
    assert charts.curve([(5, 0)], 0) == [(0, 100)]


@given(st.integers(1, 5000), st.integers(2, 300))
def test_a_long_curve_is_thinned_between_its_ends(number: int, most: int) -> None:
    points = [(float(n), 0.0) for n in range(number)]
    kept = charts.thinned(points, most)
    assert len(kept) <= max(most, 1) and kept[0] == points[0] and kept[-1] == points[-1]


@given(st.floats(0.001, 1e18))
def test_a_scale_is_of_few_round_numbers_up_to_the_greatest(greatest: float) -> None:
    ticks = charts.scale(greatest)
    assert len(ticks) <= 4 and ticks[-1] >= greatest * 0.999
    assert float(f"{ticks[0]:.2e}") == pytest.approx(ticks[0])


def test_the_scale_of_nothing_is_there() -> None:
    assert charts.scale(0) == [1.0]


def test_what_came_stands_on_the_line_and_what_went_hangs_from_it() -> None:
    (first, second), line = charts.pairs([(9, 0), (0, 9)], places=2)
    assert line == pytest.approx(50)
    assert [first.above.y, first.above.height, first.below.height] == pytest.approx([0, 50, 0])
    assert [second.below.y, second.below.height, second.above.height] == pytest.approx([line, 50, 0])
    assert second.place.x == 50


def test_where_nothing_went_all_is_above_the_line() -> None:
    assert charts.pairs([(9, 0)], places=24)[1] == 100
    assert charts.pairs([], places=24) == ([], 0)


@given(sizes)
def test_a_treemap_gives_each_its_share_of_all_the_place(values: list[int]) -> None:
    boxes = charts.treemap(values, Box(), shape=3.0)
    assert len(boxes) == len(values)
    for value, box in zip(values, boxes, strict=True):
        assert box.width * box.height == pytest.approx(10_000 * value / sum(values), rel=1e-6, abs=1e-9)
        assert box.x >= -1e-6 and box.x + box.width <= 100.0001
        assert box.y >= -1e-6 and box.y + box.height <= 100.0001


def test_equal_shares_make_squares() -> None:
    boxes = charts.treemap([1, 1, 1, 1], Box(), shape=1.0)
    assert {(round(box.width), round(box.height)) for box in boxes} == {(50, 50)}


# ---- what is drawn ----


def test_a_strip_links_each_run_and_says_how_it_ended() -> None:
    runs = [a_run(7), a_run(8, version_id=None), a_run(9, "failed", 3)]
    found = drawn("{% run_strip runs %}", runs=runs)
    assert re.findall(r'href="/jobs/(\d+)/"', found) == ["7", "8", "9"]
    assert "Job 9: failed, 3.0 s, 2026-11-20 09:12 UTC" in found
    assert "The last 3 runs: 1 ok, 1 unchanged, 1 failed" in found
    # Its bar, and its mark below.
    assert re.search(r'class="run-failed" d="M115 \d+h4v\d+h-4zM115 21h4v3h-4z"', found)


def test_a_strip_shows_the_last_ones_at_the_right() -> None:
    found = drawn("{% run_strip runs 2 %}", runs=[a_run(1), a_run(2), a_run(3)])
    assert re.findall(r'href="/jobs/(\d+)/"', found) == ["2", "3"]
    assert 'd="M6 0h6v24h-6z"' in drawn("{% run_strip runs 2 %}", runs=[a_run(1)])


def test_a_run_at_work_is_as_high_as_the_strip() -> None:
    found = drawn("{% run_strip runs %}", runs=[a_run(1, "running", started_at=BEGAN, finished_at=None)])
    assert '<path class="run-active" d="M115 0h4v20h-4z"/>' in found
    assert "Job 1: running, 2026-11-20 09:12 UTC" in found


def test_a_strip_without_runs_says_so() -> None:
    assert "no runs yet" in drawn("{% run_strip runs %}", runs=[])


def test_a_sparkline_is_told_in_a_sentence() -> None:
    found = drawn("{% sparkline points %}", points=[(0, 0), (30, 48 * MB), (61, 30 * MB)])
    words = found.replace("\N{NO-BREAK SPACE}", " ")
    assert "Speed over 1 min 01 s: at most 48.0 MB/s, at least 0 B/s, 30.0 MB/s at the end" in words


def test_one_moment_makes_no_sparkline() -> None:
    assert drawn("{% sparkline points %}", points=[(0, 1)]).strip() == ""


def test_a_timeline_links_each_version_but_the_empty_first() -> None:
    versions = [
        RepositoryVersion(repository_id=3, number=number, added=12, removed=number, changed=1, created_at=BEGAN)
        for number in (2, 1, 0)
    ]
    found = drawn("{% version_timeline versions %}", versions=versions)
    assert re.findall(r'href="([^"]+)"', found) == ["/repositories/3/versions/1/", "/repositories/3/versions/2/"]
    assert "Version 2, 2026-11-20: 12 added, 2 removed, 1 changed" in found
    assert "Versions 1 to 2: 26 files came, 5 went." in found


def test_without_versions_there_is_no_timeline() -> None:
    assert drawn("{% version_timeline versions %}", versions=[]).strip() == ""


def rows(*sizes: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(words=f"<r{n}>", url=f"/storage/{n}/", size=size) for n, size in enumerate(sizes)]


def test_a_treemap_names_the_largest_and_links_each() -> None:
    found = drawn("{% treemap rows %}", rows=rows(75 * MB, 25 * MB, 0)).replace("\N{NO-BREAK SPACE}", " ")
    assert "&lt;r0&gt;: 75.0 MB (75 %), &lt;r1&gt;: 25.0 MB (25 %)" in found
    assert set(re.findall(r'href="([^"]+)"', found)) == {"/storage/0/", "/storage/1/"}


def test_a_treemap_puts_the_many_small_ones_together() -> None:
    found = drawn("{% treemap rows %}", rows=rows(*[MB] * 100)).replace("\N{NO-BREAK SPACE}", " ")
    assert "76 more: 76.0 MB" in found and "and 95 more" in found


def test_a_treemap_of_nothing_is_nothing() -> None:
    assert drawn("{% treemap rows %}", rows=rows(0)).strip() == ""


def test_growth_is_told_by_its_ends_and_listed() -> None:
    days = [
        StorageDay(day=date(2026, 11, day), files=day, size=day * MB, side_by_side=2 * day * MB) for day in (1, 2, 20)
    ]
    found = drawn("{% growth days %}", days=days).replace("\N{NO-BREAK SPACE}", " ")
    assert "Stored from 2026-11-01 to 2026-11-20: first 1.0 MB, now 20.0 MB" in found
    assert found.count('<th scope="row">') == 3


def test_the_first_day_shows_a_sentence() -> None:
    today = StorageDay(day=date(2026, 11, 1), files=1, size=1)
    assert "From tomorrow on you see here how it grows." in drawn("{% growth days %}", days=[today])
