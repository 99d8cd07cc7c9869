"""Quantiles of the timed inferences of every process relative to its cell's median: spread and drift."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from harness.records import Cell
from reports.bars import evenly
from reports.figures import clock_mark, full_name, row_name
from reports.numbers import significant
from reports.page_cells import process_quantiles
from reports.sections import Section
from reports.style import INK, MOST_ROWS, MUTED, Omitted, Plot, colour_of, compose, room_for

NAME = "samples"
# Beyond this an axis that shows the slowest inferences hides all others.
MOST_PERCENT = 25.0


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    timed = (
        cell for cell in section.measured if cell.latency and any(p.latencies_ns for p in cell.processes)
    )
    cells = evenly(sorted(timed, key=lambda cell: (cell.artifact.macs or 0, cell.name)), MOST_ROWS)
    if not cells:
        return Omitted(NAME, "Distribution of samples", "no cell has samples")
    quantiles = [np.asarray(process_quantiles(cell), dtype=float) / 10 for cell in cells]
    how = (
        " Each strip is one process, the first on top: thin from 5 to 95 % of its inferences, thick the"
        " middle half, the line its median."
    )
    if any(found[:, 5].max() > 1.1 * MOST_PERCENT for found in quantiles):
        how += " An arrow: the strip goes on beyond the axis."
    plot, grid = compose(
        NAME,
        _headline(cells, quantiles),
        section.provenance(len(cells)) + how,
        left_in=room_for(map(row_name, cells)),
        right_in=0.3,
    )
    axes = grid[0][0]
    ends = np.concatenate([found[:, (1, 5)].ravel() for found in quantiles]).clip(-MOST_PERCENT, MOST_PERCENT)
    axes.set_xlim(min(-1.0, float(ends.min()) * 1.1), max(1.0, float(ends.max()) * 1.1))
    axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
    farthest = axes.get_xlim()[1]
    for height, (cell, found) in enumerate(zip(cells, quantiles, strict=True)):
        _draw_strips(axes, height, found, colour_of(cell.variant.precision), farthest)
    axes.set_yticks(range(len(cells)), [row_name(cell) for cell in cells])
    axes.set_ylim(-0.6, len(cells) - 0.4)
    axes.tick_params(axis="y", length=0)
    mark = clock_mark(section.device)
    axes.set_xlabel(f"Time of an inference {mark} relative to its cell's median, %".replace("  ", " "))
    return plot


def _draw_strips(axes: Axes, height: int, quantiles: np.ndarray, colour: str, farthest: float) -> None:
    edges = np.linspace(height + 0.4, height - 0.4, len(quantiles) + 1)
    for (_, low, first, median, third, high, _), (top, bottom) in zip(
        quantiles, pairwise(edges), strict=True
    ):
        middle, half = (top + bottom) / 2, (top - bottom) * 0.4
        axes.hlines(middle, low, min(high, farthest), color=colour, linewidth=1.2)
        if high > farthest:
            axes.plot(farthest, middle, marker=">", color=colour, markersize=7, clip_on=False, zorder=6)
        axes.fill_between([first, third], middle - half, middle + half, color=colour, alpha=0.6, linewidth=0)
        axes.vlines(median, bottom, top, color=INK, linewidth=1.1, zorder=5)


def _headline(cells: Sequence[Cell], quantiles: Sequence[np.ndarray]) -> str:
    """Of the cells that are drawn."""
    low = min(float(found[:, 1].min()) for found in quantiles)
    high = max(float(found[:, 5].max()) for found in quantiles)
    worst = max(range(len(cells)), key=lambda index: float(quantiles[index][:, 6].max()))
    peak = float(quantiles[worst][:, 6].max())
    return (
        f"In every process 90 % of the inferences lie between {_signed(low)} and {_signed(high)} % of their"
        f" cell's median; the slowest is {_signed(peak)} % ({full_name(cells[worst])})"
    )


def _signed(percent: float) -> str:
    if abs(percent) < 0.05:
        return "0"
    sign = "−" if percent < 0 else "+"  # noqa: RUF001
    return sign + significant(abs(percent), 2)
