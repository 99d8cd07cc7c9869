"""How many times as large one side of pairs is as the other, with a confidence interval and a test.

The sides of a pair were measured one after the other: whatever slowly changes the device changes both.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from harness.analysis.intervals import CONFIDENCE, Floats
from harness.records import Interval

# With fewer pairs no interval of ranks reaches 95 %.
FEWEST_PAIRS = 6


def paired_ratio_interval(base: Sequence[float], new: Sequence[float]) -> Interval:
    """How many times as large `new` is in the pairs (base[i], new[i]) of positive values, at 95 %.

    The Hodges-Lehmann estimate on the logarithms of the ratios, the median of their pairwise means, with
    the interval that inverts the exact Wilcoxon signed-rank test (Hollander, Wolfe & Chicken,
    "Nonparametric Statistical Methods", 3.1-3.3). The test needs ratios that are as often above as below
    their center: where both sides are alike, drawing the order inside each pair makes them so. With fewer
    than 6 pairs `confidence` says what the extremes reach.
    """
    low, estimate, high, confidence = paired_ratio_bounds(
        np.asarray(base, dtype=np.float64), np.asarray(new, dtype=np.float64)
    )
    return Interval(estimate=float(estimate), low=float(low), high=float(high), confidence=confidence)


def paired_ratio_bounds(base: Floats, new: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Low end, estimate and high end of new/base along the last axis, and the confidence reached."""
    logs = np.log(new / base)
    first, second = np.triu_indices(logs.shape[-1])
    means = np.sort((logs[..., first] + logs[..., second]) / 2, axis=-1)
    depth, confidence = _depth(logs.shape[-1])
    return (
        np.exp(means[..., depth - 1]),
        np.exp(np.median(means, axis=-1)),
        np.exp(means[..., -depth]),
        confidence,
    )


def paired_beyond_chance(base: Sequence[float], new: Sequence[float], timed_cells: int) -> bool:
    """Bonferroni, as `comparison_rule.beyond_chance`, with the one-sided exact signed-rank p-value.

    Ratios of exactly 1 count against `new` being larger. If `new` is larger in every pair, that suffices:
    few pairs cannot give a smaller p-value.
    """
    logs = np.log(np.asarray(new, dtype=np.float64) / np.asarray(base, dtype=np.float64))
    ranks = 1 + np.argsort(np.argsort(np.abs(logs), kind="stable"), kind="stable")
    against = int(ranks[logs <= 0].sum())
    tail = signed_rank_tail(logs.size)
    return float(tail[against]) <= max((1 - CONFIDENCE) / 2 / timed_cells, float(tail[0]))


def _depth(pairs: int) -> tuple[int, float]:
    """Which of the sorted means, counted from 1 at both ends, bound the interval, and its confidence."""
    tail = signed_rank_tail(pairs)
    depth = int(np.searchsorted(tail, (1 - CONFIDENCE) / 2, side="right"))
    return (depth, CONFIDENCE) if depth else (1, float(1 - 2 * tail[0]))


@cache
def signed_rank_tail(pairs: int) -> Floats:
    """P(T <= t) for t = 0.. of the signed-rank statistic of that many pairs when both sides are alike."""
    ways = np.zeros(pairs * (pairs + 1) // 2 + 1)
    ways[0] = 1
    for rank in range(1, pairs + 1):
        ways[rank:] += ways[:-rank].copy()
    tail: Floats = np.cumsum(ways) / math.pow(2, pairs)
    return tail
