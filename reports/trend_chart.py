"""A trend as shapes of an SVG: a mark for each run, the level of each segment, a line at each change.

No text is drawn: it would shrink with the picture on a phone. The page sets it in HTML around.
"""

from dataclasses import dataclass
from itertools import pairwise

from harness.analysis.history import Point, Trend
from harness.analysis.history_text import show_value
from harness.system.text import printable

WIDTH, HEIGHT, MARGIN = 600.0, 120.0, 8.0
# Of more marks than a pointer can tell apart only these have a text: at a change, the newest, disturbed ones.
MOST_TITLED = 120


@dataclass(frozen=True)
class Mark:
    """One run's value with its interval; `title` is shown on hover. A hollow mark decides nothing."""

    x: float
    y: float
    y_low: float
    y_high: float
    hollow: bool
    title: str


@dataclass(frozen=True)
class Level:
    """The level of a segment, from its first run to its last."""

    x_first: float
    x_last: float
    y: float


@dataclass(frozen=True)
class Chart:
    """All shapes, in the units of the view box; `changes` are positions and whether each is for the worse.

    Of many runs, most marks are in `dots` and their intervals in `intervals`, each the data of one path.
    """

    marks: tuple[Mark, ...]
    dots: str
    intervals: str
    levels: tuple[Level, ...]
    changes: tuple[tuple[float, bool], ...]
    label: str


def draw_chart(trend: Trend) -> Chart:
    """The trend's shapes; runs are equally far apart."""
    values = [point.value.estimate for point in trend.points]
    low, high = min(values), max(values)
    if low == high:  # a straight line through the middle
        low, high = low - 1, high + 1

    def y_of(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

    def x_of(index: float) -> float:
        return round(MARGIN + index * (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1), 1)

    edges = [0, *(change.at for change in trend.changes), len(values)]
    heights = [change.before for change in trend.changes[:1]] + [change.after for change in trend.changes]
    titled = _titled(trend)
    marks = [
        Mark(
            x_of(index),
            y_of(point.value.estimate),
            y_of(point.value.low),
            y_of(point.value.high),
            point.left_out is not None,
            _title(trend, point) if index in titled else "",
        )
        for index, point in enumerate(trend.points)
    ]
    plain = [mark for mark in marks if not mark.title]
    return Chart(
        marks=tuple(mark for mark in marks if mark.title),
        # A line of no length is a dot, where its ends are round.
        dots="".join(f"M{mark.x:g} {mark.y:g}h0" for mark in plain),
        intervals="".join(
            f"M{mark.x:g} {mark.y_low:g}V{mark.y_high:g}" for mark in plain if mark.y_low != mark.y_high
        ),
        levels=tuple(
            Level(x_of(first), x_of(end - 1), y_of(height))
            for (first, end), height in zip(pairwise(edges), heights, strict=False)
        ),
        changes=tuple(
            (x_of((change.previous + change.at) / 2), change.direction == "worse") for change in trend.changes
        ),
        label=f"{trend.figure} of {printable(trend.name)} over {len(values)} runs,"
        f" {len(trend.changes)} changes",
    )


def _titled(trend: Trend) -> set[int]:
    """The points whose marks have a text."""
    points = range(len(trend.points))
    if len(points) <= MOST_TITLED:
        return set(points)
    changes = {index for change in trend.changes for index in (change.previous, change.at)}
    return {index for index in points if trend.points[index].left_out} | changes | {points[-1]}


def _title(trend: Trend, point: Point) -> str:
    revision = f", {printable(point.git_revision)[:12]}" if point.git_revision else ""
    disturbed = f", does not count: {printable(point.left_out)}" if point.left_out else ""
    return (
        f"{printable(point.started_at)} {printable(point.run_id)}{revision}:"
        f" {show_value(trend.figure, point.value.estimate)}{disturbed}"
    )
