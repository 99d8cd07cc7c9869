"""Cost along one multiplier, one line per value of the other: shared by two plots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from reports.figures import Estimate
from reports.numbers import significant
from reports.sections import Point, Section
from reports.style import (
    INK,
    MARKERS,
    LineEnd,
    Omitted,
    Plot,
    apart,
    colour_of,
    compose,
    mark_suspect,
    name_lines,
)

Coordinate = Callable[[Point], float]


def draw_lines(
    section: Section,
    name: str,
    title: str,
    *,
    along: Coordinate,
    along_label: str,
    line: Coordinate,
    line_label: Callable[[float], str],
) -> Plot | Omitted:
    """Small multiples on one cost axis: a column per precision, a row per placement."""
    if not section.points:
        return Omitted(name, title, section.without_cost)
    points = section.of_network
    if len({along(point) for point in points}) < 2:
        return Omitted(name, title, f"needs at least two values of {along_label.split(',')[0].lower()}")
    placements, precisions = section.placements, section.precisions
    plot, grid = compose(
        name,
        title,
        section.provenance(),
        rows=len(placements),
        columns=len(precisions),
        panel_titles=True,
    )
    values = sorted({line(point) for point in points})
    positions = sorted({along(point) for point in points})
    top = max(point.cost.high for point in points) * 1.07
    for row, place in zip(grid, placements, strict=True):
        for axes, precision in zip(row, precisions, strict=True):
            shown = [p for p in points if (p.cell.variant.precision, p.placement) == (precision, place)]
            axes.set_ylim(0, top)
            colour = colour_of(precision)
            _draw_panel(axes, shown, values, colour, along=along, line=line, line_label=line_label)
            axes.set_title(f"{precision}, {place.text}", weight="bold")
            axes.set_xticks(apart(positions, gap=(positions[-1] - positions[0]) * 0.11))
        row[0].set_ylabel(section.scale.label)
    for axes in grid[-1]:
        axes.set_xlabel(along_label)
    return plot


def _draw_panel(
    axes: Axes,
    points: Sequence[Point],
    values: Sequence[float],
    colour: str,
    *,
    along: Coordinate,
    line: Coordinate,
    line_label: Callable[[float], str],
) -> None:
    ends: list[LineEnd] = []
    for index, value in enumerate(values):
        members = {along(point): point for point in points if line(point) == value}
        if not members:
            continue
        marker = MARKERS[index % len(MARKERS)]
        _draw_line(axes, members, sorted({along(point) for point in points}), colour, marker)
        last = members[max(members)]
        ends.append(LineEnd(along(last), last.cost.value, line_label(value), INK))
    name_lines(axes, ends)


def _draw_line(
    axes: Axes, members: dict[float, Point], positions: Sequence[float], colour: str, marker: str
) -> None:
    """One line, with a gap where a cell is missing."""
    costs = [members[x].cost if x in members else Estimate(np.nan, np.nan, np.nan) for x in positions]
    axes.errorbar(
        positions,
        [cost.value for cost in costs],
        yerr=[[cost.value - cost.low for cost in costs], [cost.high - cost.value for cost in costs]],
        color=colour,
        marker=marker,
    )
    for x, point in members.items():
        if point.suspect:
            mark_suspect(axes, x, point.cost.value)


@dataclass(frozen=True)
class Ratios:
    """Cost of the largest variant relative to the smallest; `text` lists the ratio per precision."""

    text: str
    small: Point
    large: Point


def ratios(points: Sequence[Point], along: Coordinate, line: Coordinate) -> Ratios | None:
    """Compare both ends of the line with the largest `line` value; None if no precision was measured at both.

    Only with the fewest threads, on the first cores.
    """
    first = min((point.placement for point in points), default=None)
    fewest = [point for point in points if point.placement == first]
    for value in sorted({line(point) for point in fewest}, reverse=True):
        peers = [point for point in fewest if line(point) == value]
        ends = min(map(along, peers)), max(map(along, peers))
        pairs = _pairs(peers, along, ends)
        if ends[0] < ends[1] and pairs:
            texts = [f"{significant(large.cost.value / small.cost.value, 2)}×" for small, large in pairs]  # noqa: RUF001
            names = [large.cell.variant.precision for _, large in pairs]
            listed = ", ".join(f"{text} ({name})" for text, name in zip(texts, names, strict=True))
            return Ratios(listed, *pairs[0])
    return None


def _pairs(
    points: Sequence[Point], along: Coordinate, ends: tuple[float, float]
) -> list[tuple[Point, Point]]:
    """The points at both ends, for each precision that was measured at both."""
    found = []
    for precision in sorted({point.cell.variant.precision for point in points}):
        at = {along(point): point for point in points if point.cell.variant.precision == precision}
        if ends[0] in at and ends[1] in at and at[ends[0]].cost.value > 0:
            found.append((at[ends[0]], at[ends[1]]))
    return found
