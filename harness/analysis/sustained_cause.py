"""What of a device fell when a sustained run became slower: a clock, else a status that rose meanwhile."""

import numpy as np

from harness.analysis.held_clocks import clusters_of
from harness.records import ConditionsSample, DeviceInfo, Fell, SustainedRun
from harness.system.cpu_list import format_cpu_list

# Before and after a drop: short enough to be of that time, and long enough for some samples, which runs of
# hours have as seldom as every twelve seconds.
WINDOW_S, FEWEST_SAMPLES = 10, 2
# As `throttled` has it.
CLOCK_FALL = 0.05
THROTTLED_SINCE_BOOT = 0xF0000
THROTTLED_NOW = 0xF


def find_cause(run: SustainedRun, device: DeviceInfo, second: int) -> tuple[Fell | None, str | None]:
    """What fell at that second, or None and the reason why that is unknown."""
    if device.clock != "real":
        return None, f"the device's clock is {device.clock}: nothing of it can fall"
    clocks = _clocks(run, device, second)
    if isinstance(clocks, Fell):
        return clocks, None
    fell = _thermal_status(run) or _throttled_flags(run)
    return (fell, None) if fell else (None, f"{clocks}; {_statuses(run)}")


def _clocks(run: SustainedRun, device: DeviceInfo, second: int) -> Fell | str:
    """The cluster whose clock fell most, or why there is none."""
    sampled = run.sampled
    if sampled is None or not sampled.cores or not sampled.samples:
        return "no sampler ran" if sampled is None else "no core's clock can be read"
    at = run.began_uptime_seconds + second
    window_s = max(WINDOW_S, FEWEST_SAMPLES * sampled.period_seconds)
    before = _between(sampled.samples, at - window_s, at)
    # The second of the drop itself may hold both.
    after = _between(sampled.samples, at + 1, at + 1 + window_s)
    found = []
    for cluster in clusters_of(device, run.cpus_allowed):
        columns = [index for index, core in enumerate(sampled.cores) if core in cluster]
        first, last = (_clock(samples, columns, run.threads_used or 1) for samples in (before, after))
        if first and last:
            found.append((last / first, cluster, first, last))
    if not found:
        return "no sample of clocks was taken around that second"
    ratio, cluster, first, last = min(found)
    if ratio > 1 - CLOCK_FALL:
        return f"no cluster's clock fell by {CLOCK_FALL:.0%}"
    return Fell(
        what="clock", name=f"cores {format_cpu_list(cluster)}", before=round(first), after=round(last)
    )


def _between(samples: tuple[ConditionsSample, ...], begin: float, end: float) -> list[ConditionsSample]:
    return [one for one in samples if one.uptime_seconds is not None and begin <= one.uptime_seconds < end]


def _clock(samples: list[ConditionsSample], columns: list[int], threads: int) -> float | None:
    """The median over time of the busy cores' mean: as many as there are threads, and their clock is high."""
    means = []
    for sample in samples:
        khz = [value for index in columns if (value := sample.frequencies_khz[index]) is not None]
        if khz:
            means.append(float(np.mean(sorted(khz, reverse=True)[:threads])))
    return float(np.median(means)) if means else None


def _thermal_status(run: SustainedRun) -> Fell | None:
    before, after = run.conditions_before.thermal_status, run.conditions_after.thermal_status
    if after is None or after <= (before or 0):
        return None
    return Fell(what="thermal_status", name="Android's thermal status", before=before or 0, after=after)


def _statuses(run: SustainedRun) -> str:
    """What of the statuses did not rise: one that cannot be read says nothing."""
    after = run.conditions_after
    known = {"thermal status": after.thermal_status, "throttling flag": after.throttled_flags}
    readable = [f"no {name}" for name, value in known.items() if value is not None]
    if not readable:
        return "neither a thermal status nor throttling flags can be read"
    return f"{' and '.join(readable)} rose"


def _throttled_flags(run: SustainedRun) -> Fell | None:
    before, after = run.conditions_before.throttled_flags, run.conditions_after.throttled_flags
    if after is None or not after & ~(before or 0) & (THROTTLED_SINCE_BOOT | THROTTLED_NOW):
        return None
    return Fell(
        what="throttled_flags", name="the firmware's throttling flags", before=before or 0, after=after
    )
