"""Pictures, as SVG that the server makes: each with its words for who does not see it, and none that needs a script.

`{% run_strip runs %}`           the last runs of one repository: `{% run_strip strips|of:repository %}`, of what
                                 last_runs(numbers, 20) gives
`{% sparkline points %}`         speed over time: (seconds, bytes a second), in order; nothing of fewer than two
`{% version_timeline versions %}` what came and went with each version: rows of RepositoryVersion, in any order
`{% share_bar own shared most %}` one row's share of the largest row
`{% treemap rows %}`             rows that have `words`, `url` and `size`, the largest first
`{% growth days %}`              rows of StorageDay, the oldest first

The page links css/charts.css. What a picture links to is linked from a table nearby as well: so its own links are left
out by who goes by keyboard or listens.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, Protocol

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from dashboard import charts
from repos import units
from repos.freshness import ending
from repos.last_runs import Ran
from repos.models import RepositoryVersion, StorageDay
from repos.models.job import ACTIVE
from repos.terms import term

register = template.Library()

# In pixels: of a bar with the gap beside it, and of the strip; the lowest rows of it mark what went wrong.
STEP, HEIGHT, MARK = 6, 24, 3
PLACES = 20
WRONG = ("failed", "partial")
# So many versions are shown at most; with fewer, each bar is as wide as with all.
VERSIONS = 60
POINTS = 200
# Boxes of a treemap; the rest is one more.
BOXES = 24


class Sized(Protocol):
    words: str
    url: str
    size: int


@register.simple_tag
def run_strip(runs: Sequence[Ran], places: int = PLACES) -> SafeString:
    """The runs of one repository, the oldest first: height is how long it took, colour how it ended; each a link."""
    return _strip(tuple(runs[-places:]), places, get_language() or "")


# Strips of ended runs stay as they are. There are fifty of them on a page: a template would take too long.
@lru_cache(maxsize=500)
def _strip(runs: tuple[Ran, ...], places: int, language: str) -> SafeString:
    if not runs:
        return format_html('<span class="muted">{}</span>', _("no runs yet"))
    endings = [_ending(run) for run in runs]
    sizes = charts.heights([(_took(run) or timedelta()).total_seconds() for run in runs])
    bars = [_bar(*one) for one in zip(range(places - len(runs), places), runs, endings, sizes, strict=True)]
    return format_html(
        '<span class="strip"><span class="visually-hidden">{}</span>'
        '<svg width="{}" height="{}" aria-hidden="true">{}</svg></span>',
        _told(endings),
        places * STEP,
        HEIGHT,
        format_html_join("", "{}", ((bar,) for bar in bars)),
    )


def _bar(place: int, run: Ran, ended: str, size: float) -> SafeString:
    """The whole height of its place can be clicked on. As short as can be: there may be a thousand on a page."""
    x, low = place * STEP, HEIGHT - MARK - 1
    # One that is at work has no length yet.
    height = low if run.state in ACTIVE else round(low * size)
    # Below what went wrong a mark: for who cannot tell the colours apart.
    mark = f"M{x + 1} {HEIGHT - MARK}h{STEP - 2}v{MARK}h-{STEP - 2}z" if ended in WRONG else ""
    return format_html(
        '<a href="{}" tabindex="-1"><title>{}</title><path d="M{} 0h{}v{}h-{}z"/>'
        '<path class="run-{}" d="M{} {}h{}v{}h-{}z{}"/></a>',
        reverse("job", args=[run.pk]),
        _title(run, ended),
        *(x, STEP, HEIGHT, STEP),
        "active" if run.state in ACTIVE else ended,
        *(x + 1, low - height, STEP - 2, height, STEP - 2),
        mark,
    )


def _ending(run: Ran) -> str:
    return ending(run)


def _took(run: Ran) -> timedelta | None:
    return run.finished_at - run.started_at if run.finished_at and run.started_at else None


def _title(run: Ran, ended: str) -> str:
    words = [_("Job %(number)s: %(ending)s") % {"number": run.pk, "ending": term(ended)}]
    if (took := _took(run)) is not None:
        words.append(units.duration(took))
    if moment := run.started_at or run.finished_at:
        words.append(f"{moment:%Y-%m-%d %H:%M} UTC")
    return ", ".join(words)


def _told(endings: Sequence[str]) -> str:
    each = ", ".join(f"{number} {term(word)}" for word, number in Counter(endings).most_common())
    last = ngettext("The last run: %(each)s", "The last %(number)s runs: %(each)s", len(endings))
    return last % {"number": len(endings), "each": each}


@register.inclusion_tag("charts/sparkline.html")
def sparkline(points: Sequence[charts.Point]) -> dict[str, Any]:
    """Bytes a second over time."""
    if len(points) < 2:
        return {}
    fastest, last = max(rate for _, rate in points), points[-1][1]
    places = charts.curve(charts.thinned(points, POINTS), fastest)
    seconds = timedelta(seconds=points[-1][0] - points[0][0])
    return {
        "line": charts.path(places),
        "area": charts.area(places),
        "fastest": int(fastest),
        "last": int(last),
        "slowest": int(min(rate for _, rate in points)),
        "time": seconds,
    }


@register.inclusion_tag("charts/version_timeline.html")
def version_timeline(versions: Iterable[RepositoryVersion]) -> dict[str, Any]:
    """What came with each version, above the line, and what went, below it. A changed file does both."""
    shown = sorted((one for one in versions if one.number), key=lambda one: one.number)[-VERSIONS:]
    amounts = [(one.added + one.changed, one.removed + one.changed) for one in shown]
    bars, line = charts.pairs(amounts, VERSIONS)
    return {
        "bars": list(zip(shown, bars, strict=True)),
        "line": line,
        "first": shown[0] if shown else None,
        "last": shown[-1] if shown else None,
        "came": sum(came for came, _ in amounts),
        "went": sum(went for _, went in amounts),
    }


@register.inclusion_tag("charts/share_bar.html")
def share_bar(own: int, shared: int, most: int) -> dict[str, float]:
    """Bytes that are a row's own and that it shares, of the bytes of the largest row."""
    whole = max(most, 1)
    return {"own": 100 * own / whole, "shared": 100 * shared / whole}


