"""Where the level of a noisy series changes for good.

Optimal partitioning (Jackson et al., "An algorithm for optimal partitioning of data on an interval", IEEE
Signal Processing Letters 12, 2005) finds the best segments exactly, under a penalty for each change. The loss
of a value is bounded (Fearnhead & Rigaill, "Changepoint detection in the presence of outliers", JASA 114,
2019): an outlier of any size costs less than a change, so that no single value makes one. Binary
segmentation, as in E-divisive, would miss a step that is taken back.

The noise is estimated from neighbours, which steps hardly touch, and is never below what the measurements
themselves are known to be uncertain by.
"""

import math
from bisect import insort
from collections.abc import Sequence

import numpy as np

from harness.analysis.intervals import Floats

# Residuals beyond this many standard deviations count as this many.
BOUND_SD = 4.0
# Of series with normal noise and no change this share gets one.
FALSE_ALARMS = 0.003
# Shorter series cannot tell a step from their own noise.
MIN_VALUES = 6
# The penalty that keeps FALSE_ALARMS, by the number of values: simulated by `bench_trends.py`.
PENALTIES = {6: 75.0, 8: 52.0, 10: 46.0, 14: 46.0, 20: 36.0, 30: 31.0, 60: 28.0, 120: 26.0}


def find_changes(values: Sequence[float], *, noise_floor: float) -> tuple[int, ...]:
    """The index of the first value of each new segment, in order; none for fewer than MIN_VALUES values.

    `noise_floor` is the smallest standard deviation that the noise can have, in the unit of the values.
    """
    if len(values) < MIN_VALUES:
        return ()
    series = np.asarray(values, dtype=np.float64)
    if np.ptp(series) == 0:  # The search would take as long as with noise.
        return ()
    noise = max(estimate_noise(series), noise_floor)
    if noise == 0:
        return exact_changes(values)
    return _partition(segment_costs(series / noise), penalty_for(len(values)))


def exact_changes(values: Sequence[float], *, tolerance: float = 0.0) -> tuple[int, ...]:
    """Where a value that has no noise differs from the segment's first by more than a share of it."""
    changes: list[int] = []
    first = values[0] if values else 0.0
    for index, value in enumerate(values):
        if abs(value - first) > tolerance * abs(first):
            changes.append(index)
            first = value
    return tuple(changes)


def estimate_noise(series: Floats) -> float:
    """The standard deviation of the noise from differences of neighbours, without the largest ones.

    Two of the largest are left out for one step or outlier, and a tenth of the rest for more of them.
    """
    differences = np.sort(np.abs(np.diff(series)))
    kept = differences[: max(1, differences.size - 2 - differences.size // 10)]
    return float(kept.mean()) * math.sqrt(math.pi) / 2


def penalty_for(count: int) -> float:
    """The penalty for series of this many values, interpolated."""
    return float(np.interp(count, list(PENALTIES), list(PENALTIES.values())))


def segment_costs(series: Floats) -> Floats:
    """`costs[first, end]` is the bounded loss of `series[first:end]` around its own median."""
    count = series.size
    costs = np.zeros((count, count + 1))
    # Sums of squares of large values would lose digits.
    centred = series - np.median(series) if count else series
    for first in range(count):
        costs[first, first + 1 :] = _costs_of_prefixes(centred[first:])
    return costs


def _costs_of_prefixes(values: Floats) -> Floats:
    """The bounded loss of each prefix around its median: from sums, where no residual reaches the bound.

    Each residual of each segment would take a year's series a quarter of a second, and there are thousands.
    """
    middles = _running_medians(values)
    lengths = np.arange(1, values.size + 1)
    costs = np.cumsum(values * values) - 2 * middles * np.cumsum(values) + lengths * middles * middles
    above = np.maximum.accumulate(values) - middles
    below = middles - np.minimum.accumulate(values)
    bounded = np.flatnonzero(np.maximum(above, below) > BOUND_SD)
    if bounded.size:
        residuals = values[np.newaxis, : bounded[-1] + 1] - middles[bounded, np.newaxis]
        losses = np.minimum(residuals * residuals, BOUND_SD**2)
        costs[bounded] = np.where(lengths[: bounded[-1] + 1] <= lengths[bounded, np.newaxis], losses, 0).sum(
            1
        )
    return np.maximum(costs, 0)


def _running_medians(values: Floats) -> Floats:
    """The median of each prefix."""
    ordered: list[float] = []
    medians = []
    for value in values.tolist():
        insort(ordered, value)
        medians.append((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)
    return np.array(medians)


def _partition(costs: Floats, penalty: float) -> tuple[int, ...]:
    """The starts of the segments but the first that minimize the loss plus a penalty for each change."""
    count = costs.shape[0]
    best = np.zeros(count + 1)
    best[0] = -penalty
    previous = np.zeros(count + 1, dtype=np.int64)
    for end in range(1, count + 1):
        totals = best[:end] + costs[:end, end] + penalty
        previous[end] = int(totals.argmin())
        best[end] = totals[previous[end]]
    starts = []
    end = int(previous[count])
    while end > 0:
        starts.append(end)
        end = int(previous[end])
    return tuple(reversed(starts))
