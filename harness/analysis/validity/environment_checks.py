"""Checks of the device's conditions: each returns a sentence with figures, or None.

Thresholds are the constants at the top; docs/verdicts.md gives the source of each.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from harness.analysis.held_clocks import clocks_in_use, holds_clock
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence, change_within, slowest_stretch
from harness.records import ProcessReport
from harness.system.cpu_list import parse_cpu_list

FREQUENCY_DROP = 0.05
SLOWER_WITHIN_PROCESS = 0.05
# vcgencmd get_throttled: bits 0 to 3 are the present state, bits 16 to 19 the same since boot.
THROTTLED_NOW = 0xF
THROTTLED_SINCE_BOOT = 0xF0000
# Types of Android's thermal HAL whose throttling slows the cores.
SENSORS_OF_CORES = ("CPU", "SOC", "SKIN")
REDUCED_CLOCK = 0.9
CANARY_DRIFT = 0.05
MEMORY_TIMES_PEAK = 2
MEMORY_SHARE = 0.05
BUSY_EXCESS = 0.01
LATE_START_NS = 1_000_000
# What the runner reads of itself in /proc, on kernels that permit it.
PROCESS_FACTS = ("peak_rss_bytes", "threads_used")
# The sampler's name for the clocks where it can read none.
CLOCKS_UNWATCHED = "clocks while a process ran"


@check(
    "suspect",
    affects="time",
    threshold=f"a clock that fell by {FREQUENCY_DROP:.0%}",
    fix="cool the device, or hold a clock that it can sustain: --tune-device",
)
def throttled(evidence: Evidence) -> str | None:
    """The device lowered its clock to cool down or to save power."""
    status = max((c.thermal_status or 0 for c in evidence.conditions), default=0)
    if status > 0:
        return f"Android's thermal status rose to {status}"
    return (
        _throttled_sensors(evidence)
        or _throttled_flags(evidence)
        or _frequency_drop(evidence)
        or _sampled_drop(evidence)
    )


@check(
    "suspect",
    affects="time",
    threshold=f"a kernel of fixed cost {CANARY_DRIFT:.0%} slower than usual",
    fix="stop what else runs, and measure again",
)
def canary_drift(evidence: Evidence) -> str | None:
    """A kernel of fixed cost, timed before each process, did not take the same time."""
    if evidence.device.clock == "emulated" or len(evidence.canaries_ns) < 2:
        return None
    spread = max(evidence.canaries_ns) / float(np.median(evidence.canaries_ns)) - 1
    return (
        f"the slowest run of the canary kernel is {spread:.1%} over its median"
        if spread > CANARY_DRIFT
        else None
    )


@check(
    "suspect",
    affects="time",
    threshold=f"available memory under {MEMORY_TIMES_PEAK} times the peak",
    fix="close other apps, and measure again",
)
def memory_pressure(evidence: Evidence) -> str | None:
    """So little memory is free that the kernel may evict the mapped program."""
    free = [c.memory_available_bytes for c in evidence.conditions if c.memory_available_bytes is not None]
    if not free:
        return None
    peak = max((p.peak_rss_bytes or 0 for p in evidence.processes), default=0)
    needed = max(MEMORY_TIMES_PEAK * peak, int(MEMORY_SHARE * (evidence.device.memory_total_bytes or 0)))
    if min(free) >= needed:
        return None
    return f"{min(free) / 2**20:.0f} MiB were available, less than {needed / 2**20:.0f} MiB"


@check(
    "suspect",
    affects="time",
    threshold="a load above the number of cores",
    fix="stop what else runs on the device",
)
def busy(evidence: Evidence) -> str | None:
    """Something else ran on the cores."""
    cores = len(evidence.device.cores)
    loads = [p.conditions_before.load_average_1min or 0.0 for p in evidence.processes]
    if evidence.device.clock == "real" and cores and max(loads, default=0) > cores:
        return f"the load average was {max(loads):.1f} on {cores} cores before a process"
    if evidence.device.clock != "virtual" or evidence.plan.threads != 1:
        return None
    for process in evidence.timed:
        # In virtual time one instruction takes one nanosecond: the rest was time of other programs.
        count = process.instructions_per_inference
        mean = float(np.mean(process.latencies_ns))
        if count and mean > (1 + BUSY_EXCESS) * count:
            return f"{mean:,.0f} ns passed for {count:,} instructions, one nanosecond each"
    return None


@check(
    "suspect",
    affects="time",
    threshold=f"over 1 % of starts more than {LATE_START_NS / 1e6:g} ms after their slots",
    fix="stop what else runs on the device, and measure again",
)
def late_starts(evidence: Evidence) -> str | None:
    """The runner was not woken in time: deadlines are then missed for another reason than its latency."""
    pace = evidence.pace
    if pace is None or not evidence.timed or pace.lateness_p99_ns <= LATE_START_NS:
        return None
    return (
        f"1 % of the inferences began {pace.lateness_p99_ns / 1e6:.1f} ms or more after their slots,"
        f" the latest {pace.lateness_max_ns / 1e6:.1f} ms"
    )


@check(
    "suspect",
    affects="setup",
    threshold="a process that packed the weights into memory all the same",
    fix="free space on the device, or leave packed-cache out of --backend-options",
)
def packed_cache_unused(evidence: Evidence) -> str | None:
    """XNNPACK could not use the file of its packed cache: the start-up is that without one."""
    used = [process.packed_cache for process in evidence.processes if process.packed_cache]
    unused = [one for one in used if one.use == "unused"]
    if not unused:
        return None
    return f"XNNPACK did not write or read its packed cache in {len(unused)} of {len(used)} processes"


@check(
    "info",
    affects="time",
    threshold=f"under {REDUCED_CLOCK:.0%} of the maximum clock",
    fix="measure without --tune-device to see the speed of a short burst",
)
def reduced_clock(evidence: Evidence) -> str | None:
    """A cluster held less than its maximum clock: good for comparing, but a device in use may be faster.

    By the highest clock that was observed, not by cpufreq's limits: see `held_clocks.clocks_in_use`.
    """
    reduced = [
        clock for clock in clocks_in_use(evidence.device, evidence.timed) if clock.share < REDUCED_CLOCK
    ]
    if not reduced:
        return None
    return "; ".join(
        f"cores {clock.cores} were measured at {clock.held_khz / 1e6:.2f} of {clock.max_khz / 1e6:.2f} GHz"
        for clock in reduced
    )


@check(
    "info",
    affects="time",
    threshold="a fact that could not be read",
    fix="nothing, or grant access: harness doctor says what helps",
)
def conditions_unreadable(evidence: Evidence) -> str | None:
    """What these facts would have shown went unnoticed."""
    facts = {fact for c in evidence.conditions for fact in c.unreadable}
    facts |= {fact for p in evidence.processes if p.sampled for fact in p.sampled.unreadable}
    facts |= {fact for p in evidence.processes for fact in PROCESS_FACTS if getattr(p, fact) is None}
    if not facts:
        return None
    blind = "; throttling that ended within a process went unnoticed" if CLOCKS_UNWATCHED in facts else ""
    return f"could not be read: {', '.join(sorted(facts))}{blind}"


def _throttled_sensors(evidence: Evidence) -> str | None:
    """Android's own status follows the skin's sensors alone."""
    sensors = [sensor for c in evidence.conditions for sensor in c.thermal_sensors or ()]
    throttled = [one for one in sensors if one.type in SENSORS_OF_CORES and one.status > 0]
    if not throttled:
        return None
    worst = max(throttled, key=lambda one: one.status)
    return f"Android's thermal sensor {worst.name} ({worst.type}) rose to status {worst.status}"


def _throttled_flags(evidence: Evidence) -> str | None:
    flags = [c.throttled_flags for c in evidence.conditions if c.throttled_flags is not None]
    if not flags:
        return None
    now = [value & THROTTLED_NOW for value in flags if value & THROTTLED_NOW]
    if now:
        return f"the firmware reports throttling (flags {now[0]:#x})"
    # Bits that were set before the first process are of an earlier measurement.
    latched = (flags[-1] & ~flags[0]) & THROTTLED_SINCE_BOOT
    return f"the firmware throttled between two readings (flags {latched:#x})" if latched else None


def _frequency_drop(evidence: Evidence) -> str | None:
    for process in evidence.processes:
        before, after = process.conditions_before, process.conditions_after
        pairs = list(zip(before.frequencies_khz or (), after.frequencies_khz or (), strict=False))
        allowed = parse_cpu_list(process.cpus_allowed)
        for core, (first, last) in enumerate(pairs):
            if first is None or last is None:
                continue
            lowered = last < (1 - FREQUENCY_DROP) * first
            if not lowered or (allowed is not None and core not in allowed):
                continue
            if holds_clock(before, core) or change_within(process) >= SLOWER_WITHIN_PROCESS:
                return f"core {core} fell from {first / 1000:.0f} to {last / 1000:.0f} MHz during a process"
    return None


def _sampled_drop(evidence: Evidence) -> str | None:
    """A core that slowed down in the middle of a process, and may have recovered before its end."""
    for process in evidence.processes:
        sampled = process.sampled
        if sampled is None:
            continue
        allowed = parse_cpu_list(process.cpus_allowed)
        usable = [core for core in sampled.cores if allowed is None or core in allowed]
        clocks = {
            core: [sample.frequencies_khz[index] for sample in sampled.samples]
            for index, core in enumerate(sampled.cores)
            if core in usable
        }
        found = _fixed_drop(process, clocks) or _dynamic_drop(process, clocks)
        if found:
            return found
    return None


def _fixed_drop(process: ProcessReport, clocks: Mapping[int, Sequence[int | None]]) -> str | None:
    """Under a governor that holds the clock, any lower sample."""
    before = process.conditions_before
    for core, samples in clocks.items():
        held = next(iter((before.frequencies_khz or ())[core : core + 1]), None)
        if held is None or not holds_clock(before, core):
            continue
        low = [khz for khz in samples if khz is not None and khz < (1 - FREQUENCY_DROP) * held]
        if low:
            return (
                f"core {core} fell from {held / 1000:.0f} to {min(low) / 1000:.0f} MHz while a process ran"
                f" ({len(low)} of {len(samples)} samples)"
            )
    return None


def _dynamic_drop(process: ProcessReport, clocks: Mapping[int, Sequence[int | None]]) -> str | None:
    """Other governors lower idle cores: only the busy ones count, and only with slower iterations."""
    if slowest_stretch(process) < SLOWER_WITHIN_PROCESS:
        return None
    highest = 0
    for sample in zip(*clocks.values(), strict=True):
        # As many cores as there are threads are busy, and a busy core's clock is high.
        busy = sorted((khz for khz in sample if khz is not None), reverse=True)[: process.threads_used or 1]
        if not busy:
            continue
        if busy[-1] < (1 - FREQUENCY_DROP) * highest:
            return (
                f"a busy core's clock fell from {highest / 1000:.0f} to {busy[-1] / 1000:.0f} MHz"
                " while a process ran, and iterations slowed down"
            )
        highest = max(highest, busy[-1])
    return None
