"""Time of an inference by kind of operator: one stacked bar per cell."""

from typing import get_args

from matplotlib.axes import Axes

from harness.records import Cell, OperatorKind
from reports.bars import evenly
from reports.figures import row_name
from reports.numbers import significant
from reports.sections import Section
from reports.style import HAIRLINE, INK, MOST_ROWS, PARTS, Omitted, Plot, compose

NAME = "operators"
KINDS: tuple[OperatorKind, ...] = get_args(OperatorKind)
_COLOURS: dict[OperatorKind, str] = {
    **dict(zip(("first convolution", "depthwise", "pointwise", "classifier"), PARTS, strict=True)),
    "other": HAIRLINE,
}


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    profiled = (cell for cell in section.measured if cell.profile and cell.profile.operators)
    cells = evenly(sorted(profiled, key=lambda cell: (sum(_by_kind(cell)), cell.name)), MOST_ROWS)
    if not cells:
        return Omitted(NAME, "Time by operator", _why_not(section))
    plot, grid = compose(
        NAME,
        _headline(cells),
        section.provenance(len(cells))
        + " Operators were timed in a separate process, slowed by profiling: not comparable with latency.",
        left_in=1.6,
        panel_titles=True,
        right_in=0.5,
    )
    unit = "Instructions in operators, millions" if section.device.emulated else "Time in operators, ms"
    _draw_bars(grid[0][0], cells, unit)
    return plot


def _draw_bars(axes: Axes, cells: list[Cell], unit: str) -> None:
    rows = [_by_kind(cell) for cell in cells]
    heights = range(len(cells))
    left = [0.0] * len(cells)
    for index, kind in enumerate(KINDS):
        sizes = [row[index] for row in rows]
        axes.barh(heights, sizes, left=left, color=_COLOURS[kind], height=0.68, label=kind)
        left = [start + size for start, size in zip(left, sizes, strict=True)]
    for height, end in zip(heights, left, strict=True):
        axes.text(end + max(left) * 0.008, height, significant(end), va="center", size=9, color=INK)
    axes.set_yticks(list(heights), [row_name(cell) for cell in cells])
    axes.set_ylim(-0.6, len(cells) - 0.4)
    axes.set_xlim(0, max(left) * 1.07 or 1.0)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(unit)
    axes.legend(loc="lower right", frameon=False, ncols=len(KINDS), bbox_to_anchor=(1, 1), borderaxespad=0.2)


def _by_kind(cell: Cell) -> list[float]:
    """Milliseconds per kind; in virtual time a nanosecond is an instruction, so millions of instructions."""
    operators = cell.profile.operators if cell.profile else ()
    return [sum(one.mean_ns for one in operators if one.kind == kind) / 1e6 for kind in KINDS]


def _headline(cells: list[Cell]) -> str:
    shares = [100 * _by_kind(cell)[KINDS.index("pointwise")] / (sum(_by_kind(cell)) or 1) for cell in cells]
    low, high = f"{min(shares):.0f}", f"{max(shares):.0f}"
    return f"Pointwise convolutions take {low if low == high else f'{low} to {high}'} % of an inference"


def _why_not(section: Section) -> str:
    reasons = {cell.profile.unavailable for cell in section.measured if cell.profile}
    return "; ".join(sorted(reason for reason in reasons if reason)) or "no cell was profiled (--profile)"
