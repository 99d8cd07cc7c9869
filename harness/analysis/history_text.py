"""A history as lines for the terminal: each cell with its figures, what changed, and at which run."""

from collections.abc import Sequence
from itertools import groupby

from harness.analysis.comparison_rule import FigureName
from harness.analysis.history import History, Point, Trend
from harness.analysis.quantities import megabytes, millijoules, millions, milliseconds
from harness.analysis.trend_changes import Change
from harness.analysis.uncounted_cells import describe_unreadable
from harness.system.text import printable

# As many digits of a revision as git itself shows.
REVISION_DIGITS = 7
_FIGURE_WIDTH = len("instructions")
_TIMES: tuple[FigureName, ...] = ("latency", "paced p99", "start-up", "cold start-up", "sustained latency")


def to_lines(history: History) -> list[str]:
    """A block for each cell, then the counts. Names are never cropped."""
    lines: list[str] = []
    for name, trends in groupby(history.trends, key=lambda trend: trend.name):
        lines.append(printable(name))
        of_cell = list(trends)
        width = max(_FIGURE_WIDTH, *(len(trend.figure) for trend in of_cell))
        for trend in of_cell:
            lines += [f"  {line}" for line in _trend_lines(trend, width)]
    return [*lines, "", *summarize(history)]


def summarize(history: History) -> list[str]:
    """How many trends changed, what was left out, and what is worse since the newest run."""
    changed = sum(bool(trend.changes) for trend in history.trends)
    lines = [
        f"{_count(history.runs, 'run')}, {_count(len(history.trends), 'trend')}: {changed} changed,"
        f" {len(history.trends) - changed} did not."
    ]
    if history.copies:
        folders = "1 folder is a copy" if history.copies == 1 else f"{history.copies} folders are copies"
        lines.append(f"{folders} of another run: each run counts once.")
    lines += [f"{sentence}." for sentence in describe_unreadable(history.unreadable)]
    if history.left_out:
        counts = ", ".join(f"{count} {printable(code)}" for code, count in sorted(history.left_out.items()))
        lines.append(f"Left out, invalid: {counts}.")
    lines += [
        f"Worse since the newest run: {trend.figure} of {printable(trend.name)}."
        for trend in history.trends
        if trend.newly_worse
    ]
    return lines


def describe_change(figure: FigureName, change: Change) -> str:
    """`+3.1 % (12.3 ms → 12.68 ms)`; of accuracy in percentage points."""
    size = f"{100 * change.change:+z.3g} {'pp' if figure == 'accuracy' else '%'}"
    return f"{size} ({show_value(figure, change.before)} → {show_value(figure, change.after)})"


def describe_place(trend: Trend, change: Change) -> str:
    """`at run 20260101T120000Z-abc123 (0123456..89abcde)`: the revisions before and after."""
    before, after = trend.points[change.previous], trend.points[change.at]
    return f"at run {printable(after.run_id)} ({_revision(before)}..{_revision(after)})"


def show_value(figure: FigureName, value: float) -> str:
    """The value in the figure's unit."""
    if figure in _TIMES:
        return milliseconds(value)
    if figure == "energy":
        return millijoules(value)
    if figure == "instructions":
        return millions(value)
    if figure == "accuracy":
        return f"{100 * value:.2f} %"
    return megabytes(value)


def latest_level(trend: Trend) -> float | None:
    """The level since the last change; the last value where nothing changed. None where no value counts."""
    if trend.changes:
        return trend.changes[-1].after
    counted = [point.value.estimate for point in trend.points if point.left_out is None]
    return counted[-1] if counted else None


def _trend_lines(trend: Trend, width: int) -> list[str]:
    counted = sum(point.left_out is None for point in trend.points)
    left_out = len(trend.points) - counted
    level = latest_level(trend)
    value = "no value counts" if level is None else show_value(trend.figure, level)
    disturbed = f", {left_out} left out ({_reasons(trend.points)})" if left_out else ""
    state = "" if trend.changes else ", no change"
    head = f"{trend.figure:<{width}}  {value}, {_count(counted, 'run')}{disturbed}{state}"
    lines = [head]
    for change in trend.changes:
        lines.append(f"  {change.direction}: {describe_change(trend.figure, change)}")
        lines.append(f"    {describe_place(trend, change)}")
        lines += [f"    also changed: {printable(text)}" for text in change.also_changed]
    return lines


def _reasons(points: Sequence[Point]) -> str:
    return ", ".join(sorted({printable(point.left_out) for point in points if point.left_out}))


def _revision(point: Point) -> str:
    revision = point.git_revision
    return printable(revision)[:REVISION_DIGITS] if revision else "no revision"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
