"""Checks of the samples: each returns a sentence with figures, or None.

Thresholds are the constants at the top; docs/verdicts.md gives the source of each.
"""

import numpy as np

from harness.analysis.interval_text import describe_width
from harness.analysis.quantities import milliseconds
from harness.analysis.sample_shape import outlier_marks, split_modes, trend
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence, change_within
from harness.records import Clock

MIN_PROCESSES: dict[Clock, int] = {"real": 5, "virtual": 2, "emulated": 2}
MAX_RELATIVE_HALF_WIDTH = 0.03
DRIFT_P_VALUE = 0.02
DRIFT_BETWEEN_PROCESSES = 0.03
DRIFT_WITHIN_PROCESS = 0.05
MIN_ITERATIONS_FOR_SHAPE = 30
MIN_PROCESSES_FOR_SHAPE = 8
MODES_EXPLAINED_ITERATIONS = 0.85
MODES_EXPLAINED_PROCESSES = 0.93
MODES_SEPARATION = 0.03
MODES_SMALLER_SHARE = 0.15
INTERRUPTED_TIMES = 1.5
INTERRUPTED_SHARE = 0.05


@check(
    "suspect",
    affects="uncertainty",
    threshold="under 5 processes, 2 where the clock is not real",
    fix="start more processes: --processes 5",
)
def too_few_processes(evidence: Evidence) -> str | None:
    """Iterations of one process do not show how processes differ."""
    needed = MIN_PROCESSES[evidence.device.clock]
    if evidence.failure or len(evidence.processes) >= needed:
        return None
    found = len(evidence.processes)
    return f"{found} process{'es' * (found != 1)}, at least {needed} are needed"


@check(
    "suspect",
    affects="uncertainty",
    threshold=f"an interval of more than ±{MAX_RELATIVE_HALF_WIDTH:.0%} of the median",
    fix="start more processes (--max-rounds), on an idle and cool device",
)
def interval_too_wide(evidence: Evidence) -> str | None:
    """The median is not known well enough to compare it."""
    if not evidence.timed or evidence.latency is None:
        return None
    median = evidence.latency.median_ns
    if median.relative_half_width <= MAX_RELATIVE_HALF_WIDTH:
        return None
    width = describe_width(median, milliseconds)
    return f"the interval of the median is {width}, wider than ±{MAX_RELATIVE_HALF_WIDTH:.0%}"


@check(
    "suspect",
    affects="time",
    threshold=f"process medians that change by {DRIFT_BETWEEN_PROCESSES:.0%} from first to last",
    fix="let the device cool longer: --cool-within, --max-cooling",
)
def drifted(evidence: Evidence) -> str | None:
    """The device became slower or faster while it was measured."""
    between = trend([float(np.median(p.latencies_ns)) for p in evidence.timed])
    if between.p_value <= DRIFT_P_VALUE and abs(between.relative_change) >= DRIFT_BETWEEN_PROCESSES:
        return (
            f"process medians changed by {between.relative_change:+z.1%} from first to last "
            f"(p = {between.p_value:.3f})"
        )
    within = [change_within(p) for p in evidence.timed]
    typical = float(np.median(within)) if within else 0.0
    if abs(typical) >= DRIFT_WITHIN_PROCESS and all(change * typical > 0 for change in within):
        return f"each process changes speed while it runs, by {typical:+z.1%} from its first to last third"
    return None


@check(
    "suspect",
    affects="uncertainty",
    threshold=f"two groups of times {MODES_SEPARATION:.0%} apart",
    fix="pin the threads to one kind of core: --cores big",
)
def bimodal(evidence: Evidence) -> str | None:
    """The samples fall in two groups, and the median is that of the larger one."""
    modes = [
        split_modes(p.latencies_ns) for p in evidence.timed if len(p.latencies_ns) >= MIN_ITERATIONS_FOR_SHAPE
    ]
    split = [
        m
        for m in modes
        if m.explained >= MODES_EXPLAINED_ITERATIONS
        and m.separation >= MODES_SEPARATION
        and m.smaller_share >= MODES_SMALLER_SHARE
    ]
    if len(split) > len(modes) / 2:
        apart = float(np.median([m.separation for m in split]))
        return f"iterations have two speeds {apart:.1%} apart in {len(split)} of {len(modes)} processes"
    medians = [float(np.median(p.latencies_ns)) for p in evidence.timed]
    if len(medians) < MIN_PROCESSES_FOR_SHAPE:
        return None
    found = split_modes(medians)
    if (
        found.explained >= MODES_EXPLAINED_PROCESSES
        and found.separation >= MODES_SEPARATION
        and found.smaller_share >= MODES_SMALLER_SHARE
    ):
        return f"processes have two speeds {found.separation:.1%} apart ({found.smaller_share:.0%} in one)"
    return None


@check(
    "suspect",
    affects="uncertainty",
    threshold=f"over {INTERRUPTED_SHARE:.0%} of the inferences {INTERRUPTED_TIMES:g} times slower",
    fix="stop what else runs on the device, or use fewer threads than cores",
)
def interrupted(evidence: Evidence) -> str | None:
    """Interruptions made a large share of the iterations slow: p90 and p99 are not the program's."""
    samples = [np.asarray(p.latencies_ns) for p in evidence.timed]
    slow = sum(int((one > INTERRUPTED_TIMES * np.median(one)).sum()) for one in samples)
    share = slow / max(1, sum(one.size for one in samples))
    if share <= INTERRUPTED_SHARE:
        return None
    return f"{share:.0%} of the iterations took over {INTERRUPTED_TIMES} times the median of their process"


@check(
    "info",
    affects="uncertainty",
    threshold="single inferences far from the median",
    fix="nothing: they are kept and counted, the median hardly moves",
)
def outliers(evidence: Evidence) -> str | None:
    """Single iterations are far from the median of their process; they are kept."""
    marked = sum(int(outlier_marks(p.latencies_ns).sum()) for p in evidence.timed)
    samples = sum(len(p.latencies_ns) for p in evidence.timed)
    return f"{marked:,} of {samples:,} samples are outliers ({marked / samples:.1%})" if marked else None
