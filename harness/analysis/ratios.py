"""How many times as large one sample is as another, with a confidence interval and a test."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from harness.analysis.intervals import CONFIDENCE, Floats
from harness.records import Interval


def ratio_interval(base: Sequence[float] | Floats, new: Sequence[float] | Floats) -> Interval:
    """How many times as large the values of `new` are, with a 95 % interval.

    The Hodges-Lehmann estimate, the median of all pairwise ratios, with the interval that inverts the
    exact Mann-Whitney test (Hollander, Wolfe & Chicken, "Nonparametric Statistical Methods", 4.2-4.3):
    exact for any noise that both sides share, and hardly moved by one disturbed process. With too few
    values for 95 % (less than 4 on each side) `confidence` says what the extremes reach.
    """
    low, estimate, high, confidence = ratio_bounds(
        np.asarray(base, dtype=np.float64), np.asarray(new, dtype=np.float64)
    )
    return Interval(estimate=float(estimate), low=float(low), high=float(high), confidence=confidence)


def ratio_bounds(base: Floats, new: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Low end, estimate and high end of new/base along the last axis, and the confidence reached."""
    ratios = new[..., :, None] / base[..., None, :]
    ordered = np.sort(ratios.reshape(*ratios.shape[:-2], -1), axis=-1)
    depth, confidence = ratio_depth(base.shape[-1], new.shape[-1])
    return ordered[..., depth - 1], np.median(ordered, axis=-1), ordered[..., -depth], confidence


def ratio_depth(base: int, new: int) -> tuple[int, float]:
    """Which of the sorted ratios, counted from 1 at both ends, bound the interval, and its confidence.

    For samples of that many values on each side.
    """
    tail = rank_sum_tail(base, new)
    depth = int(np.searchsorted(tail, (1 - CONFIDENCE) / 2, side="right"))
    return (depth, CONFIDENCE) if depth else (1, float(1 - 2 * tail[0]))


@cache
def rank_sum_tail(first: int, second: int) -> Floats:
    """P(U <= u) for u = 0.. of the Mann-Whitney statistic when both samples are alike."""
    ways = np.zeros((first + 1, first * second + 1))
    ways[0, 0] = 1
    for rank in range(first + second):
        for chosen in range(min(first, rank + 1), 0, -1):
            shift = rank - (chosen - 1)  # how many of the second sample lie below
            if shift <= second:
                ways[chosen, shift:] += ways[chosen - 1, : ways.shape[1] - shift]
    tail: Floats = np.cumsum(ways[first]) / math.comb(first + second, first)
    return tail


def probability_not_larger(base: Floats, new: Floats) -> float:
    """One-sided exact Mann-Whitney p-value for `new` being larger than `base`; ties count against it."""
    not_larger = int((new[:, None] <= base[None, :]).sum())
    return float(rank_sum_tail(base.size, new.size)[not_larger])
