"""Which clock a device really held while measuring, per core cluster.

The best available source counts: the frequencies sampled while the process ran; else cpufreq's time_in_state,
from before the process to after it; else the readings before and after, where the governor holds the clock
(others lower it as soon as a process ends, so that such readings prove nothing).

A device that is tuned for comparable results may hold less than its maximum: Android's fixed-performance mode
holds a lower clock that it can sustain.

Where a process may run on several clusters, the record does not say on which it ran, nor which frequency was
the limit (scaling_max_freq is not read). `clocks_in_use` therefore compares each cluster's median clock with
the highest that was observed: a busy core stays at its limit, an idle one at the bottom, and one with little
to do rises and falls.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

from harness.records import (
    Cell,
    Conditions,
    DeviceInfo,
    FrequencyTime,
    HeldClock,
    HeldClockSource,
    ProcessReport,
)
from harness.system.cpu_list import format_cpu_list, parse_cpu_list

FIXED_GOVERNORS = ("performance", "userspace")
# The highest observed clock is not exceeded for this share of the time: a single reading may be wrong.
HIGHEST = 0.95
# A clock this near to another counts as equal to it.
NEAR = 0.05
# An idle core's clock, where no list of frequencies says which is the lowest: phones idle at a third or less.
IDLE_SHARE = 0.5
Cluster = tuple[int, ...]
KilohertzOf = Callable[[ProcessReport, Cluster, float], Iterator[float]]


def held_clocks(device: DeviceInfo, processes: Sequence[ProcessReport]) -> tuple[HeldClock, ...]:
    """The median clock of each cluster that the processes could run on; empty if unknown, or not real."""
    if device.clock != "real":
        return ()
    return tuple(
        found
        for max_khz, cluster in _clusters(device, processes).items()
        if (found := _held_clock(cluster, max_khz, processes)) is not None
    )


def clocks_in_use(device: DeviceInfo, processes: Sequence[ProcessReport]) -> tuple[HeldClock, ...]:
    """The held clocks that can be those of the processes: clusters that idled beside them are left out.

    A cluster counts if its governor holds the clock, or if it stayed at the highest clock observed of it and
    that is not its lowest frequency. Where none counts, the one nearest to its maximum was the busy one.
    """
    return _in_use(held_clocks(device, processes), processes)


def used_clocks(cell: Cell) -> tuple[HeldClock, ...]:
    """Those of the cell's clocks that can be those of its processes; a condensed cell has no others."""
    condensed = not any(process.latencies_ns for process in cell.processes)
    return cell.held_clocks if condensed else _in_use(cell.held_clocks, cell.processes)


def _in_use(clocks: tuple[HeldClock, ...], processes: Sequence[ProcessReport]) -> tuple[HeldClock, ...]:
    if len(clocks) < 2:
        return clocks
    in_use = tuple(clock for clock in clocks if _is_in_use(clock, processes))
    return in_use or (max(clocks, key=lambda clock: clock.share),)


def holds_clock(conditions: Conditions, core: int) -> bool:
    """Whether the core's governor holds its frequency; others lower it as soon as a process ends."""
    governors = conditions.governors or ()
    return core < len(governors) and governors[core] in FIXED_GOVERNORS


def clusters_of(device: DeviceInfo, cpus_allowed: str) -> tuple[Cluster, ...]:
    """The clusters that a process with these cores could run on; cores of unknown maximum are one."""
    allowed = set(parse_cpu_list(cpus_allowed) or ())
    clusters: dict[int, Cluster] = {}
    for core in device.cores:
        if core.index in allowed:
            key = core.max_frequency_khz or 0
            clusters[key] = (*clusters.get(key, ()), core.index)
    return tuple(clusters.values())


def _clusters(device: DeviceInfo, processes: Sequence[ProcessReport]) -> dict[int, Cluster]:
    """Cores that a process could run on, by their maximum frequency in kHz, slowest first."""
    allowed = {core for process in processes for core in parse_cpu_list(process.cpus_allowed) or ()}
    clusters: dict[int, Cluster] = {}
    for core in device.cores:
        if core.index in allowed and core.max_frequency_khz:
            clusters[core.max_frequency_khz] = (*clusters.get(core.max_frequency_khz, ()), core.index)
    return dict(sorted(clusters.items()))


