"""Cost against multiply-accumulates, both logarithmic: how efficiently each network size runs."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.figures import LATENCY
from reports.numbers import span
from reports.sections import Point, Section
from reports.style import (
    LineEnd,
    Omitted,
    Plot,
    colour_of,
    compose,
    log_axis,
    mark_suspect,
    marker_of,
    name_lines,
)

NAME = "cost_by_macs"
_LINE_STYLES = ("-", "--", ":", "-.")


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    if not section.points:
        return Omitted(NAME, _headline(section), section.without_cost)
    points = section.of_network
    if len({point.cell.artifact.macs for point in points}) < 2:
        return Omitted(NAME, _headline(section), "needs at least two network sizes")
    plot, grid = compose(NAME, _headline(section), section.provenance(), right_in=0.85)
    axes = grid[0][0]
    log_axis(axes, "x", [point.million_macs for point in points])
    log_axis(axes, "y", [bound for point in points for bound in (point.cost.low, point.cost.high)])
    ends: list[LineEnd] = []
    for index, place in enumerate(section.placements):
        for precision in section.precisions:
            members = [p for p in points if (p.cell.variant.precision, p.placement) == (precision, place)]
            if members:
                label = precision if len(section.placements) == 1 else f"{precision}, {place.short}"
                _draw_series(axes, members, precision, _LINE_STYLES[index % len(_LINE_STYLES)])
                macs, cost = members[-1].million_macs, members[-1].cost.value
                ends.append(LineEnd(macs, cost, label, colour_of(precision)))
    name_lines(axes, ends)
    axes.set_xlabel("Multiply-accumulates per inference, millions (log scale)")
    axes.set_ylabel(f"{section.scale.label} (log scale)")
    return plot


def _draw_series(axes: Axes, points: Sequence[Point], precision: str, line_style: str) -> None:
    x = [point.million_macs for point in points]
    axes.errorbar(
        x,
        [point.cost.value for point in points],
        yerr=[
            [point.cost.value - point.cost.low for point in points],
            [point.cost.high - point.cost.value for point in points],
        ],
        color=colour_of(precision),
        marker=marker_of(precision),
        linestyle=line_style,
        linewidth=1,
    )
    for point, macs in zip(points, x, strict=True):
        if point.suspect:
            mark_suspect(axes, macs, point.cost.value)


def _headline(section: Section) -> str:
    """Throughput by precision with the fewest threads, on the first cores: placements are not mixed."""
    fewest = min(section.placements, default=None)
    points = [point for point in section.of_network if point.placement == fewest]
    parts = []
    for precision in section.precisions:
        ratios = [_efficiency(section, p) for p in points if p.cell.variant.precision == precision]
        if ratios:
            parts.append(f"{precision} {span(ratios)}")
    if not parts or not fewest:
        return f"{section.scale.name.capitalize()} against multiply-accumulates"
    where = f"with {fewest.text}"
    if section.scale == LATENCY:
        return f"Throughput {where}, GMAC/s: {', '.join(parts)}"
    return f"Instructions per multiply-accumulate {where}: {', '.join(parts)}"


def _efficiency(section: Section, point: Point) -> float:
    millions = point.million_macs
    # Millions of MACs in a millisecond are thousands of millions in a second.
    return millions / point.cost.value if section.scale == LATENCY else point.cost.value / millions
