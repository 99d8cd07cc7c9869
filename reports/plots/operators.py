"""Time of an inference by kind of operator: one stacked bar per cell."""

from collections.abc import Sequence
from typing import get_args

from harness.records import Cell, OperatorKind
from reports.bars import evenly
from reports.figures import row_name
from reports.numbers import count_span
from reports.plots.stacked import draw_stacked
from reports.sections import Section
from reports.style import HAIRLINE, MOST_ROWS, PARTS, Omitted, Plot, compose, room_for

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
        section.provenance(len(cells), latency=False, how_often=_how_often(cells))
        + " Operators were timed in a separate process, slowed by profiling: not comparable with latency.",
        left_in=room_for(map(row_name, cells)),
        panel_titles=True,
        right_in=0.5,
    )
    unit = "Instructions in operators, millions" if section.device.emulated else "Time in operators, ms"
    sizes = [_by_kind(cell) for cell in cells]
    parts = [(kind, _COLOURS[kind], [row[index] for row in sizes]) for index, kind in enumerate(KINDS)]
    draw_stacked(grid[0][0], [row_name(cell) for cell in cells], parts, unit=unit)
    return plot


def _how_often(cells: Sequence[Cell]) -> str:
    iterations = count_span(cell.profile.iterations for cell in cells if cell.profile)
    return f"Each cell: one process, {iterations} profiled inferences"


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
