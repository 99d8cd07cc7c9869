"""How equal the devices of one model are: the same cell, measured on several of them."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from harness.analysis.cell_text import placed_name
from harness.analysis.machines import model_key
from harness.analysis.placements import cell_key
from harness.analysis.tails import student_t_quantile
from harness.records import Cell

# Of two devices nothing can be said about a third.
LEAST_UNITS = 3


@dataclass(frozen=True)
class UnitSpread:
    """One cell on several devices: `figures` by device in ms, or in millions of counted instructions.

    `range_share` is by what share the largest figure exceeds the smallest one.
    `next_low` and `next_high` are where 95 % of further devices of the model lie, as factors of the geometric
    mean; None below `LEAST_UNITS`. Source: Hahn and Meeker, Statistical Intervals, 1991, the prediction
    interval of one further value, on logarithms.
    """

    name: str
    unit: str
    figures: dict[str, float]
    range_share: float
    next_low: float | None
    next_high: float | None

    @property
    def mean(self) -> float:
        """The geometric mean of the figures."""
        return statistics.geometric_mean(self.figures.values())

    def further_factor(self, device: str) -> float:
        """By what factor a figure of this device is multiplied to be what a further device could need.

        The upper end of the prediction interval, more for a device that is faster than the mean; of two
        devices by how much they differ, since nothing better is known.
        """
        if self.next_high is None:
            return 1 + self.range_share
        return self.next_high * max(1.0, self.mean / self.figures.get(device, self.mean))


def spread_between_units(cells: Iterable[Cell]) -> tuple[UnitSpread, ...]:
    """One entry for each cell, valid or suspect, that two or more devices of one model measured."""
    groups: defaultdict[tuple[object, ...], dict[str, Cell]] = defaultdict(dict)
    for cell in cells:
        if not cell.failure and cell.verdict.status != "invalid":
            key = (cell_key(cell.variant, cell.plan), model_key(cell.device))
            groups[key][cell.device.name] = cell
    found = (_spread(group) for group in groups.values() if len(group) > 1)
    return tuple(one for one in found if one)


def _spread(group: dict[str, Cell]) -> UnitSpread | None:
    first = next(iter(group.values()))
    figures = {name: figure for name, cell in group.items() if (figure := _figure(cell))}
    if len(figures) < 2:
        return None
    low = high = None
    if len(figures) >= LEAST_UNITS:
        logs = [math.log(figure) for figure in figures.values()]
        count = len(logs)
        half = student_t_quantile(0.975, count - 1) * statistics.stdev(logs) * math.sqrt(1 + 1 / count)
        low, high = math.exp(-half), math.exp(half)
    unit = "ms" if first.device.clock == "real" else "M instructions"
    range_share = max(figures.values()) / min(figures.values()) - 1
    return UnitSpread(placed_name(first), unit, figures, range_share, low, high)


def _figure(cell: Cell) -> float | None:
    if cell.device.clock != "real":
        counted = cell.instructions_per_inference
        return counted / 1e6 if counted else None
    return cell.latency.median_ns.estimate / 1e6 if cell.latency else None


def describe_units(spreads: Iterable[UnitSpread]) -> list[str]:
    """A sentence for each cell that several devices measured."""
    return [_describe(spread) for spread in spreads]


def _describe(spread: UnitSpread) -> str:
    figures = ", ".join(
        f"{name} {figure:.4g}" for name, figure in sorted(spread.figures.items(), key=lambda item: item[1])
    )
    return (
        f"Between devices: {spread.name} took {figures} {spread.unit};"
        f" the slowest {spread.range_share:.1%} more than the fastest; {describe_further(spread)}"
    )


def describe_further(spread: UnitSpread) -> str:
    """Where further devices of the model lie."""
    if spread.next_low is None or spread.next_high is None:
        return f"{LEAST_UNITS} devices would show where a further one lies"
    return (
        f"95% of further devices of this model lie within {spread.next_low - 1:+z.1%} and"
        f" {spread.next_high - 1:+z.1%} of their mean"
    )
