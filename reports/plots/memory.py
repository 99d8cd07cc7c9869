"""Peak memory of each variant, stacked by the phase that allocated it."""

from itertools import accumulate

from matplotlib.axes import Axes

from harness.records import Cell, Memory
from reports.figures import full_name, row_name
from reports.numbers import significant
from reports.sections import Section
from reports.style import BLUE, HAIRLINE, INK, ORANGE, SKY, Omitted, Plot, compose

NAME = "memory"
_PHASES = (("process start", HAIRLINE), ("load", SKY), ("initialize", BLUE), ("run", ORANGE))


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    cells = sorted(
        (cell for cell in section.measured if cell.memory),
        key=lambda cell: (cell.memory.peak_rss_bytes if cell.memory else 0, cell.name),
    )
    if not cells:
        return Omitted(NAME, "Peak memory", "no cell has memory figures")
    emulator = " Includes the emulator's own memory." if section.device.clock == "emulated" else ""
    plot, grid = compose(
        NAME,
        _headline(cells),
        section.provenance(len(cells)) + " RSS: median over processes." + emulator,
        panel_height_in=max(1.2, 0.2 * len(cells)),
        left_in=1.35,
        panel_titles=True,
        right_in=0.5,
    )
    _draw_bars(grid[0][0], cells)
    return plot


def _draw_bars(axes: Axes, cells: list[Cell]) -> None:
    rows = [_phases(cell.memory) for cell in cells if cell.memory]
    heights = range(len(cells))
    left = [0.0] * len(cells)
    for index, (phase, colour) in enumerate(_PHASES):
        sizes = [row[index] for row in rows]
        axes.barh(heights, sizes, left=left, color=colour, height=0.68, label=phase)
        left = [start + size for start, size in zip(left, sizes, strict=True)]
    for height, end in zip(heights, left, strict=True):
        axes.text(end + max(left) * 0.008, height, significant(end), va="center", size=7.6, color=INK)
    axes.set_yticks(list(heights), [row_name(cell) for cell in cells], size=7.8)
    axes.set_ylim(-0.6, len(cells) - 0.4)
    axes.set_xlim(0, max(left) * 1.07)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Peak resident memory (RSS), MB")
    axes.legend(
        loc="lower right", frameon=False, ncols=len(_PHASES), bbox_to_anchor=(1, 1), borderaxespad=0.2
    )


def _phases(memory: Memory) -> list[float]:
    """MB that each phase added; memory freed between phases is not shown, the sum is the peak."""
    levels = (
        memory.rss_start_bytes,
        memory.rss_loaded_bytes,
        memory.rss_initialized_bytes,
        memory.peak_rss_bytes,
    )
    reached = [min(level, memory.peak_rss_bytes) / 1e6 for level in accumulate(levels, max)]
    return [high - low for low, high in zip([0.0, *reached], reached, strict=False)]


def _headline(cells: list[Cell]) -> str:
    """`cells` are sorted by their peak."""
    first, last = cells[0], cells[-1]
    if first.memory is None or last.memory is None or len(cells) == 1:
        return "Peak memory by phase"
    low, high = (significant(m.peak_rss_bytes / 1e6) for m in (first.memory, last.memory))
    return f"Peak memory: from {low} MB ({full_name(first)}) to {high} MB ({full_name(last)})"
