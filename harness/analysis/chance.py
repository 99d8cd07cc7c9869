"""How probable it is that a cell meets a budget, from the spread of its processes and images."""

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.analysis.budget import Budget
from harness.analysis.intervals import Floats
from harness.analysis.known_accuracy import KnownAccuracy
from harness.analysis.paced_figures import period_to_keep_ns, response_p99_ns
from harness.analysis.process_figures import (
    instruction_counts,
    latency_medians_ns,
    peaks_rss_bytes,
    startups_ns,
)
from harness.analysis.tails import binomial_tail, student_t_cdf
from harness.records import Cell, Interval

RESAMPLED_FROM = 5
Indices = NDArray[np.intp]
_NORMAL = NormalDist()


def chance_within(cell: Cell, accuracy: KnownAccuracy | None, budget: Budget) -> float | None:
    """The probability that the true figures keep every limit; None without limits, or where one is unknown.

    Of a paced cell its rate is one of the limits.

    The errors of latency, memory and accuracy come from different causes, so that their chances multiply.
    """
    period_ns = period_to_keep_ns(cell)
    chances = [
        chance
        for limit, chance in (
            (budget.max_latency_ns, _latency_at_most(cell, budget)),
            (budget.max_p90_ns, _interval_at_most(_tail(cell, "p90"), budget.max_p90_ns)),
            (budget.max_p99_ns, _interval_at_most(_tail(cell, "p99"), budget.max_p99_ns)),
            (period_ns, _interval_at_most(response_p99_ns(cell), period_ns)),
            (budget.max_startup_ns, _at_most(startups_ns(cell), budget.max_startup_ns)),
            (budget.max_instructions, _at_most(instruction_counts(cell), budget.max_instructions)),
            (budget.max_memory_bytes, _at_most(peaks_rss_bytes(cell), budget.max_memory_bytes)),
            (budget.max_size_bytes, _fits(cell.artifact.size_bytes, budget.max_size_bytes)),
            (budget.max_energy_joules, _interval_at_most(_energy(cell), budget.max_energy_joules)),
            (budget.min_accuracy, _at_least(accuracy, budget.min_accuracy)),
        )
        if limit is not None
    ]
    known = [chance for chance in chances if chance is not None]
    return math.prod(known) if known and len(known) == len(chances) else None


def chance_median_at_most(values: Sequence[float], limit: float) -> float:
    """The probability that the median behind independent positive values is at most `limit`.

    The smoothed bootstrap of the median (Silverman & Young, Biometrika 74, 1987), on the logarithms: without
    smoothing, few processes give few different medians. It is not simulated: `resampled_medians` has the
    probability of each median. Below five values resampling is too sure, and Student's t of the logarithms
    stands in. `make bench-decision` prints how often the probability is right.
    """
    logs = np.sort(np.log(np.asarray(values, dtype=np.float64)))
    target = math.log(limit)
    if np.ptp(logs) == 0:
        return float(logs[0] <= target)
    spread = float(np.std(logs, ddof=1))
    if logs.size < RESAMPLED_FROM:
        distance = (target - float(np.mean(logs))) / (spread / math.sqrt(logs.size))
        return student_t_cdf(distance, logs.size - 1)
    low, high, weights = resampled_medians(logs.size)
    medians = (logs[low] + logs[high]) / 2
    below = [_NORMAL.cdf(distance) for distance in (target - medians) / (spread / logs.size)]
    return float(weights @ below)


@cache
def resampled_medians(count: int) -> tuple[Indices, Indices, Floats]:
    """The medians that a resample of `count` sorted values can have, and the probability of each.

    A median is the mean of two values, given by their indices, which are equal where `count` is odd. The
    probabilities are those of order statistics of draws with replacement (Maritz & Jarrett, Journal of the
    American Statistical Association 73, 1978).
    """
    half = count // 2
    up_to = np.arange(count + 1) / count
    wanted = half + 1 if count % 2 else half
    at_least = [binomial_tail(wanted, count, share) for share in up_to]
    alone = np.diff(at_least)
    if count % 2:
        each = np.arange(count)
        return each, each, alone
    # The lower of the two middle draws is value i and the upper one value j: half of the draws are at most
    # i, one of them i itself, and the others at least j.
    lower, upper = np.diff(up_to**half), -np.diff((1 - up_to) ** half)
    both = np.triu(math.comb(count, half) * np.outer(lower, upper), 1)
    both += np.diag(alone - both.sum(axis=1))
    low, high = np.nonzero(both)
    return low, high, both[low, high]


def _at_most(values: Sequence[float], limit: float | None) -> float | None:
    if limit is None or not values:
        return None
    return chance_median_at_most(values, limit) if len(values) > 1 else float(values[0] <= limit)


def _latency_at_most(cell: Cell, budget: Budget) -> float | None:
    """One process, as a sustained run is, has only the interval of its own iterations."""
    limit = budget.max_latency_ns
    if budget.sustained:
        figures = cell.sustained and cell.sustained.figures
        return _interval_at_most(figures.plateau_ns if figures else None, limit)
    medians = latency_medians_ns(cell)
    if len(medians) > 1:
        return _at_most(medians, limit)
    return _interval_at_most(cell.latency.median_ns if cell.latency else None, limit)


def _interval_at_most(interval: Interval | None, limit: float | None) -> float | None:
    """Of the normal distribution of the logarithm that this side of the interval stands for."""
    if limit is None or interval is None or interval.low <= 0:
        return None
    quantile = _NORMAL.inv_cdf((1 + interval.confidence) / 2)
    end = interval.high if limit >= interval.estimate else interval.low
    deviation = abs(math.log(end / interval.estimate)) / quantile if quantile else 0.0
    distance = math.log(limit / interval.estimate)
    return _NORMAL.cdf(distance / deviation) if deviation else float(distance >= 0)


def _tail(cell: Cell, which: Literal["p90", "p99"]) -> Interval | None:
    if cell.latency is None:
        return None
    return cell.latency.p90_interval_ns if which == "p90" else cell.latency.p99_interval_ns


def _energy(cell: Cell) -> Interval | None:
    figures = cell.energy and cell.energy.figures
    return figures.net_joules if figures else None


def _at_least(accuracy: KnownAccuracy | None, minimum: float | None) -> float | None:
    """The score test behind Wilson's interval; a published figure is taken as it is."""
    if minimum is None or accuracy is None:
        return None
    if not accuracy.images:
        return float(accuracy.estimate >= minimum)
    deviation = math.sqrt(minimum * (1 - minimum) / accuracy.images)
    if not deviation:
        return float(accuracy.estimate >= minimum)
    return _NORMAL.cdf((accuracy.estimate - minimum) / deviation)


def _fits(value: int, limit: int | None) -> float | None:
    return None if limit is None else float(value <= limit)