@register.inclusion_tag("charts/treemap.html")
def treemap(rows: Sequence[Sized]) -> dict[str, Any]:
    """Each row as a box as large as its share; what is too small for one is together in the last."""
    some = [row for row in rows if row.size > 0]
    shown, rest = some[:BOXES], some[BOXES:]
    sizes = [row.size for row in shown]
    others = sum(row.size for row in rest)
    whole = sum(sizes) + others
    # Wide, and as a phone has it: one is hidden. How many times wider than high it is, and how many pixels wide.
    layouts = (("wide", 3.9, 900), ("narrow", 1.1, 350))
    all_sizes = [*sizes, others] if others else sizes
    return {
        "layouts": [(name, _boxes(shown, all_sizes, shape, pixels)) for name, shape, pixels in layouts],
        "others": len(rest),
        "told": [(row, 100 * row.size / whole) for row in shown[:5]],
        "more": len(some) - 5,
    }


def _boxes(shown: Sequence[Sized], sizes: Sequence[int], shape: float, pixels: int) -> list[dict[str, Any]]:
    # The rest may be larger than some: it comes where its size belongs.
    order = sorted(range(len(sizes)), key=lambda number: -sizes[number])
    boxes = charts.treemap([sizes[number] for number in order], charts.Box(), shape)
    return [
        {
            "box": box,
            "row": shown[number] if number < len(shown) else None,
            "size": sizes[number],
            "percent": 100 * sizes[number] / sum(sizes),
            # The larger, the darker, in a few steps: the first, the next two, the next four, all others.
            "depth": ("0.32", "0.24", "0.17", "0.11")[min((place + 1).bit_length(), 4) - 1],
            "has_words": _fits(shown[number].words if number < len(shown) else "", box, pixels),
        }
        for place, (number, box) in enumerate(zip(order, boxes, strict=True))
    ]


def _fits(words: str, box: charts.Box, pixels: int) -> bool:
    """Whether the words, or a size alone, can be read in a box of a picture that is so wide."""
    return box.height > 12 and box.width * pixels / 100 > 16 + 7 * max(len(words), 8)


@register.inclusion_tag("charts/growth.html")
def growth(days: Sequence[StorageDay]) -> dict[str, Any]:
    """What was stored at the end of each day, and what the same would have taken without storing each file once."""
    if len(days) < 2:
        return {"days": len(days)}
    plain = [one.side_by_side or one.size for one in days]
    ticks = charts.scale(max([*plain, *(one.size for one in days)]))
    top, when = ticks[-1], [one.day.toordinal() for one in days]
    stored = charts.curve(charts.thinned(list(zip(when, (one.size for one in days), strict=True)), POINTS), top)
    apart = charts.curve(charts.thinned(list(zip(when, plain, strict=True)), POINTS), top)
    return {
        "days": len(days),
        "first": days[0],
        "last": days[-1],
        "line": charts.path(stored),
        "area": charts.area(stored),
        "apart": charts.path(apart),
        "ticks": [(int(tick), 100 - 100 * tick / top) for tick in ticks],
        "newest": list(reversed(days))[:30],
    }
