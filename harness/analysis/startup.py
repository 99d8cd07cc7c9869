"""What starting costs: loading, initializing and the first inference of fresh processes."""

from collections.abc import Sequence

from harness.analysis.intervals import median_interval
from harness.records import Interval, ProcessReport, Startup


def summarize_startup(processes: Sequence[ProcessReport]) -> Startup | None:
    """Medians over processes with the interval that latency has; None without a process."""
    if not processes:
        return None
    return Startup(
        load_ns=_median([process.load_ns for process in processes]),
        init_ns=_median([process.init_ns for process in processes]),
        first_ns=_median([process.first_ns for process in processes]),
        total_ns=_median([process.load_ns + process.init_ns + process.first_ns for process in processes]),
    )


def _median(values: Sequence[int]) -> Interval:
    if len(values) > 1:
        return median_interval(values)
    (only,) = values
    return Interval(estimate=only, low=only, high=only, confidence=0.0)
