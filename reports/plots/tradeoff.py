"""Accuracy against cost with the Pareto frontier: which variant to ship.

Measured accuracy has filled markers, published accuracy hollow ones; each has its own panel and frontier.
Predicted variants, on request, are hollow and dotted beside published accuracy, and on no frontier.
"""

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.cell_figures import cell_name
from reports.plots.marks import Mark, draw_marks
from reports.point_labels import label_points
from reports.predictions import Predicted
from reports.sections import Point, Section, best
from reports.style import (
    MUTED,
    PAPER,
    Omitted,
    Plot,
    colour_of,
    compose,
    log_axis,
    mark_suspect,
    marker_of,
)

NAME = "tradeoff"


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    if not section.points:
        return Omitted(NAME, "Accuracy against cost", section.without_cost)
    panels = section.by_accuracy_source()
    if not panels:
        return Omitted(
            NAME, "Accuracy against cost", "no variant here has a measured or a published accuracy"
        )
    if sum(len(points) for points in panels.values()) < 2:
        return Omitted(NAME, "Accuracy against cost", "needs at least two cells with an accuracy")
    shown = sum(len(points) for points in panels.values())
    plot, grid = compose(
        NAME,
        _headline(panels),
        section.provenance(shown),
        rows=len(panels),
        right_in=0.3,
        share_y=False,
        panel_titles=True,
    )
    predicted = [one for one in section.predicted if one.top1 is not None]
    if not any(kind == "published" for kind, _ in panels):
        predicted = []
    costs = [point.cost for points in panels.values() for point in points]
    costs += [one.cost for one in predicted]
    for (axes,), ((kind, source), points) in zip(grid, panels.items(), strict=True):
        log_axis(axes, "x", [bound for cost in costs for bound in (cost.low, cost.high)], room_low=1.5)
        _draw_panel(axes, points, section, predicted if kind == "published" else [])
        axes.set_title(f"{kind}: {source}" if kind == "measured" else source, weight="bold")
        axes.set_ylabel("Top-1 accuracy, %")
    grid[-1][0].set_xlabel(f"{section.scale.label} (log scale)")
    return plot


def _draw_panel(
    axes: Axes, points: Sequence[Point], section: Section, predicted: Sequence[Predicted]
) -> None:
    chosen = best(points)
    low, high = _limits(points, predicted)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    _draw_frontier(axes, chosen)
    _draw_predicted(axes, predicted)
    marks = [Mark(point, point.cost.value, point.cost.low, point.cost.high) for point in points]
    draw_marks(axes, marks, section.precisions)
    for point in points:
        if point.suspect and point.top1:
            mark_suspect(axes, point.cost.value, point.top1.percent.value)
    _label(axes, chosen, several=len(section.placements) > 1)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="lower right", frameon=False)


def _limits(points: Sequence[Point], predicted: Sequence[Predicted]) -> tuple[float, float]:
    tops = [point.top1.percent for point in points if point.top1]
    rest = [100 * one.top1 for one in predicted if one.top1 is not None]
    low, high = min([*(top.low for top in tops), *rest]), max([*(top.high for top in tops), *rest])
    room = max((high - low) * 0.12, 1.5)
    return max(0.0, low - room), min(100.0, high + room)


def _draw_frontier(axes: Axes, chosen: Sequence[Point]) -> None:
    """The best accuracy within each budget: a step up at each point of the frontier, flat to the right."""
    costs = [point.cost.value for point in chosen]
    gains = [point.top1.percent.value for point in chosen if point.top1]
    right = axes.get_xlim()[1]
    axes.step([*costs, right], [*gains, gains[-1]], where="post", color=MUTED, linewidth=1, zorder=1)


def _draw_predicted(axes: Axes, predicted: Sequence[Predicted]) -> None:
    for precision in dict.fromkeys(one.precision for one in predicted):
        members = [one for one in predicted if one.precision == precision]
        tops = [100 * (one.top1 or 0.0) for one in members]
        colour = colour_of(precision)
        axes.hlines(
            tops,
            [one.cost.low for one in members],
            [one.cost.high for one in members],
            colors=colour,
            linestyles="dotted",
            linewidth=1,
            zorder=2,
        )
        axes.scatter(
            [one.cost.value for one in members],
            tops,
            marker=marker_of(precision),
            facecolors=PAPER,
            edgecolors=colour,
            linestyles="dotted",
            s=36,
            label=f"{precision} (predicted, not measured)",
            zorder=3,
        )


def _label(axes: Axes, chosen: Sequence[Point], *, several: bool) -> None:
    """Label the frontier's points above and to the left, where by definition no other point lies."""
    label_points(
        axes,
        [
            (
                cell_name(point.cell) + (f" {point.placement.short}" if several else ""),
                point.cost.value,
                point.top1.percent.value,
            )
            for point in chosen
            if point.top1
        ],
    )


def _headline(panels: dict[tuple[str, str], tuple[Point, ...]]) -> str:
    """Which precision holds the frontier, by measured accuracy if there is any."""
    points = next(iter(panels.values()))
    counts = Counter(point.cell.variant.precision for point in best(points)).most_common()
    places = sum(count for _, count in counts)
    if len({point.cell.variant.precision for point in points}) == 1:
        return f"{places} of {len(points)} cells are on the frontier"
    if len(counts) == 1:
        return f"Every place on the frontier is {counts[0][0]}: {places} of {len(points)} cells"
    (leader, most), (_, next_most), *_ = counts
    if most == next_most:
        return f"The frontier is shared: {', '.join(f'{count} {precision}' for precision, count in counts)}"
    return f"{leader} holds {most} of the {places} places on the frontier"
