"""Places on an axis in percent of its width, so that bars fit every screen without being drawn again."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reports.figures import Estimate

Item = TypeVar("Item")


@dataclass(frozen=True)
class Bar:
    """An estimate and its interval on an axis, in percent of its width."""

    low: float
    value: float
    high: float

    @property
    def width(self) -> float:
        """Of the interval."""
        return round(self.high - self.low, 3)


@dataclass(frozen=True)
class Axis:
    """A linear axis from `low` to `high`."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """In percent of the axis, cut at both ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def bar(self, estimate: Estimate) -> Bar:
        """The estimate and its interval."""
        return Bar(*(self.place(value) for value in (estimate.low, estimate.value, estimate.high)))


def axis_over(values: Iterable[float], *, room: float = 0.0) -> Axis:
    """From the smallest to the largest value, with that share of room at both ends; never without a width."""
    found = list(values)
    low, high = min(found), max(found)
    margin = (high - low) * room or (abs(high) * 0.05 or 1.0) * (high == low)
    return Axis(low - margin, high + margin)


def axis_from_zero(values: Iterable[float]) -> Axis:
    """From zero to the largest value."""
    return Axis(0.0, max(values, default=0.0) or 1.0)


def place_bars(estimates: Sequence[Estimate | None]) -> list[Bar | None]:
    """Bars on one axis from zero; None where there is no estimate."""
    axis = axis_from_zero(estimate.high for estimate in estimates if estimate)
    return [axis.bar(estimate) if estimate else None for estimate in estimates]


def ticks(axis: Axis, count: int = 5) -> tuple[float, ...]:
    """Round values over the axis, at steps of 1, 2 or 5 times a power of ten."""
    span = axis.high - axis.low
    power = 10.0 ** math.floor(math.log10(span / count))
    sizes = (power, 2 * power, 5 * power, 10 * power)
    step = next((size for size in sizes if span / size <= count), sizes[-1])
    first, last = -(-axis.low // step), axis.high // step
    return tuple(round(index * step, 12) for index in range(int(first), int(last) + 1))


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """All items, or `most` of them, evenly over their order with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]
