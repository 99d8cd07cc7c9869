"""What was measured in one process, and its summary over all processes of a cell."""

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from harness.records.devices import Conditions, FrequencyTime, SampledConditions
from harness.records.schema import (
    Bytes,
    Count,
    Integer,
    Kilohertz,
    Nanoseconds,
    Nice,
    NotNegative,
    OomScoreAdjustment,
    PositiveBytes,
    PositiveCount,
    PositiveNanoseconds,
    Record,
    Seconds,
    Utilization,
)
from harness.records.task_profiles import TaskProfile

HeldClockSource = Literal["sampler", "time_in_state", "readings"]
OperatorKind = Literal["first convolution", "depthwise", "pointwise", "classifier", "other"]


class Scheduling(Record, frozen=True, kw_only=True):
    """How the kernel scheduled a process, as it read of itself after timing; an app's can differ.

    `cgroup` are the lines of /proc/self/cgroup. `uclamp_…` is what the task itself asks for, as a share of
    1024, the capacity of the biggest core. Where a figure is None, `unavailable` has the reason.
    """

    cgroup: str | None
    cpuset: str | None
    uclamp_min_per_1024: Utilization | None
    uclamp_max_per_1024: Utilization | None
    oom_score_adj: OomScoreAdjustment | None
    timer_slack_ns: Nanoseconds | None
    nice: Nice | None
    unavailable: str | None = None


class PackedCache(Record, frozen=True, kw_only=True):
    """What a process did with the file of XNNPACK's packed cache, and the file's size after it.

    `unused`: it could not be written or read, and XNNPACK packed the weights into memory, as without it.
    """

    use: Literal["written", "read", "unused"]
    file_bytes: Bytes


class ProcessReport(Record, frozen=True, kw_only=True):
    """One fresh process on the device, as saved in a cell.

    The last `warmup_cut` of `warmup_ns` were timed, and cut because the speed was not yet steady.
    `cooled_seconds` is the time waited before for the device to cool down; None where no temperature can be
    read. `sampled` is None where no sampler ran; `scheduling` in cells of older versions, `task_profile`
    where none was asked for. RSS and threads are
    None where /proc/self lacks them. `starts_ns` is None where inferences ran back to back; else it says when
    each of the last `warmup_cut` of `warmup_ns`, and of `latencies_ns`, began, since the first of these slots
    of the schedule.
    """

    round: Integer
    started_at: str
    build_type: str
    load_ns: PositiveNanoseconds
    init_ns: PositiveNanoseconds
    first_ns: PositiveNanoseconds
    warmup_ns: tuple[PositiveNanoseconds, ...]
    latencies_ns: tuple[PositiveNanoseconds, ...]
    rss_start_bytes: PositiveBytes | None
    rss_loaded_bytes: PositiveBytes | None
    rss_initialized_bytes: PositiveBytes | None
    rss_end_bytes: PositiveBytes | None
    peak_rss_bytes: PositiveBytes | None
    threads_used: Integer | None
    cpus_allowed: str
    instructions_per_inference: Count | None
    cycles_per_inference: Count | None
    counters_unavailable: str | None
    conditions_before: Conditions
    conditions_after: Conditions
    warmup_cut: Count = 0
    canary_ns: PositiveNanoseconds | None = None
    cache_misses_per_inference: Count | None = None
    branch_misses_per_inference: Count | None = None
    cooled_seconds: Seconds | None = None
    sampled: SampledConditions | None = None
    scheduling: Scheduling | None = None
    starts_ns: tuple[Nanoseconds, ...] | None = None
    init_instructions: PositiveCount | None = None
    packed_cache: PackedCache | None = None
    task_profile: TaskProfile | None = None

    @property
    def wrote_packed_cache(self) -> bool:
        """Whether it was a first launch: it packed the weights, and wrote them for the next process."""
        return self.packed_cache is not None and self.packed_cache.use == "written"

    @property
    def reported_ns(self) -> int:
        """All times that the process reported, one after the other; counted inferences are not timed."""
        once = self.load_ns + self.init_ns + self.first_ns + (self.canary_ns or 0)
        if not self.starts_ns:
            return once + sum(self.warmup_ns) + sum(self.latencies_ns)
        untimed = self.warmup_ns[: len(self.warmup_ns) - self.warmup_cut]
        return once + sum(untimed) + self.starts_ns[-1] + self.timed_ns[-1]

    @property
    def timed_ns(self) -> tuple[int, ...]:
        """The latency of each timed inference, those among them that were cut as warm-up."""
        return self.warmup_ns[len(self.warmup_ns) - self.warmup_cut :] + self.latencies_ns

    @property
    def uptime_seconds(self) -> float | None:
        """How long the device was up between the conditions before and after the process; None if unknown."""
        before, after = self.conditions_before.uptime_seconds, self.conditions_after.uptime_seconds
        return None if before is None or after is None else after - before

    @property
    def time_in_state(self) -> tuple[FrequencyTime, ...]:
        """At which frequencies the cores ran from the first conditions to the second; empty if unknown."""
        before = {(one.policy, one.khz): one.ticks for one in self.conditions_before.time_in_state or ()}
        passed = (
            msgspec.structs.replace(one, ticks=one.ticks - before.get((one.policy, one.khz), one.ticks))
            for one in self.conditions_after.time_in_state or ()
            if one.ticks >= before.get((one.policy, one.khz), one.ticks)
        )
        return tuple(one for one in passed if one.ticks)


