"""Distributions: quantiles of the timed inferences of each process, side by side on a linear axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell
from harness.system.text import printable
from reports.bars import Axis, axis_over, ticks
from reports.figures import cost_of, full_name
from reports.page_cells import process_quantiles
from reports.sections import Section

SHOWN_CELLS = 12
# Beyond this an axis that shows the slowest inferences hides all others.
MOST_PERCENT = 25.0


@dataclass(frozen=True)
class Strip:
    """One process, in percent of the axis: 5 to 95 % of its inferences, the middle half, the median."""

    low: float
    first: float
    median: float
    third: float
    high: float


@dataclass(frozen=True)
class CellStrips:
    """The processes of a cell in their order; `slowest` is its slowest inference."""

    name: str
    precision: str
    strips: tuple[Strip, ...]
    slowest: str


@dataclass(frozen=True)
class Distributions:
    """`zero` is the place of the cell's median; `missing` says why there is nothing to show."""

    cells: tuple[CellStrips, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float
    note: str = ""
    missing: str = ""


def describe_distributions(section: Section, first: Sequence[Cell]) -> Distributions:
    """The cells in `first`, then those that spread most, as many as fit."""
    if section.device.clock != "real":
        return Distributions((), (), 0, missing="times are not shown: this clock is not a real one")
    timed = [
        cell for cell in section.measured if cell.latency and any(p.latencies_ns for p in cell.processes)
    ]
    if not timed:
        return Distributions((), (), 0, missing="no cell has samples")
    preferred = [cell for cell in first if any(cell is one for one in timed)]
    others = sorted(
        (cell for cell in timed if not any(cell is one for one in preferred)), key=_spread, reverse=True
    )
    shown = sorted((preferred + others)[:SHOWN_CELLS], key=_cost)
    quantiles = [process_quantiles(cell) for cell in shown]
    ends = [value / 10 for cell in quantiles for one in cell for value in (one[1], one[5])]
    axis = axis_over([-1.0, 1.0, *(min(max(end, -MOST_PERCENT), MOST_PERCENT) for end in ends)], room=0.03)
    note = ""
    if len(shown) < len(timed):
        note = (
            f"{len(shown)} of {len(timed)} cells: what to ship at each budget, then those that spread most."
        )
    return Distributions(
        tuple(_describe(cell, found, axis) for cell, found in zip(shown, quantiles, strict=True)),
        tuple((axis.place(value), f"{value:+g} %" if value else "median") for value in ticks(axis)),
        axis.place(0.0),
        note,
    )


def _describe(cell: Cell, quantiles: Sequence[Sequence[int]], axis: Axis) -> CellStrips:
    strips = tuple(Strip(*(axis.place(one[at] / 10) for at in (1, 2, 3, 4, 5))) for one in quantiles)
    slowest = max(one[-1] for one in quantiles) / 10
    return CellStrips(full_name(cell), printable(cell.variant.precision), strips, f"{slowest:+z.0f} %")


def _spread(cell: Cell) -> float:
    if cell.latency is None or not cell.latency.median_ns.estimate:
        return 0.0
    return cell.latency.p90_ns / cell.latency.median_ns.estimate


def _cost(cell: Cell) -> tuple[float, str]:
    cost = cost_of(cell)
    return (cost.value if cost else 0.0), cell.name
