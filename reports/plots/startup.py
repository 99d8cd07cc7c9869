"""Cold start-up of each variant, stacked by phase, with its interval; beside it that of a warm process."""

from matplotlib.axes import Axes

from harness.records import Cell, Startup
from reports.bars import evenly
from reports.figures import full_name, row_name
from reports.numbers import count_span, significant
from reports.plots.stacked import draw_stacked
from reports.sections import Section
from reports.style import INK, MOST_ROWS, PARTS, Omitted, Plot, compose, room_for

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
    note = " Phases: medians over cold processes, scaled to the median total. Line: its 95 % interval."
    plot, grid = compose(
        NAME,
        _headline(rows),
        section.provenance(len(rows), latency=False, how_often=_how_often(rows)) + note,
        left_in=room_for((row_name(cell) for cell, _ in rows)),
        panel_titles=True,
        right_in=0.5,
    )
    _draw_bars(grid[0][0], rows)
    return plot


def _how_often(rows: list[Row]) -> str:
    cold = count_span(sum(one.is_cold for one in cell.cold.processes) for cell, _ in rows if cell.cold)
    return f"Each cell: {cold} cold process{'es' * (cold != '1')}, one inference in each"


def _draw_bars(axes: Axes, rows: list[Row]) -> None:
    totals = [startup.total_ns for _, startup in rows]
    for height, total in enumerate(totals):
        axes.plot([total.low / 1e6, total.high / 1e6], [height, height], color=INK, linewidth=1.2)
    warm = [(cell.startup.total_ns.estimate / 1e6, at) for at, (cell, _) in enumerate(rows) if cell.startup]
    warm_ms, heights = [total for total, _ in warm], [height for _, height in warm]
    axes.plot(warm_ms, heights, "D", color=INK, markersize=4, label="in all, not cold")
    phases = [_phases_ms(startup) for _, startup in rows]
    parts = [(phase, colour, [one[index] for one in phases]) for index, (phase, colour) in enumerate(_PHASES)]
    draw_stacked(
        axes,
        [row_name(cell) for cell, _ in rows],
        parts,
        unit="Start-up, ms",
        ends=[total.high / 1e6 for total in totals],
        further_entries=1,
    )


def _phases_ms(startup: Startup) -> list[float]:
    """The total is the median of sums: the phases' own medians are scaled to add up to it."""
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
