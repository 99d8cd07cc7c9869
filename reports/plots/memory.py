"""Peak memory of each variant, stacked by the phase that allocated it."""

from itertools import accumulate

from matplotlib.axes import Axes

from harness.records import Cell, Memory
from reports.bars import evenly
from reports.figures import full_name, row_name
from reports.numbers import significant
from reports.sections import Section
from reports.shares import PHASES
from reports.style import INK, MOST_ROWS, PARTS, Omitted, Plot, compose

NAME = "memory"
# A cell, and the MB that each phase added.
Row = tuple[Cell, list[float]]
_PHASES = tuple(zip(PHASES, PARTS, strict=True))


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    rows = [(cell, phases) for cell in section.measured if (phases := _phases(cell.memory))]
    rows.sort(key=lambda row: (sum(row[1]), row[0].name))
    rows = evenly(rows, MOST_ROWS)
    if not rows:
        return Omitted(NAME, "Peak memory", "no cell has memory figures")
    emulator = " Includes the emulator's own memory." if section.device.clock == "emulated" else ""
    plot, grid = compose(
        NAME,
        _headline(rows),
        section.provenance(len(rows)) + " RSS: median over processes." + emulator,
        left_in=1.6,
        panel_titles=True,
        right_in=0.5,
    )
    _draw_bars(grid[0][0], rows)
    return plot


def _draw_bars(axes: Axes, rows: list[Row]) -> None:
    heights = range(len(rows))
    left = [0.0] * len(rows)
    for index, (phase, colour) in enumerate(_PHASES):
        sizes = [phases[index] for _, phases in rows]
        axes.barh(heights, sizes, left=left, color=colour, height=0.68, label=phase)
        left = [start + size for start, size in zip(left, sizes, strict=True)]
    for height, end in zip(heights, left, strict=True):
        axes.text(end + max(left) * 0.008, height, significant(end), va="center", size=9, color=INK)
    axes.set_yticks(list(heights), [row_name(cell) for cell, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, max(left) * 1.07)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Peak resident memory (RSS), MB")
    axes.legend(
        loc="lower right", frameon=False, ncols=len(_PHASES), bbox_to_anchor=(1, 1), borderaxespad=0.2
    )


def _phases(memory: Memory | None) -> list[float]:
    """MB that each phase added; memory freed between phases is not shown, the sum is the peak.

    Empty where a figure could not be read.
    """
    levels = memory and (
        memory.rss_start_bytes,
        memory.rss_loaded_bytes,
        memory.rss_initialized_bytes,
        memory.peak_rss_bytes,
    )
    known = [level for level in levels or () if level is not None]
    if len(known) < len(_PHASES):
        return []
    reached = [min(level, known[-1]) / 1e6 for level in accumulate(known, max)]
    return [high - low for low, high in zip([0.0, *reached], reached, strict=False)]


def _headline(rows: list[Row]) -> str:
    """`rows` are sorted by their peak."""
    if len(rows) == 1:
        return "Peak memory by phase"
    low, high = (f"{significant(sum(phases))} MB ({full_name(cell)})" for cell, phases in (rows[0], rows[-1]))
    return f"Peak memory: from {low} to {high}"
