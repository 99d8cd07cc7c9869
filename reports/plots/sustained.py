"""What cells do over minutes: latency of each second, the fastest clock and the hottest zone beside it."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from harness.records import Cell
from reports.bars import evenly
from reports.figures import full_name, row_name
from reports.numbers import significant
from reports.sections import Section
from reports.style import INK, MARKERS, PALETTE, Omitted, Plot, compose
from reports.sustained_series import READINGS, Points, latencies_ms, readings, seconds_a_point

NAME = "sustained"
TITLE = "Latency over minutes"
# As many as there are colours: more lines would hide each other.
MOST_CELLS = len(PALETTE)


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    if section.device.emulated:
        return Omitted(NAME, TITLE, "the device's clock is not a real one")
    found = [(c, c.sustained.run) for c in section.measured if c.sustained and c.sustained.run]
    found.sort(key=lambda pair: (pair[0].artifact.macs or 0, pair[0].name))
    shown = evenly(found, MOST_CELLS)
    if not shown:
        return Omitted(NAME, TITLE, "no cell ran for minutes; harness run --sustain 10m does so")
    panels = [("Latency, ms", [latencies_ms(run) for _, run in shown])]
    for name, reading, factor in READINGS:
        lines = [readings(run, reading, factor) for _, run in shown]
        if any(lines):
            panels.append((name[0].upper() + name[1:], lines))
    plot, grid = compose(
        NAME,
        _headline([cell for cell, _ in shown]),
        section.provenance(len(found), latency=False, how_often="Each cell: one process")
        + _note(len(shown), len(found), max(seconds_a_point(run) for _, run in shown)),
        rows=len(panels),
        gap_in=0.25,
        share_y=False,
    )
    for (axes,), (name, lines) in zip(grid, panels, strict=True):
        _draw(axes, name, lines, [row_name(cell) for cell, _ in shown])
    for index, (cell, _) in enumerate(shown):
        drop = cell.sustained and cell.sustained.figures and cell.sustained.figures.drop
        if drop:
            grid[0][0].axvline(drop.second / 60, color=PALETTE[index], linewidth=1.0, linestyle="--")
    if len(shown) > 1:
        grid[0][0].legend(loc="upper left", frameon=False, ncols=3, fontsize=8)
    grid[-1][0].set_xlabel("Minutes since the first inference")
    return plot


def _draw(axes: Axes, name: str, lines: Sequence[Points], names: Sequence[str]) -> None:
    for index, points in enumerate(lines):
        if not points:
            continue
        minutes, values = zip(*points, strict=True)
        # Colour is never the only difference: each line has its own marker, a few times.
        axes.plot(
            minutes,
            values,
            color=PALETTE[index],
            linewidth=1.1,
            marker=MARKERS[index],
            markersize=4,
            markevery=max(1, len(points) // 8),
            label=names[index],
        )
    highest = max(value for points in lines for _, value in points)
    axes.set_ylim(0, highest * 1.15 or 1.0)
    axes.set_ylabel(name, color=INK)


def _note(shown: int, of: int, seconds: int) -> str:
    drawn = f" {shown} of {of} cells are drawn." if shown < of else ""
    each = "a second" if seconds == 1 else f"up to {seconds} seconds"
    return f"{drawn} Each point is the median of {each}; a dashed line is the first drop."


def _headline(cells: Sequence[Cell]) -> str:
    """The cell that retains least decides how far first impressions can be trusted."""
    figured = [(c, c.sustained.figures) for c in cells if c.sustained and c.sustained.figures]
    if not figured:
        return TITLE
    cell, figures = min(figured, key=lambda pair: pair[1].retained)
    minutes = (cell.sustained.seconds if cell.sustained else 0) / 60
    least = f", the least of {len(figured)} cells" if len(figured) > 1 else ""
    return (
        f"After {minutes:.3g} min {full_name(cell)} retains {significant(100 * figures.retained)} % of its"
        f" first speed{least}"
    )
