"""Which clock a device really held while measuring, per core cluster.

The best available source counts: the frequencies sampled while the process ran; else cpufreq's time_in_state,
from before the process to after it; else the readings before and after, where the governor holds the clock
(others lower it as soon as a process ends, so that such readings prove nothing).

A device that is tuned for comparable results may hold less than its maximum: Android's fixed-performance mode
holds a lower clock that it can sustain.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from harness.records import Conditions, DeviceInfo, HeldClock, HeldClockSource, ProcessReport
from harness.system.cpu_list import format_cpu_list, parse_cpu_list

FIXED_GOVERNORS = ("performance", "userspace")
Cluster = tuple[int, ...]


def held_clocks(device: DeviceInfo, processes: Sequence[ProcessReport]) -> tuple[HeldClock, ...]:
    """The median clock of each cluster that the processes could run on; empty if unknown, or not real."""
    if device.clock != "real":
        return ()
    return tuple(
        found
        for max_khz, cluster in _clusters(device, processes).items()
        if (found := _held_clock(cluster, max_khz, processes)) is not None
    )


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
    sources: tuple[tuple[HeldClockSource, Callable[[ProcessReport, Cluster], Iterator[float]]], ...] = (
        ("sampler", _sampled_khz),
        ("time_in_state", _khz_in_state),
        ("readings", _read_khz),
    )
    for source, frequencies_of in sources:
        khz = [value for process in processes for value in frequencies_of(process, cluster)]
        if khz:
            return HeldClock(
                cores=format_cpu_list(cluster), held_khz=int(np.median(khz)), max_khz=max_khz, source=source
            )
    return None


def _sampled_khz(process: ProcessReport, cluster: Cluster) -> Iterator[float]:
    sampled = process.sampled
    if sampled is None:
        return
    columns = [index for index, core in enumerate(sampled.cores) if core in cluster]
    for sample in sampled.samples:
        khz = [value for index in columns if (value := sample.frequencies_khz[index]) is not None]
        if khz:
            yield _of_busiest(khz, process)


def _khz_in_state(process: ProcessReport, cluster: Cluster) -> Iterator[float]:
    """The frequency below and above which each policy spent half of its time."""
    spent: dict[int, dict[int, int]] = {}
    for state in process.time_in_state:
        number = state.policy.removeprefix("policy")
        if number.isdecimal():
            spent.setdefault(int(number), {})[state.khz] = state.ticks
    # A policy is named after the first of its cores.
    policies = {max((first for first in spent if first <= core), default=None) for core in cluster}
    khz = [_median_in_time(spent[policy]) for policy in policies if policy is not None]
    if khz:
        yield _of_busiest(khz, process)


def _median_in_time(ticks: dict[int, int]) -> float:
    ordered = sorted(ticks)
    passed = np.cumsum([ticks[khz] for khz in ordered])
    return float(ordered[int(np.searchsorted(passed, passed[-1] / 2))])


def _read_khz(process: ProcessReport, cluster: Cluster) -> Iterator[float]:
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
    return float(np.mean(sorted(khz, reverse=True)[: process.threads_used or 1]))
