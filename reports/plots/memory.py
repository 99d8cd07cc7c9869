"""Peak memory of each variant, stacked by the phase that allocated it."""

from itertools import accumulate

from harness.records import Cell, Memory
from reports.bars import evenly
from reports.figures import full_name, row_name
from reports.numbers import significant
from reports.plots.stacked import draw_stacked
from reports.sections import Section
from reports.shares import PHASES
from reports.style import MOST_ROWS, PARTS, Omitted, Plot, compose, room_for

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
        section.provenance(len(rows), latency=False) + " RSS: median over processes." + emulator,
        left_in=room_for((row_name(cell) for cell, _ in rows)),
        panel_titles=True,
        right_in=0.5,
    )
    parts = [
        (phase, colour, [phases[index] for _, phases in rows])
        for index, (phase, colour) in enumerate(_PHASES)
    ]
    names = [row_name(cell) for cell, _ in rows]
    draw_stacked(grid[0][0], names, parts, unit="Peak resident memory (RSS), MB")
    return plot


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
