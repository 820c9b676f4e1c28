"""The geometry of pictures: numbers in, places out. No words, no colours, no markup: those are the templates'.

Places are in percent of the picture, from its upper left corner, so that a picture is as wide as its place on the page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    x: float = 0.0
    y: float = 0.0
    width: float = 100.0
    height: float = 100.0


Point = tuple[float, float]


def heights(values: Sequence[float], least: float = 0.15) -> list[float]:
    """How high each bar is, from `least` to 1, the greatest being 1.

    By the square root: beside a run of an hour, one of a second and one of a minute still differ.
    """
    greatest = math.sqrt(max([*values, 0])) or 1
    return [least + (1 - least) * math.sqrt(max(value, 0)) / greatest for value in values]


def curve(points: Sequence[Point], top: float) -> list[Point]:
    """Where the points of a line are; the first is at the left, the last at the right, 0 below and `top` above."""
    if not points:
        return []
    first, length = points[0][0], (points[-1][0] - points[0][0]) or 1
    return [(100 * (x - first) / length, 100 - 100 * min(y / (top or 1), 1)) for x, y in points]


def path(places: Sequence[Point]) -> str:
    """The line through `places`, as the `d` of an SVG path; 100 is the width and the height of what it is drawn in."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places) if places else ""


def area(places: Sequence[Point]) -> str:
    """The same for what lies below the line."""
    return f"{path(places)}L{places[-1][0]:.2f} 100L{places[0][0]:.2f} 100Z" if places else ""


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about so many of the points, evenly: the first and the last are among them."""
    step = math.ceil((len(points) - 1) / max(most - 1, 1)) or 1
    return [*points[:-1:step], *points[-1:]]


def scale(greatest: float, steps: int = 3) -> list[float]:
    """Round numbers for the lines behind a curve, from the first step to what is at least `greatest`."""
    if greatest <= 0:
        return [1.0]
    rough = greatest / steps
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times >= rough)
    return [step * (number + 1) for number in range(math.ceil(greatest / step))]


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands above the line and below it, at one place along it; `place` is the whole column."""

    place: Box
    above: Box
    below: Box


def pairs(values: Sequence[tuple[float, float]], places: int) -> tuple[list[Pair], float]:
    """A pair of bars for each value, in `places` places at least; and how far down the line is between them."""
    above, below = [up for up, _ in values], [down for _, down in values]
    # One scale for both: what came is seen beside what went.
    sizes = _by_digits([*above, *below])
    up, down = sizes[: len(values)], sizes[len(values) :]
    highest, lowest = _tallest(up, above), _tallest(down, below)
    line = 100 * highest / ((highest + lowest) or 1)
    unit, width = 100 / ((highest + lowest) or 1), 100 / max(len(values), places)
    found = []
    for number, (came, went) in enumerate(values):
        x, high = number * width, unit * up[number] if came else 0.0
        low = unit * down[number] if went else 0.0
        inner, slim = x + width * 0.25, width * 0.5
        bars = Box(inner, line - high, slim, high), Box(inner, line, slim, low)
        found.append(Pair(Box(x, 0, width, 100), *bars))
    return found, line


def _by_digits(values: Sequence[float]) -> list[float]:
    """As `heights`, but by the logarithm: beside the first version, to which all files came, the next is seen."""
    greatest, least = math.log1p(max([*values, 0])) or 1, 0.04
    return [least + (1 - least) * math.log1p(max(value, 0)) / greatest for value in values]


def _tallest(sizes: Sequence[float], values: Sequence[float]) -> float:
    return max((size for size, value in zip(sizes, values, strict=True) if value), default=0.0)


def treemap(values: Sequence[float], within: Box, shape: float = 1.0) -> list[Box]:
    """A box for each of `values`, the greatest first, as large as its share of all of them, and none very thin.

    `shape` is how many times wider than high the picture is. See Bruls, Huizing and van Wijk, “Squarified treemaps”.
    """
    boxes: list[Box] = []
    left, rest = within, sum(values)
    number = 0
    while number < len(values) and rest > 0:
        row = _row(values[number:], left, rest, shape)
        laid, left = _laid(row, left, rest, shape)
        boxes += laid
        number, rest = number + len(row), rest - sum(row)
    return boxes


def _is_wide(box: Box, shape: float) -> bool:
    return box.width * shape >= box.height


def _row(values: Sequence[float], left: Box, rest: float, shape: float) -> Sequence[float]:
    """As many of `values` as make a row at the short side of what is left whose worst box is nearest to a square."""
    worst = math.inf
    for number in range(1, len(values) + 1):
        row = values[:number]
        boxes, _ = _laid(row, left, rest, shape)
        thinnest = max(_thinness(box, shape) for box in boxes)
        if thinnest > worst:
            return values[: number - 1]
        worst = thinnest
    return values


def _thinness(box: Box, shape: float) -> float:
    width, height = max(box.width * shape, 1e-9), max(box.height, 1e-9)
    return max(width / height, height / width)


def _laid(row: Sequence[float], left: Box, rest: float, shape: float) -> tuple[list[Box], Box]:
    """The boxes of a row along the short side of `left`, and what is left beside it."""
    together = sum(row)
    share, boxes, along = together / rest, [], 0.0
    for value in row:
        part = value / (together or 1)
        if _is_wide(left, shape):
            boxes.append(Box(left.x, left.y + along * left.height, left.width * share, left.height * part))
        else:
            boxes.append(Box(left.x + along * left.width, left.y, left.width * part, left.height * share))
        along += part
    if _is_wide(left, shape):
        return boxes, Box(left.x + left.width * share, left.y, left.width * (1 - share), left.height)
    return boxes, Box(left.x, left.y + left.height * share, left.width, left.height * (1 - share))
