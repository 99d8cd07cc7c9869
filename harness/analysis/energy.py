"""What windows of power come to: energy of one inference with and without the idle device, and an interval.

Neighbouring values of a sensor depend on each other, because power moves slowly and sensors average. Blocks
of them are resampled (circular block bootstrap, Politis & Romano 1992), of a fixed share of the window: the
fewer independent blocks there are, the wider is Student's distribution that the interval's ends are taken
from. Resampled blocks still vary less than the mean does, by what an autoregressive series of the same
correlation gives; the deviations are enlarged by that. `tests/benchmarks/bench_energy.py` counts coverage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.intervals import CONFIDENCE, RESAMPLES, Floats
from harness.errors import MeasurementError
from harness.records import EnergyFigures, EnergyRun, EnergyWindow, Interval

# Blocks in a window: enough for a distribution, and each longer than the correlation of a second's readings.
BLOCKS = 5
HIGHEST_CORRELATION = 0.95
# No correlation leaves less than this share of the variance within a window of at least twenty values.
LEAST_LEFT = 0.5
# Two-sided 95 % quantiles of Student's t for 3 to 15 degrees of freedom, and of the normal distribution.
STUDENT_T = (3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
STUDENT_FROM, NORMAL = 3, 1.960


@dataclass(frozen=True)
class _Deviations:
    """By how much resampled means differ from that of the window, and what these rest on."""

    values: Floats
    variance: float
    freedom: float


def summarize_energy(run: EnergyRun, *, seed: int) -> EnergyFigures:
    """The figures of a run.

    Raises:
        MeasurementError: under load the device took no more power than idle.
    """
    power, idle = run.load.mean_watts, run.idle_watts
    seconds_each = run.load.seconds / run.inferences
    if power <= idle:
        raise MeasurementError(
            f"{run.source.name} shows {power:.3g} W under load and {idle:.3g} W idle, which is not less"
        )
    low, high = net_watts_bounds(run, seed=seed)
    return EnergyFigures(
        net_joules=Interval(
            estimate=(power - idle) * seconds_each,
            low=low * seconds_each,
            high=high * seconds_each,
            confidence=CONFIDENCE,
        ),
        gross_joules=power * seconds_each,
        mean_watts=power,
        idle_before_watts=run.idle_before.mean_watts,
        idle_after_watts=run.idle_after.mean_watts,
    )


def net_watts_bounds(run: EnergyRun, *, seed: int) -> tuple[float, float]:
    """Ends of the 95 % interval of the power under load without the mean of both idle ones."""
    windows = ((run.load, 1.0), (run.idle_before, -0.5), (run.idle_after, -0.5))
    correlation = _correlation([window for window, _ in windows])
    generator = np.random.default_rng(seed)
    parts = [_resample(window, weight, correlation, generator) for window, weight in windows]
    variance = sum(part.variance for part in parts)
    net = run.load.mean_watts - run.idle_watts
    if variance == 0:
        return net, net
    # Welch and Satterthwaite: of a sum of variances, each known from few blocks.
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    deviations = sum((part.values for part in parts), np.zeros(RESAMPLES))
    low, high = np.percentile(deviations * student_t(freedom) / NORMAL, (2.5, 97.5))
    # The ends are reflected, as those of a distribution around the estimate and not around the truth.
    return net - float(high), net - float(low)


def student_t(freedom: float) -> float:
    """The quantile for that many degrees of freedom; below three that for three."""
    at = math.floor(freedom) - STUDENT_FROM
    return STUDENT_T[min(max(at, 0), len(STUDENT_T) - 1)]


def _resample(
    window: EnergyWindow, weight: float, correlation: float, generator: np.random.Generator
) -> _Deviations:
    seconds, watts = np.asarray(window.span_seconds), np.asarray(window.watts)
    count = watts.size
    length = math.ceil(count / BLOCKS)
    starts = generator.integers(0, count, (RESAMPLES, BLOCKS, 1))
    drawn = ((starts + np.arange(length)).reshape(RESAMPLES, -1)[:, :count]) % count
    means = (seconds[drawn] * watts[drawn]).sum(axis=1) / seconds[drawn].sum(axis=1)
    whole = _inflation(correlation, count)
    lost = whole / _inflation(correlation, length) / (1 - min(whole / count, LEAST_LEFT))
    values = weight * (means - window.mean_watts) * math.sqrt(lost)
    return _Deviations(values, float(values.var()), count / length - 1)


def _inflation(correlation: float, count: int) -> float:
    """By what the variance of the mean of an AR(1) series exceeds that of independent values."""
    lags = np.arange(1, count)
    return float(1 + 2 * ((1 - lags / count) * correlation**lags).sum())


def _correlation(windows: Sequence[EnergyWindow]) -> float:
    """Of neighbouring values in all windows, from 0; corrected for its bias (Kendall 1954)."""
    product = square = 0.0
    for window in windows:
        watts = np.asarray(window.watts) - np.mean(window.watts)
        if spread := float(watts.std()):
            watts = watts / spread
            product += float((watts[1:] * watts[:-1]).sum())
            square += float((watts**2).sum())
    if not square:
        return 0.0
    found = product / square
    mean_count = sum(window.updates for window in windows) / len(windows)
    return min(max(found + (1 + 4 * found) / mean_count, 0.0), HIGHEST_CORRELATION)
