"""The page of a history: the changes first, then a small chart of each trend; one file, no script."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from harness.analysis.history import History, Trend
from harness.analysis.history_text import (
    describe_change,
    describe_place,
    latest_level,
    show_value,
    summarize,
)
from harness.analysis.trend_changes import Change
from harness.system.files import write_atomically
from harness.system.text import printable
from reports.templating import digest, find_template, history_style
from reports.trend_chart import Chart, draw_chart


@dataclass(frozen=True)
class ChangeRow:
    """One change as text."""

    direction: str
    cell: str
    figure: str
    size: str
    place: str
    also_changed: tuple[str, ...]


@dataclass(frozen=True)
class TrendPart:
    """One trend: its chart, and what stands around it as text."""

    figure: str
    level: str
    low: str
    high: str
    first: str
    last: str
    chart: Chart


def write_history(history: History, file: Path) -> Path:
    """Write the page and return its path; a missing folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, render_history(history))
    return file


def render_history(history: History) -> str:
    """The page as HTML; all text is escaped."""
    cells = [
        (printable(name), tuple(_part(trend) for trend in trends))
        for name, trends in groupby(history.trends, key=lambda trend: trend.name)
    ]
    style = history_style()
    return find_template("history.html.j2").render(
        style=style,
        style_hash=digest(style),
        summary=summarize(history),
        changes=_newest_first(history),
        cells=cells,
    )


def _newest_first(history: History) -> list[ChangeRow]:
    found = [(trend, change) for trend in history.trends for change in trend.changes]
    found.sort(key=lambda one: one[0].points[one[1].at].started_at, reverse=True)
    return [_row(trend, change) for trend, change in found]


def _row(trend: Trend, change: Change) -> ChangeRow:
    return ChangeRow(
        direction=change.direction,
        cell=printable(trend.name),
        figure=trend.figure,
        size=describe_change(trend.figure, change),
        place=describe_place(trend, change),
        also_changed=tuple(map(printable, change.also_changed)),
    )


def _part(trend: Trend) -> TrendPart:
    values = [point.value.estimate for point in trend.points]
    level = latest_level(trend)
    return TrendPart(
        figure=trend.figure,
        level="no value counts" if level is None else show_value(trend.figure, level),
        low=show_value(trend.figure, min(values)),
        high=show_value(trend.figure, max(values)),
        first=printable(trend.points[0].started_at)[:10],
        last=printable(trend.points[-1].started_at)[:10],
        chart=draw_chart(trend),
    )