class Interval(Record, frozen=True, kw_only=True):
    """An estimate and its confidence interval."""

    estimate: float
    low: float
    high: float
    confidence: float = 0.95

    @property
    def relative_half_width(self) -> float:
        """Half the interval's width relative to the estimate."""
        return (self.high - self.low) / (2 * self.estimate) if self.estimate else math.inf


class Latency(Record, frozen=True, kw_only=True):
    """Steady latency over all processes: `median_ns` is the median of process medians.

    Percentiles are those of all iterations together; so are the `outliers`, which are kept in them.
    """

    median_ns: Interval
    p90_ns: float
    p99_ns: float
    min_ns: Integer
    max_ns: Integer
    processes: Integer
    samples: Integer
    p90_interval_ns: Interval | None = None
    p99_interval_ns: Interval | None = None
    outliers: Count | None = None


class Pace(Record, frozen=True, kw_only=True):
    """How a cell kept its schedule, over the steady inferences of all processes.

    Of `periods` of `period_ns` each, `missed` had no result before their end; in `skipped` of these no
    inference began, because the one before still ran. A start is late by the time from its slot until the
    inference began. `duty_cycle` is the share of all periods in which inferences ran.
    """

    period_ns: PositiveNanoseconds
    periods: PositiveCount
    missed: Count
    skipped: Count
    lateness_median_ns: NotNegative
    lateness_p99_ns: NotNegative
    lateness_max_ns: Nanoseconds
    duty_cycle: Annotated[float, Meta(gt=0, le=1)]

    @property
    def missed_share(self) -> float:
        """The share of periods without a result in time."""
        return self.missed / self.periods


class MemoryDetail(Record, frozen=True, kw_only=True):
    """Figures from smaps_rollup, read in a separate process because reading them disturbs times.

    Pss is what Android's `dumpsys meminfo` adds up to TOTAL PSS; `dumpsys_pss_bytes` is its figure for
    the same process while it ran. Where a figure is None, `unavailable` has the reason.
    """

    pss_initialized_bytes: PositiveBytes | None
    private_dirty_initialized_bytes: Bytes | None
    pss_end_bytes: PositiveBytes | None
    private_dirty_end_bytes: Bytes | None
    unavailable: str | None
    dumpsys_pss_bytes: PositiveBytes | None = None
    dumpsys_unavailable: str | None = None


class HeldClock(Record, frozen=True, kw_only=True):
    """The clock that a cluster of cores held while measuring, of its maximum; see `analysis/held_clocks.py`.

    `cores` are those of the cluster that the processes could run on, as a CPU list.
    """

    cores: str
    held_khz: Kilohertz
    max_khz: PositiveCount
    source: HeldClockSource

    @property
    def share(self) -> float:
        """The held clock as a share of the maximum; 1 is all of it."""
        return self.held_khz / self.max_khz


class Memory(Record, frozen=True, kw_only=True):
    """Medians over processes of figures from /proc on the device, and sizes known from the artifact.

    A figure is None where no process could read it.
    """

    rss_start_bytes: PositiveBytes | None
    rss_loaded_bytes: PositiveBytes | None
    rss_initialized_bytes: PositiveBytes | None
    peak_rss_bytes: PositiveBytes | None
    planned_arena_bytes: Bytes | None
    artifact_bytes: Bytes
    detail: MemoryDetail | None = None


class Beginning(Record, frozen=True, kw_only=True):
    """When a process began: this machine's time of day, and the device's uptime just before it."""

    started_at: str
    uptime_seconds: NotNegative | None


class OperatorTime(Record, frozen=True, kw_only=True):
    """The time of one operator, and its share of all of them."""

    name: str
    kind: OperatorKind
    mean_ns: Annotated[float, Meta(ge=0, le=2**53)]
    share: Annotated[float, Meta(ge=0, le=1)]


class Profile(Record, frozen=True, kw_only=True):
    """Time per operator from a separate process: profiling costs time, so that these are no latencies."""

    iterations: Count
    operators: tuple[OperatorTime, ...]
    unavailable: str | None = None
    began: Beginning | None = None
