"""Medians, percentiles and ratios of samples, with confidence intervals.

Iterations of one process are correlated, processes are not: the process is the unit of replication, and
an interval rests on the medians of fresh processes (Kalibera & Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013). With the 5 to 20 processes one can afford, resampling them undercovers; the intervals
here come from order statistics, which assume no shape of the noise. docs/verdicts.md has the comparison.

numpy only: importing scipy costs half a second.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.analysis.sample_shape import outlier_marks
from harness.errors import MeasurementError
from harness.records import Interval, Latency, ProcessReport

CONFIDENCE = 0.95
# From this many values on, order statistics reach 95 %: the extremes of n values hold the median with
# probability 1 - 2**(1 - n).
ORDER_STATISTICS_FROM = 6
# Two-sided 95 % quantiles of Student's t for n - 1 = 1..4 degrees of freedom.
STUDENT_T = {2: 12.7062, 3: 4.3027, 4: 3.1824, 5: 2.7764}
RESAMPLES = 1000
# Percentiles resample every process after each new one: fewer draws keep that well under a second.
RESAMPLES_OF_TAILS = 200

Floats = NDArray[np.float64]


def summarize_latency(processes: Sequence[ProcessReport], *, seed: int) -> Latency:
    """Summarize the steady latencies: the median of process medians with its interval, pooled tails.

    `seed` fixes the resampling that percentiles, and the median of a single process, need.

    Raises:
        MeasurementError: there is no process, or one without a steady latency.
    """
    if not processes or not all(process.latencies_ns for process in processes):
        raise MeasurementError("there are no steady latencies to summarize")
    samples = [np.asarray(process.latencies_ns, dtype=np.float64) for process in processes]
    pooled = np.concatenate(samples)
    p90, p99 = percentile_intervals(samples, (90, 99), seed=seed)
    if len(samples) == 1:
        median = within_process_interval(samples[0], seed=seed)
    else:
        median = median_interval([float(np.median(one)) for one in samples])
    return Latency(
        median_ns=median,
        p90_ns=p90.estimate,
        p99_ns=p99.estimate,
        min_ns=int(pooled.min()),
        max_ns=int(pooled.max()),
        processes=len(samples),
        samples=pooled.size,
        p90_interval_ns=p90,
        p99_interval_ns=p99,
        outliers=sum(int(outlier_marks(one).sum()) for one in samples),
    )


# Intervals ----------------------------------------------------------------------------------------


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
    medians = np.empty(RESAMPLES)
    for resample in range(RESAMPLES):  # one at a time: all at once would need gigabytes for a long run
        medians[resample] = np.median(_resample_blocks(values, length, generator))
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
    resampled = np.empty((RESAMPLES_OF_TAILS, len(percentiles)))
    for resample in range(RESAMPLES_OF_TAILS):
        drawn = generator.integers(0, len(samples), len(samples))
        pooled = np.concatenate([_resample_blocks(samples[i], lengths[i], generator) for i in drawn])
        resampled[resample] = np.percentile(pooled, percentiles)
    estimates = np.percentile(np.concatenate(samples), percentiles)
    lows, highs = np.percentile(resampled, (2.5, 97.5), axis=0)
    return tuple(
        Interval(estimate=float(e), low=float(low), high=float(high), confidence=CONFIDENCE)
        for e, low, high in zip(estimates, lows, highs, strict=True)
    )


def _resample_blocks(values: Floats, length: int, generator: np.random.Generator) -> Floats:
    """As many values, in blocks that start anywhere and go round the end."""
    starts = generator.integers(0, values.size, (math.ceil(values.size / length), 1))
    drawn: Floats = values[(starts + np.arange(length)).ravel()[: values.size] % values.size]
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


# Two samples --------------------------------------------------------------------------------------


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
    tail = rank_sum_tail(base.shape[-1], new.shape[-1])
    depth = int(np.searchsorted(tail, (1 - CONFIDENCE) / 2, side="right"))
    confidence = CONFIDENCE if depth else float(1 - 2 * tail[0])
    edge = max(depth, 1)
    return ordered[..., edge - 1], np.median(ordered, axis=-1), ordered[..., -edge], confidence


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
