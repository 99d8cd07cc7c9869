"""Latency and startup of a cell: what the processes of one variant on one device have in common."""

from collections.abc import Sequence

import numpy as np

from harness.analysis.intervals import median_interval, percentile_intervals, within_process_interval
from harness.analysis.sample_shape import outlier_marks
from harness.errors import MeasurementError
from harness.records import ColdProcess, Interval, Latency, ProcessReport, Startup
from harness.records.launches import lower_median


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


def summarize_startup(processes: Sequence[ProcessReport | ColdProcess]) -> Startup | None:
    """Medians over processes with the interval that latency has; None without a process."""
    if not processes:
        return None
    counts = [one.init_instructions for one in processes if isinstance(one, ProcessReport)]
    return Startup(
        load_ns=_median([process.load_ns for process in processes]),
        init_ns=_median([process.init_ns for process in processes]),
        first_ns=_median([process.first_ns for process in processes]),
        total_ns=_median([process.load_ns + process.init_ns + process.first_ns for process in processes]),
        init_instructions=lower_median(counts),
    )


def _median(values: Sequence[int]) -> Interval:
    if len(values) > 1:
        return median_interval(values)
    (only,) = values
    return Interval(estimate=only, low=only, high=only, confidence=0.0)
