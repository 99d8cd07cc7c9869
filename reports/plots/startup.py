"""Cold start-up of each variant, stacked by phase, with its interval; beside it that of a warm process."""

from itertools import accumulate

from matplotlib.axes import Axes

from harness.records import Cell, Startup
from reports.bars import evenly
from reports.figures import full_name, row_name
from reports.numbers import significant
from reports.sections import Section
from reports.style import INK, MOST_ROWS, PARTS, Omitted, Plot, compose

NAME = "startup"
TITLE = "Cold start-up"
Row = tuple[Cell, Startup]
_PHASES = tuple(zip(("load", "initialize", "first inference"), PARTS, strict=False))


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    if section.device.emulated:
        return Omitted(NAME, TITLE, "the device's clock is not a real one")
    rows = [(c, c.cold.startup) for c in section.measured if c.cold and c.cold.startup]
    rows.sort(key=lambda row: (row[1].total_ns.estimate, row[0].name))
    rows = evenly(rows, MOST_ROWS)
    if not rows:
        return Omitted(NAME, TITLE, "no cell was started cold; harness run --cold does so")
    note = " Phases: medians over cold processes. Line: 95 % interval of the total."
    plot, grid = compose(
        NAME,
        _headline(rows),
        section.provenance(len(rows)) + note,
        left_in=1.6,
        panel_titles=True,
        right_in=0.5,
    )
    _draw_bars(grid[0][0], rows)
    return plot


def _draw_bars(axes: Axes, rows: list[Row]) -> None:
    heights = range(len(rows))
    # The total is the median of the sums: the phases are scaled to it.
    phases = [_phases_ms(startup) for _, startup in rows]
    starts = [[0.0, *accumulate(sizes)] for sizes in phases]
    for index, (phase, colour) in enumerate(_PHASES):
        sizes, left = [one[index] for one in phases], [one[index] for one in starts]
        axes.barh(heights, sizes, left=left, color=colour, height=0.68, label=phase)
    totals = [startup.total_ns for _, startup in rows]
    for height, total in zip(heights, totals, strict=True):
        axes.plot([total.low / 1e6, total.high / 1e6], [height, height], color=INK, linewidth=1.2)
    warm = [
        (c.startup.total_ns.estimate / 1e6, at) for at, (c, _) in zip(heights, rows, strict=True) if c.startup
    ]
    totals_ms, at = [total for total, _ in warm], [height for _, height in warm]
    axes.plot(totals_ms, at, "D", color=INK, markersize=4, label="in all, not cold")
    widest = max(total.high for total in totals) / 1e6
    for height, total in zip(heights, totals, strict=True):
        end = max(total.high, total.estimate) / 1e6
        axes.text(
            end + widest * 0.008, height, significant(total.estimate / 1e6), va="center", size=9, color=INK
        )
    axes.set_yticks(list(heights), [row_name(cell) for cell, _ in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, widest * 1.1)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Start-up, ms")
    axes.legend(loc="lower right", frameon=False, ncols=4, bbox_to_anchor=(1, 1), borderaxespad=0.2)


def _phases_ms(startup: Startup) -> list[float]:
    phases = [one.estimate / 1e6 for one in (startup.load_ns, startup.init_ns, startup.first_ns)]
    return [phase * startup.total_ns.estimate / 1e6 / (sum(phases) or 1.0) for phase in phases]


def _headline(rows: list[Row]) -> str:
    """`rows` are sorted by their total."""
    if len(rows) == 1:
        return f"{TITLE} by phase"
    low, high = (
        f"{significant(s.total_ns.estimate / 1e6)} ms ({full_name(c)})" for c, s in (rows[0], rows[-1])
    )
    return f"{TITLE}: from {low} to {high}"
