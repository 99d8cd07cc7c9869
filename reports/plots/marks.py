"""The marks of cells by accuracy: a colour for each precision, a shape for each runtime, and intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from harness.analysis.runtimes import runtime_title
from harness.records import EXECUTORCH
from reports.sections import Point
from reports.style import PAPER, colour_of, marker_of


@dataclass(frozen=True)
class Mark:
    """A point with an accuracy, and its place on the horizontal axis with the ends of its interval."""

    point: Point
    x: float
    low: float
    high: float


def draw_marks(axes: Axes, marks: Sequence[Mark], precisions: Sequence[str]) -> None:
    """Draw them filled, where their accuracy was measured, else hollow; each series has a legend entry."""
    for precision, runtime, members in _series(marks, precisions):
        tops = [mark.point.top1 for mark in members if mark.point.top1]
        measured = any(top.kind == "measured" for top in tops)
        colour = colour_of(precision)
        name = precision if runtime == EXECUTORCH else f"{precision}, {runtime_title(runtime)}"
        percents = [top.percent for top in tops]
        axes.errorbar(
            [mark.x for mark in members],
            [percent.value for percent in percents],
            xerr=[[mark.x - mark.low for mark in members], [mark.high - mark.x for mark in members]],
            # A published figure comes without an interval.
            yerr=[[one.value - one.low for one in percents], [one.high - one.value for one in percents]]
            if measured
            else None,
            linestyle="none",
            color=colour,
            marker=marker_of(precision, runtime),
            markersize=6,
            markerfacecolor=colour if measured else PAPER,
            markeredgecolor=colour,
            markeredgewidth=1.4,
            elinewidth=1,
            label=name if measured else f"{name} (published accuracy)",
            zorder=4,
        )


def _series(marks: Sequence[Mark], precisions: Sequence[str]) -> Iterator[tuple[str, str, list[Mark]]]:
    for precision in precisions:
        members = [mark for mark in marks if mark.point.cell.variant.precision == precision]
        for runtime in sorted({mark.point.cell.variant.runtime for mark in members}):
            yield precision, runtime, [one for one in members if one.point.cell.variant.runtime == runtime]
