"""Medians and percentiles of samples, with confidence intervals.

Iterations of one process are correlated, processes are not: the process is the unit of replication, and
an interval rests on the medians of fresh processes (Kalibera & Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013). With the 5 to 20 processes one can afford, resampling them undercovers; the intervals
here come from order statistics, which assume no shape of the noise. docs/verdicts.md has the comparison.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.records import Interval
from harness.records.student import STUDENT_T

CONFIDENCE = 0.95
# From this many values on, order statistics reach 95 %: the extremes of n values hold the median with
# probability 1 - 2**(1 - n).
ORDER_STATISTICS_FROM = 6
RESAMPLES = 1000
# Percentiles resample every process after each new one: fewer draws keep that well under a second.
RESAMPLES_OF_TAILS = 200
# Values of resamples that are drawn at a time: as many as a processor's cache holds.
MOST_DRAWN = 30_000

Floats = NDArray[np.float64]
Ranks = NDArray[np.intp]
Values = TypeVar("Values", Floats, Ranks)


def median_interval(process_medians: Sequence[float]) -> Interval:
    """The median of two or more independent positive values, with its 95 % interval."""
    values = np.asarray(process_medians, dtype=np.float64)
    low, high = median_bounds(values)
    return Interval(
        estimate=float(np.median(values)), low=float(low), high=float(high), confidence=CONFIDENCE
    )


def median_bounds(values: Floats) -> tuple[Floats, Floats]:
    """Ends of the 95 % interval of the median along the last axis, of 2 or more positive values.

    From 6 values on: interpolated order statistics (Hettmansperger & Sheather, Statistics & Probability
    Letters 4, 1986), which hold for any continuous distribution. Below that 95 % cannot be had without
    assuming a shape: Student's t on the logarithms, which is wide, as it should be.
    """
    count = values.shape[-1]
    ordered = np.sort(values, axis=-1)
    if count < ORDER_STATISTICS_FROM:
        return _student_bounds(ordered)
    depth, weight = _interpolation(count)
    low, low_inner = ordered[..., depth - 1], ordered[..., depth]
    high, high_inner = ordered[..., count - depth], ordered[..., count - depth - 1]
    return low + weight * (low_inner - low), high - weight * (high - high_inner)


def _student_bounds(ordered: Floats) -> tuple[Floats, Floats]:
    count = ordered.shape[-1]
    # Relative to the smallest value, so that equal values give exactly [x, x].
    smallest = ordered[..., 0]
    logs = np.log(ordered / smallest[..., None])
    half_width = STUDENT_T[count] * logs.std(axis=-1, ddof=1) / math.sqrt(count)
    center = logs.mean(axis=-1)
    return smallest * np.exp(center - half_width), smallest * np.exp(center + half_width)


@cache
def _interpolation(count: int) -> tuple[int, float]:
    """Depth of the outer order statistic, and the weight of the next one inwards."""
    ways = np.array([math.comb(count, k) for k in range(count + 1)], dtype=np.float64)
    below = np.cumsum(ways) / 2.0**count
    coverage = 1 - 2 * below  # coverage[d - 1] is that of the d-th smallest to the d-th largest value
    depth = int(np.flatnonzero(coverage >= CONFIDENCE)[-1]) + 1
    outer, inner = coverage[depth - 1], coverage[depth]
    share = (outer - CONFIDENCE) / (outer - inner)
    return depth, float((count - depth) * share / (depth + (count - 2 * depth) * share))


def within_process_interval(latencies_ns: Sequence[int] | Floats, *, seed: int) -> Interval:
    """The median of one process, with the interval of that process alone: others may differ by more.

    Circular block bootstrap (Politis & Romano 1992): blocks keep neighbours together, because
    iterations are correlated.
    """
    values = np.asarray(latencies_ns, dtype=np.float64)
    length = block_length(values)
    generator = np.random.default_rng(seed)
    blocks = _resample(values, length, generator, RESAMPLES)
    medians = np.concatenate([np.median(drawn, axis=1) for drawn in blocks])
    low, high = np.percentile(medians, (2.5, 97.5))
    return Interval(
        estimate=float(np.median(values)), low=float(low), high=float(high), confidence=CONFIDENCE
    )


def percentile_intervals(
    samples: Sequence[Floats], percentiles: Sequence[float], *, seed: int
) -> tuple[Interval, ...]:
    """Percentiles of all iterations of all processes together, with their 95 % intervals.

    Hierarchical bootstrap (Davison & Hinkley, "Bootstrap Methods and their Application", 1997, 3.8):
    processes are drawn with replacement, then blocks of iterations within each one drawn.
    """
    lengths = [block_length(one) for one in samples]
    generator = np.random.default_rng(seed)
    if len(samples) == 1:
        blocks = _resample(samples[0], lengths[0], generator, RESAMPLES_OF_TAILS)
        resampled = np.concatenate([np.percentile(drawn, percentiles, axis=1).T for drawn in blocks])
    else:
        # Counting whole ranks takes a third of the time that selecting among the values again and again does.
        values = np.unique(np.concatenate(samples))
        ranks = [np.searchsorted(values, one) for one in samples]
        resampled = np.empty((RESAMPLES_OF_TAILS, len(percentiles)))
        for resample in range(RESAMPLES_OF_TAILS):
            chosen = generator.integers(0, len(samples), len(samples))
            drawn = np.concatenate([resample_blocks(ranks[i], lengths[i], generator, 1)[0] for i in chosen])
            resampled[resample] = _percentiles_of_ranks(drawn, values, percentiles)
    estimates = np.percentile(np.concatenate(samples), percentiles)
    lows, highs = np.percentile(resampled, (2.5, 97.5), axis=0)
    return tuple(
        Interval(estimate=float(e), low=float(low), high=float(high), confidence=CONFIDENCE)
        for e, low, high in zip(estimates, lows, highs, strict=True)
    )


def _percentiles_of_ranks(ranks: Ranks, values: Floats, percentiles: Sequence[float]) -> Floats:
    """`np.percentile(values[ranks], percentiles)`, for sorted values."""
    reached = np.bincount(ranks, minlength=values.size).cumsum()
    positions = (ranks.size - 1) * np.asarray(percentiles) / 100
    below = np.floor(positions).astype(np.intp)
    above = np.minimum(below + 1, ranks.size - 1)
    low, high = values[np.searchsorted(reached, np.stack([below, above]), side="right")]
    percentile: Floats = low + (high - low) * (positions - below)
    return percentile


def _resample(values: Floats, length: int, generator: np.random.Generator, times: int) -> Iterator[Floats]:
    """Rows of `resample_blocks`, some at a time: all at once would need gigabytes for a long run."""
    rows = max(1, MOST_DRAWN // values.size)
    for first in range(0, times, rows):
        yield resample_blocks(values, length, generator, min(rows, times - first))


def resample_blocks(values: Values, length: int, generator: np.random.Generator, times: int) -> Values:
    """As many values in each row, in blocks that start anywhere and go round the end."""
    starts = generator.integers(0, values.size, (times, math.ceil(values.size / length), 1))
    places = (starts + np.arange(length)).reshape(times, -1)[:, : values.size]
    round_the_end = np.concatenate([values, values[:length]])
    drawn: Values = round_the_end[places]
    return drawn


def block_length(values: Floats) -> int:
    """Length of the blocks to resample: Politis & White (2004) with an AR(1) fitted to the series."""
    rho = min(max(autocorrelation(values), 0.0), 0.97)
    length = (6 * rho**2 / (1 - rho**2) ** 2) ** (1 / 3) * values.size ** (1 / 3)
    return int(max(1, min(math.ceil(length), values.size // 3)))


def autocorrelation(values: Floats) -> float:
    """Correlation of neighbouring iterations, of their ranks, so that a spike does not hide it."""
    if values.size < 3 or np.ptp(values) == 0:
        return 0.0
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") - (values.size - 1) / 2
    return float(ranks[1:] @ ranks[:-1] / (ranks @ ranks))
