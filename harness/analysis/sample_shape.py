"""What a median hides: trends over time, two speeds, outliers."""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Iglewicz & Hoaglin, "How to detect and handle outliers" (1993): modified z-score over 3.5.
OUTLIER_SCORE = 3.5
# A clock that ticks in equal steps has a MAD of 0; what is within 0.1 % of the median is never an outlier.
SMALLEST_SPREAD = 0.001

Floats = NDArray[np.float64]


class Trend(NamedTuple):
    """A monotone change over time: its size from first to last relative to the median, and its p-value."""

    relative_change: float
    p_value: float


def trend(values: Sequence[float]) -> Trend:
    """Mann-Kendall test (exact) with the Theil-Sen slope, of values in the order of time.

    Mann, Econometrica 13 (1945); Sen, JASA 63 (1968). Fewer than 3 values have no trend.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.size < 3:
        return Trend(0.0, 1.0)
    earlier, later = np.triu_indices(series.size, 1)
    differences = series[later] - series[earlier]
    slope = float(np.median(differences / (later - earlier)))
    rising, falling = int((differences > 0).sum()), int((differences < 0).sum())
    # Ties count as undecided pairs, which can only raise the p-value.
    against = math.ceil((differences.size - abs(rising - falling)) / 2)
    p_value = min(1.0, 2 * float(_inversion_tail(series.size)[against]))
    return Trend(slope * (series.size - 1) / float(np.median(series)), p_value)


@cache
def _inversion_tail(count: int) -> Floats:
    """P(at most k inversions) in a random permutation, k = 0.."""
    probabilities = np.ones(1)
    for size in range(2, count + 1):
        probabilities = np.convolve(probabilities, np.full(size, 1 / size))
    tail: Floats = np.cumsum(probabilities)
    return tail


class Modes(NamedTuple):
    """The best split of values in two groups."""

    explained: float
    """Share of the variance between the groups: 0.64 for a normal distribution, 1 for two spikes."""
    separation: float
    """Distance of the group means relative to the lower one."""
    smaller_share: float
    """Share of the values in the smaller group."""


def split_modes(values: Sequence[float] | Floats) -> Modes:
    """Split values in the two groups that explain most of their variance (Otsu 1979).

    The outer 5 % on either side are drawn in first, so that a few interruptions do not make a group.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    ordered = np.clip(ordered, *np.percentile(ordered, (5, 95)))
    count = ordered.size
    total = float(((ordered - ordered.mean()) ** 2).sum())
    if count < 2 or total <= (1e-9 * ordered.mean()) ** 2 * count:
        return Modes(0.0, 0.0, 0.0)
    below = np.arange(1, count)
    sums = np.cumsum(ordered)
    low = sums[:-1] / below
    high = (sums[-1] - sums[:-1]) / (count - below)
    between = below * (count - below) / count * (high - low) ** 2
    best = int(between.argmax())
    return Modes(
        explained=float(between[best]) / total,
        separation=float(high[best] / low[best] - 1),
        smaller_share=min(best + 1, count - best - 1) / count,
    )


def outlier_marks(values: Sequence[int] | Floats) -> NDArray[np.bool_]:
    """Which values lie far from the median, by the modified z-score; they are kept, only marked."""
    series = np.asarray(values, dtype=np.float64)
    center = float(np.median(series))
    spread = 1.4826 * float(np.median(np.abs(series - center)))
    marks: NDArray[np.bool_] = np.abs(series - center) > OUTLIER_SCORE * max(spread, SMALLEST_SPREAD * center)
    return marks
