"""Every timed inference of every process relative to its cell's median: spread, drift and outliers."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from harness.records import Cell
from reports.figures import clock_mark, full_name, row_name
from reports.numbers import significant
from reports.sections import Section
from reports.style import INK, MUTED, Omitted, Plot, colour_of, compose

NAME = "samples"
# The axis is linear within ± this many percent and logarithmic beyond, so that spread and outliers both show.
LINEAR_PERCENT = 5.0
_TICKS = (-100, -50, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 100, 200)
_TICKS_OF_A_LONG_TAIL = (-100, -20, -5, 0, 5, 20, 100, 1000, 10_000, 100_000)
_LONG_TAIL_PERCENT = 300


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    cells = sorted(
        (
            cell
            for cell in section.measured
            if cell.latency is not None and any(p.latencies_ns for p in cell.processes)
        ),
        key=lambda cell: (cell.artifact.macs, cell.name),
    )
    if not cells:
        return Omitted(NAME, "Distribution of samples", "no cell has samples")
    deviations = [_deviations(cell) for cell in cells]
    how = (
        " Each dot is one inference; each strip is one process, first inference on top, line at its median."
        " Axis linear within ±5 %, logarithmic beyond."
    )
    plot, grid = compose(
        NAME,
        _headline(cells, deviations),
        section.provenance(len(cells)) + how,
        panel_height_in=max(1.2, 0.26 * len(cells)),
        left_in=1.35,
        right_in=0.3,
    )
    axes = grid[0][0]
    _scale(axes, deviations)
    for height, (cell, processes) in enumerate(zip(cells, deviations, strict=True)):
        _draw_strips(axes, height, processes, colour_of(cell.variant.precision))
    axes.set_yticks(range(len(cells)), [row_name(cell) for cell in cells], size=7.8)
    axes.set_ylim(-0.6, len(cells) - 0.4)
    axes.tick_params(axis="y", length=0)
    mark = clock_mark(section.device)
    axes.set_xlabel(f"Time of an inference {mark} relative to its cell's median, %".replace("  ", " "))
    return plot


def _deviations(cell: Cell) -> list[np.ndarray]:
    """Percent above or below the cell's median, per process, in order of measurement."""
    median = cell.latency.median_ns.estimate if cell.latency else 1.0
    return [
        (np.asarray(process.latencies_ns, dtype=float) / median - 1) * 100
        for process in cell.processes
        if process.latencies_ns
    ]


def _scale(axes: Axes, deviations: Sequence[Sequence[np.ndarray]]) -> None:
    every = np.concatenate([strip for processes in deviations for strip in processes])
    axes.set_xscale("symlog", linthresh=LINEAR_PERCENT, linscale=1.4)
    low, high = min(-2.0, float(every.min()) * 1.15), max(5.0, float(every.max()) * 1.3)
    axes.set_xlim(low, high)
    ticks = _TICKS_OF_A_LONG_TAIL if high > _LONG_TAIL_PERCENT else _TICKS
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.0f}" if value else "0"))
    axes.axvline(0, color=MUTED, linewidth=0.8, zorder=1)


def _draw_strips(axes: Axes, height: int, processes: Sequence[np.ndarray], colour: str) -> None:
    edges = np.linspace(height + 0.4, height - 0.4, len(processes) + 1)
    for strip, (top, bottom) in zip(processes, pairwise(edges), strict=True):
        margin = (top - bottom) * 0.1
        order = np.linspace(top - margin, bottom + margin, len(strip))
        far = np.abs(strip) > LINEAR_PERCENT
        for which, size in ((~far, 2.2), (far, 4.0)):
            # Thousands of dots: as an image inside the SVG they stay small and quick to show.
            axes.plot(
                strip[which],
                order[which],
                linestyle="none",
                marker=".",
                markersize=size,
                markeredgewidth=0,
                alpha=0.6,
                color=colour,
                rasterized=True,
            )
        axes.vlines(
            float(np.median(strip)), bottom + margin, top - margin, color=INK, linewidth=1.1, zorder=5
        )


def _headline(cells: Sequence[Cell], deviations: Sequence[Sequence[np.ndarray]]) -> str:
    every = np.concatenate([strip for processes in deviations for strip in processes])
    low, high = np.percentile(every, [0.5, 99.5])
    worst = max(range(len(cells)), key=lambda i: max(float(strip.max()) for strip in deviations[i]))
    peak = max(float(strip.max()) for strip in deviations[worst])
    return (
        f"99 % of all inferences lie between {_signed(low)} and {_signed(high)} % of their cell's median; "
        f"the slowest is {_signed(peak)} % ({full_name(cells[worst])})"
    )


def _signed(percent: float) -> str:
    if abs(percent) < 0.05:
        return "0"
    sign = "−" if percent < 0 else "+"  # noqa: RUF001
    return sign + significant(abs(percent), 2)
