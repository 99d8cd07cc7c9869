"""Energy of an inference against accuracy: which variant a battery or a fan allows.

Measured accuracy has filled markers, published accuracy hollow ones, each on a panel for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from harness.analysis.frontier import frontier
from harness.records import Interval
from harness.system.text import printable
from reports.cell_figures import cell_name
from reports.numbers import significant
from reports.plots.marks import Mark, draw_marks
from reports.point_labels import label_points
from reports.sections import Point, Section
from reports.style import MUTED, Omitted, Plot, compose, log_axis, mark_suspect

NAME = "energy"
TITLE = "Energy against accuracy"


@dataclass(frozen=True)
class _Spent:
    """A cell with both figures; energy in millijoules, accuracy in percent."""

    point: Point
    joules: Interval
    percent: float
    covers: str

    @property
    def millijoules(self) -> float:
        return self.joules.estimate * 1e3

    @property
    def mark(self) -> Mark:
        """On an axis of millijoules, on which a bar ends at its mark at least."""
        low, high = 1e3 * self.joules.low, 1e3 * self.joules.high
        return Mark(self.point, self.millijoules, min(low, self.millijoules), max(high, self.millijoules))


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    panels = {source: _spent(points) for source, points in section.by_accuracy_source().items()}
    panels = {source: found for source, found in panels.items() if found}
    shown = [one for found in panels.values() for one in found]
    if not any(p.cell.energy and p.cell.energy.figures for p in section.points):
        return Omitted(NAME, TITLE, "no cell has an energy; harness run --energy measures it")
    if len(shown) < 2:
        return Omitted(NAME, TITLE, "needs at least two cells with an energy and an accuracy")
    sources = {one.covers for one in shown}
    plot, grid = compose(
        NAME,
        _headline(shown),
        section.provenance(len(shown), latency=False, how_often="Energy: one process of each cell")
        + f" Covered: {'; '.join(sorted(sources))}.",
        rows=len(panels),
        right_in=0.3,
        share_y=False,
        panel_titles=True,
    )
    ends = [end * 1e3 for one in shown for end in (one.joules.low, one.joules.high) if end > 0]
    ends += [one.millijoules for one in shown]
    for (axes,), ((kind, source), found) in zip(grid, panels.items(), strict=True):
        log_axis(axes, "x", ends, room_low=1.5)
        _draw_panel(axes, found, section.precisions)
        axes.set_title(f"{kind}: {source}" if kind == "measured" else source, weight="bold")
        axes.set_ylabel("Top-1 accuracy, %")
    grid[-1][0].set_xlabel("Energy of an inference without the idle device, mJ (log scale)")
    return plot


def _spent(points: Sequence[Point]) -> list[_Spent]:
    found = []
    for point in points:
        energy = point.cell.energy
        if energy and energy.run and energy.figures and point.top1:
            covers = printable(energy.run.source.covers)
            found.append(_Spent(point, energy.figures.net_joules, point.top1.percent.value, covers))
    return sorted(found, key=lambda one: one.millijoules)


def _draw_panel(axes: Axes, found: Sequence[_Spent], precisions: Sequence[str]) -> None:
    lowest, highest = min(one.percent for one in found), max(one.percent for one in found)
    room = max((highest - lowest) * 0.15, 1.5)
    axes.set_ylim(max(0.0, lowest - room), min(100.0, highest + 1.5 * room))
    draw_marks(axes, [one.mark for one in found], precisions)
    for one in found:
        if one.point.suspect:
            mark_suspect(axes, one.millijoules, one.percent)
    chosen = [found[index] for index in frontier([(one.millijoules, one.percent) for one in found])]
    right = axes.get_xlim()[1]
    energies = [one.millijoules for one in chosen]
    tops = [one.percent for one in chosen]
    axes.step([*energies, right], [*tops, tops[-1]], where="post", color=MUTED, linewidth=1, zorder=1)
    label_points(axes, [(cell_name(one.point.cell), one.millijoules, one.percent) for one in chosen])
    axes.legend(loc="lower right", frameon=False)


def _headline(shown: Sequence[_Spent]) -> str:
    """The span of energies, and what the cheapest and the most accurate are."""
    least, best = min(shown, key=lambda one: one.millijoules), max(shown, key=lambda one: one.percent)
    if least is best:
        return f"{cell_name(least.point.cell)} takes the least energy and is the most accurate"
    times = best.millijoules / least.millijoules
    gained = best.percent - least.percent
    return (
        f"{gained:.1f} points of accuracy cost {significant(times)} times the energy:"
        f" {significant(least.millijoules)} to {significant(best.millijoules)} mJ"
    )
