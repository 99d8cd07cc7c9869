"""What the runner reports from a device: untrusted, decoded strictly."""

from typing import Annotated, Literal

from msgspec import Meta

from harness.records.devices import Abi
from harness.records.requests import EXECUTORCH
from harness.records.schema import (
    Bytes,
    Count,
    DeviceReport,
    Nanoseconds,
    Nice,
    OomScoreAdjustment,
    PositiveBytes,
    PositiveCount,
    PositiveNanoseconds,
    Utilization,
)


class OutputTensor(DeviceReport, frozen=True, kw_only=True):
    """One output of the reference input, for parity."""

    sizes: tuple[Annotated[int, Meta(gt=0, le=2**24)], ...]
    values: tuple[float, ...]


class OutputSpec(DeviceReport, frozen=True, kw_only=True):
    """One of several outputs; its elements are in a file. The type is numbered as in `scalar_type.fbs`."""

    scalar_type: Annotated[int, Meta(ge=0, le=255)]
    sizes: Annotated[tuple[Annotated[int, Meta(ge=0, le=2**31)], ...], Meta(max_length=64)]


class SchedulingReport(DeviceReport, frozen=True, kw_only=True):
    """How the kernel scheduled the runner; `records.Scheduling` says what each is."""

    cgroup: str | None
    cpuset: str | None
    uclamp_min_per_1024: Utilization | None
    uclamp_max_per_1024: Utilization | None
    oom_score_adj: OomScoreAdjustment | None
    timer_slack_ns: Nanoseconds | None
    nice: Nice | None
    unavailable: str | None


class MemoryReport(DeviceReport, frozen=True, kw_only=True):
    """The runner's figures from smaps_rollup; None where `unavailable` has the reason."""

    pss_initialized_bytes: PositiveBytes | None
    private_dirty_initialized_bytes: Bytes | None
    pss_end_bytes: PositiveBytes | None
    private_dirty_end_bytes: Bytes | None
    unavailable: str | None


class ColdReport(DeviceReport, frozen=True, kw_only=True):
    """Pages of program and libraries before and after they were dropped; see `records.ColdProcess`."""

    files: PositiveCount
    pages: PositiveCount
    resident_before_pages: Count
    resident_pages: Count
    unavailable: str | None


class PackedCacheReport(DeviceReport, frozen=True, kw_only=True):
    """The file of XNNPACK's packed cache before and after initialization; 0 bytes where there was none."""

    bytes_before: Bytes
    bytes: Bytes
    mapped: bool


class SustainedReport(DeviceReport, frozen=True, kw_only=True):
    """One figure for each second of a sustained run; see `records.sustained.SustainedRun`.

    `began_uptime_ns` is CLOCK_BOOTTIME at the start of the first second.
    """

    began_uptime_ns: Nanoseconds
    inferences: tuple[Count, ...]
    median_ns: tuple[PositiveNanoseconds | None, ...]
    p90_ns: tuple[PositiveNanoseconds | None, ...]
    max_ns: tuple[PositiveNanoseconds | None, ...]


class ProfiledOperator(DeviceReport, frozen=True, kw_only=True):
    """One operator as the runtime names it, and its time in each profiled inference."""

    name: str
    times_ns: tuple[Nanoseconds, ...]


class RunnerReport(DeviceReport, frozen=True, kw_only=True):
    """What the runner writes: one process, strictly decoded (`runner/report.py`).

    Times are CLOCK_MONOTONIC nanoseconds. RSS at four phases and its peak (VmHWM) come from
    /proc/self/status, `threads_used` from /proc/self/task; they are null where these cannot be read.
    `canary_ns` is what a kernel of fixed cost took before the model was loaded. Each
    `counted_…` holds one figure for each counted inference where the kernel permits counting, else it is
    null and `counters_unavailable` says why; `init_instructions` are those of the initialization, counted the
    same way. `memory_detail`, `cold`, `packed_cache`, `sustained` and `profile` are null unless asked for; a
    sustained run has no timed inferences beside it.
    Outputs of any number and type are in a file: then `outputs` describes them, and `output` is null.
    `starts_ns` are when the timed inferences began, since the first slot of the schedule; null without one.
    """

    schema_version: Literal[1]
    runner_version: str
    build_type: str
    abi: Abi
    executorch_version: str | None = None
    runtime: str = EXECUTORCH
    runtime_version: str | None = None
    canary_ns: PositiveNanoseconds
    load_ns: PositiveNanoseconds
    init_ns: PositiveNanoseconds
    init_instructions: PositiveCount | None
    first_ns: PositiveNanoseconds
    warmup_ns: tuple[PositiveNanoseconds, ...]
    latencies_ns: tuple[PositiveNanoseconds, ...]
    starts_ns: tuple[Nanoseconds, ...] | None
    rss_start_bytes: PositiveBytes | None
    rss_loaded_bytes: PositiveBytes | None
    rss_initialized_bytes: PositiveBytes | None
    rss_end_bytes: PositiveBytes | None
    peak_rss_bytes: PositiveBytes | None
    threads_requested: int
    threads_used: PositiveCount | None
    cpus_allowed: str
    scheduling: SchedulingReport
    counted_instructions: tuple[Count, ...] | None
    counted_cycles: tuple[Count, ...] | None
    counted_cache_misses: tuple[Count, ...] | None
    counted_branch_misses: tuple[Count, ...] | None
    counters_unavailable: str | None
    memory_detail: MemoryReport | None
    cold: ColdReport | None
    packed_cache: PackedCacheReport | None
    sustained: SustainedReport | None
    profile: tuple[ProfiledOperator, ...] | None
    output: OutputTensor | None
    outputs: Annotated[tuple[OutputSpec, ...], Meta(max_length=1000)] | None = None

    @property
    def values(self) -> tuple[float, ...]:
        """The elements of the output; none where the outputs are in a file."""
        return self.output.values if self.output else ()