def _held_clock(cluster: Cluster, max_khz: int, processes: Sequence[ProcessReport]) -> HeldClock | None:
    for source in _SOURCES:
        khz = _clock_at(0.5, source, cluster, processes)
        if khz is not None:
            return HeldClock(
                cores=format_cpu_list(cluster), held_khz=int(khz), max_khz=max_khz, source=source
            )
    return None


def _clock_at(
    share: float, source: HeldClockSource, cluster: Cluster, processes: Sequence[ProcessReport]
) -> float | None:
    """The clock that was not exceeded for this share of the time; None if the source has none."""
    khz = [value for process in processes for value in _SOURCES[source](process, cluster, share)]
    return float(np.quantile(khz, share)) if khz else None


def _is_in_use(clock: HeldClock, processes: Sequence[ProcessReport]) -> bool:
    cluster = tuple(sorted(parse_cpu_list(clock.cores) or ()))
    if any(holds_clock(one.conditions_before, core) for one in processes for core in cluster):
        return True
    highest = _clock_at(HIGHEST, clock.source, cluster, processes)
    if highest is None or clock.held_khz < (1 - NEAR) * highest:
        return False
    lowest = min((khz for one in processes for khz in _listed_khz(one, cluster)), default=None)
    if lowest is None:
        return clock.share >= IDLE_SHARE
    return clock.held_khz > (1 + NEAR) * lowest


def _listed_khz(process: ProcessReport, cluster: Cluster) -> Iterator[int]:
    """All frequencies that cpufreq lists for the cluster, also those in which no time was spent."""
    listed = _by_policy(process.conditions_before.time_in_state or ())
    for policy in _policies_of(cluster, listed):
        yield from listed[policy]


def _sampled_khz(process: ProcessReport, cluster: Cluster, _share: float) -> Iterator[float]:
    sampled = process.sampled
    if sampled is None:
        return
    columns = [index for index, core in enumerate(sampled.cores) if core in cluster]
    for sample in sampled.samples:
        khz = [value for index in columns if (value := sample.frequencies_khz[index]) is not None]
        if khz:
            yield _of_busiest(khz, process)


def _khz_in_state(process: ProcessReport, cluster: Cluster, share: float) -> Iterator[float]:
    """The frequency that each policy did not exceed for this share of its time."""
    spent = _by_policy(process.time_in_state)
    khz = [_not_exceeded(spent[policy], share) for policy in _policies_of(cluster, spent)]
    if khz:
        yield _of_busiest(khz, process)


def _by_policy(states: Sequence[FrequencyTime]) -> dict[int, dict[int, int]]:
    """Ticks by frequency in kHz, by the policy's number."""
    ticks: dict[int, dict[int, int]] = {}
    for state in states:
        number = state.policy.removeprefix("policy")
        if number.isdecimal():
            ticks.setdefault(int(number), {})[state.khz] = state.ticks
    return ticks


def _policies_of(cluster: Cluster, known: Collection[int]) -> set[int]:
    """A policy is named after the first of its cores."""
    found = {max((first for first in known if first <= core), default=None) for core in cluster}
    return {policy for policy in found if policy is not None}


def _not_exceeded(ticks: dict[int, int], share: float) -> float:
    ordered = sorted(ticks)
    passed = np.cumsum([ticks[khz] for khz in ordered])
    return float(ordered[int(np.searchsorted(passed, passed[-1] * share))])


def _read_khz(process: ProcessReport, cluster: Cluster, _share: float) -> Iterator[float]:
    for conditions in (process.conditions_before, process.conditions_after):
        khz = [
            frequency
            for core, frequency in enumerate(conditions.frequencies_khz or ())
            if frequency is not None and core in cluster and holds_clock(conditions, core)
        ]
        if khz:
            yield _of_busiest(khz, process)


def _of_busiest(khz: Sequence[float], process: ProcessReport) -> float:
    """As many cores as there are threads are busy, one where unknown, and a busy core's clock is high."""
    busiest = sorted(khz, reverse=True)[: process.threads_used or 1]
    # Not numpy's mean, which takes ten times as long for so few.
    return sum(busiest) / len(busiest)


# The best source first.
_SOURCES: Mapping[HeldClockSource, KilohertzOf] = {
    "sampler": _sampled_khz,
    "time_in_state": _khz_in_state,
    "readings": _read_khz,
}
