"""The typed records that flow between the stages and are saved; nothing else.

Names carry units (`_ns _bytes _px _khz _celsius`); values are converted only when shown. A figure that
could not be had is `None`, with its reason beside it, never 0. The order of samples is data.
"""

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# Of every saved file. A new optional field raises the minor number; one that is renamed, removed or changes
# its meaning raises the major one.
SCHEMA_VERSION = "2.0"
SCHEMA_MAJOR = SCHEMA_VERSION.partition(".")[0]

Precision = Literal["fp32", "fp16", "int8"]
Padding = Literal["symmetric", "tf_same"]
Observer = Literal["histogram", "minmax", "percentile"]
Abi = Literal["arm64-v8a", "x86_64"]
Clock = Literal["real", "emulated", "virtual"]
Status = Literal["valid", "suspect", "invalid"]
Severity = Literal["invalid", "suspect", "info"]
# What a reason bears on: what the program computes; whether the planned program ran as planned; times that
# something besides the program changed; how precisely times are known; counts of instructions.
Affects = Literal["result", "setup", "time", "uncertainty", "instructions"]
OperatorKind = Literal["first convolution", "depthwise", "pointwise", "classifier", "other"]
StoppedBy = Literal["target_precision", "max_rounds", "max_minutes"]
# From the eager model towards the device: each computes what the one before it does, or departs from it.
Stage = Literal["exported", "host", "device"]

SchemaVersion = Annotated[str, Meta(pattern=rf"^{SCHEMA_MAJOR}\.[0-9]{{1,6}}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
# Upper bounds keep a hostile or broken device's numbers out of arithmetic: 2**53 is exact in JSON everywhere.
Nanoseconds = Annotated[int, Meta(ge=0, le=2**53)]
PositiveNanoseconds = Annotated[int, Meta(gt=0, le=2**53)]
Bytes = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Celsius = Annotated[float, Meta(ge=-100, le=300)]


DEFAULT_OBSERVER: Observer = "histogram"


class Record(msgspec.Struct, frozen=True):
    """Immutable. Decoding refuses wrong types and missing fields, and names their path.

    Unknown fields are ignored: a newer minor version of the schema wrote them.
    """


class DeviceReport(Record, frozen=True, forbid_unknown_fields=True):
    """Sent by a device, and therefore untrusted: decoding also refuses unknown fields."""


# What is asked for --------------------------------------------------------------------------------


class Weights(Record, frozen=True, kw_only=True):
    """Where the parameters come from: `random` (then `seed` says which) or a checkpoint's file name.

    `sha256` is that of the checkpoint file, or, once lowered, of the random parameters' bytes.
    """

    source: str
    sha256: Sha256 | None = None
    seed: int | None = None


RANDOM_WEIGHTS = Weights(source="random", seed=0)


class Variant(Record, frozen=True, kw_only=True):
    """One MobileNetV1 to consider: width multiplier, input side, precision, padding and weights."""

    width: float
    resolution_px: int
    precision: Precision
    model: Literal["mobilenet_v1"] = "mobilenet_v1"
    padding: Padding = "symmetric"
    classes: int = 1000
    weights: Weights = RANDOM_WEIGHTS

    @property
    def name(self) -> str:
        """`mobilenet_v1_0.5_128_int8`: the field's own naming, safe in a file name."""
        suffix = "" if self.padding == "symmetric" else f"_{self.padding}"
        return f"{self.model}_{self.width:g}_{self.resolution_px}_{self.precision}{suffix}"


class Plan(Record, frozen=True, kw_only=True):
    """How one cell is measured.

    At least `processes` fresh processes run; then more, until half the median's interval is at most
    `target_precision` of it, or there are `max_processes`, or the device has measured for `max_minutes`.
    Each runs at least `warmup_iterations`, then measures until both `min_iterations` and `min_seconds` are
    reached, or `max_seconds` is; then it counts instructions over `counted_iterations` more, untimed.
    `cpus` is a list such as `4-7`, or None for no pinning. With `sampler`, clocks and temperatures are
    recorded beside each process while it runs; with `tune_device`, the device was tuned before. Each
    process waits until the device is within `cooled_within_celsius` of its first temperature, but no longer
    than `max_cooling_seconds`.
    """

    threads: int
    processes: int
    warmup_iterations: int
    min_iterations: int
    min_seconds: float
    max_seconds: float
    counted_iterations: int
    seed: int
    cpus: str | None = None
    max_processes: int | None = None
    target_precision: float | None = None
    max_minutes: float | None = None
    sampler: bool = False
    tune_device: bool = False
    max_cooling_seconds: float = 120.0
    cooled_within_celsius: float = 3.0


# What lowering gives ------------------------------------------------------------------------------


class TensorSpec(Record, frozen=True, kw_only=True):
    """A program's input or output: `dim_order` (0, 2, 3, 1) means NHWC in memory for NCHW sizes."""

    dtype: Literal["float32"]
    sizes: tuple[int, ...]
    dim_order: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of one tensor."""
        return 4 * math.prod(self.sizes)


class Calibration(Record, frozen=True, kw_only=True):
    """The data an int8 artifact's ranges were taken from; `source` is `random` or a data set's name.

    `observer` says how: by least squared error (`histogram`), all values, or 99.99 % of them (`percentile`).
    """

    source: str
    images: int
    seed: int | None = None
    sha256: Sha256 | None = None
    observer: Observer | None = None


class Artifact(Record, frozen=True, kw_only=True):
    """A lowered program. Its bytes, reference input and reference output lie in the artifact cache.

    `delegated_nodes` counts the operators inside XNNPACK delegates; `macs` and `params` are computed
    from the network.
    """

    variant: Variant
    sha256: Sha256
    size_bytes: Bytes
    macs: Count
    params: Count
    delegates: int
    delegated_nodes: int
    undelegated_nodes: tuple[str, ...]
    planned_arena_bytes: Bytes
    input: TensorSpec
    output: TensorSpec
    calibration: Calibration | None
    versions: dict[str, str]
    lowering_seconds: float
    reference_input_sha256: Sha256
    reference_output_sha256: Sha256


# What a device is and how it fares ----------------------------------------------------------------


class Core(Record, frozen=True, kw_only=True):
    """One CPU core as the kernel describes it."""

    index: int
    name: str | None = None
    max_frequency_khz: Count | None = None
    capacity: Count | None = None


class DeviceInfo(Record, frozen=True, kw_only=True):
    """Facts that do not change while measuring.

    `clock` says what a nanosecond means there: `real`; `emulated` (wall time under a translator, tells
    nothing about a phone); `virtual` (counts instructions, repeats, tells nothing about a phone either).
    `half_precision` says whether its cores, and XNNPACK there, compute in 16-bit floats; None if unknown.
    `libc` is the C library that the runner uses: `bundled`, or the device's own, as `system glibc 2.36`.
    """

    name: str
    kind: str
    transport: str
    abi: Abi
    clock: Clock
    model: str
    soc: str | None = None
    os: str | None = None
    kernel: str | None = None
    cores: tuple[Core, ...] = ()
    memory_total_bytes: Bytes | None = None
    boot_id: str | None = None
    half_precision: bool | None = None
    libc: str = "bundled"

    @property
    def emulated(self) -> bool:
        """Whether its times are not a real machine's."""
        return self.clock != "real"


class Temperature(Record, frozen=True, kw_only=True):
    """One thermal zone."""

    zone: str
    celsius: Celsius


class FrequencyTime(Record, frozen=True, kw_only=True):
    """How long a cpufreq policy's cores have run at a frequency since boot, in hundredths of a second."""

    policy: str
    khz: Count
    ticks: Count


class Conditions(Record, frozen=True, kw_only=True):
    """What could disturb a measurement, read just before or after it; `unreadable` maps fact to reason.

    `wakefulness` is Android's: `Awake` while the screen is on, else such as `Asleep` or `Dozing`.
    """

    uptime_seconds: float | None = None
    frequencies_khz: tuple[Count, ...] | None = None
    governors: tuple[str, ...] | None = None
    temperatures: tuple[Temperature, ...] | None = None
    load_average_1min: float | None = None
    memory_available_bytes: Bytes | None = None
    thermal_status: int | None = None
    battery_percent: int | None = None
    battery_celsius: float | None = None
    throttled_flags: int | None = None
    time_in_state: tuple[FrequencyTime, ...] | None = None
    wakefulness: str | None = None
    unreadable: dict[str, str] = {}


class ConditionsSample(Record, frozen=True, kw_only=True):
    """One look at the device while a process ran; None is what could not be read just then.

    In the order of the `cores` and `zones` of its `SampledConditions`.
    """

    uptime_seconds: float | None
    frequencies_khz: tuple[Count | None, ...]
    celsius: tuple[Celsius | None, ...]


class SampledConditions(Record, frozen=True, kw_only=True):
    """What clocks and temperatures did while a process ran, recorded every `period_seconds` beside it.

    `cpus_allowed` are the cores that the sampler itself could run on; `unreadable` maps what was missing in
    some samples, or in all, to the reason.
    """

    period_seconds: float
    cpus_allowed: str | None = None
    cores: tuple[int, ...] = ()
    zones: tuple[str, ...] = ()
    samples: tuple[ConditionsSample, ...] = ()
    unreadable: dict[str, str] = {}


class TunedSetting(Record, frozen=True, kw_only=True):
    """One setting of a device that was to be made quiet: `now` was read back on the device.

    It is None where nothing was set, or where the device does not tell; `note` says which, and why.
    """

    name: str
    before: str | None = None
    now: str | None = None
    note: str | None = None


# What is measured ---------------------------------------------------------------------------------


class OutputTensor(DeviceReport, frozen=True, kw_only=True):
    """One output of the reference input, for parity."""

    sizes: tuple[Annotated[int, Meta(gt=0, le=2**24)], ...]
    values: tuple[float, ...]


class MemoryReport(DeviceReport, frozen=True, kw_only=True):
    """The runner's figures from smaps_rollup; None where `unavailable` has the reason."""

    pss_initialized_bytes: Bytes | None
    private_dirty_initialized_bytes: Bytes | None
    pss_end_bytes: Bytes | None
    private_dirty_end_bytes: Bytes | None
    unavailable: str | None


class MemoryDetail(Record, frozen=True, kw_only=True):
    """Figures from smaps_rollup, read in a separate process because reading them disturbs times.

    Pss is what Android's `dumpsys meminfo` adds up to TOTAL PSS; `dumpsys_pss_bytes` is what that said of
    the same process while it ran. A figure that could not be read is None, and its `unavailable` says why.
    """

    pss_initialized_bytes: Bytes | None
    private_dirty_initialized_bytes: Bytes | None
    pss_end_bytes: Bytes | None
    private_dirty_end_bytes: Bytes | None
    unavailable: str | None
    dumpsys_pss_bytes: Bytes | None = None
    dumpsys_unavailable: str | None = None


class ProfiledOperator(DeviceReport, frozen=True, kw_only=True):
    """One operator as the runtime names it, and its time in each profiled inference."""

    name: str
    times_ns: tuple[Nanoseconds, ...]


class RunnerReport(DeviceReport, frozen=True, kw_only=True):
    """What the runner writes: one process, strictly decoded (`runner/process.py`).

    Times are CLOCK_MONOTONIC nanoseconds. RSS at four phases and its peak (VmHWM) come from
    /proc/self. `canary_ns` is what a kernel of fixed cost took before the model was loaded. Each
    `counted_…` holds one figure for each counted inference where the kernel permits counting, else it is
    null and `counters_unavailable` says why. `memory_detail` and `profile` are null unless asked for.
    """

    schema_version: Literal[1]
    runner_version: str
    build_type: str
    abi: Abi
    executorch_version: str
    canary_ns: PositiveNanoseconds
    load_ns: PositiveNanoseconds
    init_ns: PositiveNanoseconds
    first_ns: PositiveNanoseconds
    warmup_ns: tuple[PositiveNanoseconds, ...]
    latencies_ns: tuple[PositiveNanoseconds, ...]
    rss_start_bytes: Bytes
    rss_loaded_bytes: Bytes
    rss_initialized_bytes: Bytes
    rss_end_bytes: Bytes
    peak_rss_bytes: Bytes
    threads_requested: int
    threads_used: int
    cpus_allowed: str
    counted_instructions: tuple[Count, ...] | None
    counted_cycles: tuple[Count, ...] | None
    counted_cache_misses: tuple[Count, ...] | None
    counted_branch_misses: tuple[Count, ...] | None
    counters_unavailable: str | None
    memory_detail: MemoryReport | None
    profile: tuple[ProfiledOperator, ...] | None
    output: OutputTensor


class ProcessReport(Record, frozen=True, kw_only=True):
    """One fresh process on the device, as saved in a cell.

    The last `warmup_cut` of `warmup_ns` were timed, and cut because the speed was not yet steady.
    `cooled_seconds` is how long it was waited before until the device was as cool as at first; None where
    no temperature can be read. `sampled` is None where no sampler ran.
    """

    round: int
    started_at: str
    build_type: str
    load_ns: PositiveNanoseconds
    init_ns: PositiveNanoseconds
    first_ns: PositiveNanoseconds
    warmup_ns: tuple[PositiveNanoseconds, ...]
    latencies_ns: tuple[PositiveNanoseconds, ...]
    rss_start_bytes: Bytes
    rss_loaded_bytes: Bytes
    rss_initialized_bytes: Bytes
    rss_end_bytes: Bytes
    peak_rss_bytes: Bytes
    threads_used: int
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
    cooled_seconds: float | None = None
    sampled: SampledConditions | None = None

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
    min_ns: int
    max_ns: int
    processes: int
    samples: int
    p90_interval_ns: Interval | None = None
    p99_interval_ns: Interval | None = None
    outliers: Count | None = None


class Memory(Record, frozen=True, kw_only=True):
    """Medians over processes of what /proc tells on the device, and what is known from the artifact."""

    rss_start_bytes: Bytes
    rss_loaded_bytes: Bytes
    rss_initialized_bytes: Bytes
    peak_rss_bytes: Bytes
    planned_arena_bytes: Bytes
    artifact_bytes: Bytes
    detail: MemoryDetail | None = None


class OperatorTime(Record, frozen=True, kw_only=True):
    """What one operator took, and its share of all of them; in the order of execution."""

    name: str
    kind: OperatorKind
    mean_ns: Annotated[float, Meta(ge=0, le=2**53)]
    share: Annotated[float, Meta(ge=0, le=1)]


class Profile(Record, frozen=True, kw_only=True):
    """Time per operator from a process of its own: profiling costs time, so that these are no latencies."""

    iterations: Count
    operators: tuple[OperatorTime, ...]
    unavailable: str | None = None


class Parity(Record, frozen=True, kw_only=True):
    """The device's output of the reference input against the eager model's (int8: the quantized one).

    When it did not pass, `first_mismatch_at` is the first stage whose output is not that of the one before.
    """

    max_abs_error: float
    tolerance: float
    cosine: float
    top1_agrees: bool
    passed: bool
    first_mismatch_at: Stage | None = None


class PairedDrop(Record, frozen=True, kw_only=True):
    """Accuracy lost between two networks on the same images, in points.

    `only_base` images were right before and wrong now, `only_new` the reverse; McNemar's exact test
    asks whether these two differ.
    """

    points: Interval
    images: Count
    only_base: Count
    only_new: Count
    p_value: float


class Accuracy(Record, frozen=True, kw_only=True):
    """Accuracy of the very artifact that was timed, with Wilson score intervals.

    `unreadable` pictures are in no figure; `unreadable_images` names the first of them, and why.
    `drop_from_fp32` is against the same weights in fp32 on the same device, where they were evaluated too.
    `first_mismatch_at` names the first tier that computes something else, where a logit leaves its tolerance.
    """

    top1: Interval
    top5: Interval
    images: int
    dataset: str
    split: str
    preprocessing: str
    measured_on: str
    agreement_with_eager: float | None
    unreadable: Count = 0
    unreadable_images: tuple[str, ...] = ()
    drop_from_fp32: PairedDrop | None = None
    first_mismatch_at: Stage | None = None


class Reason(Record, frozen=True, kw_only=True):
    """Why a cell is not plainly valid: a machine-readable `code` and a sentence with the figures.

    The gravest `severity` of a cell's reasons is its status; `info` leaves it valid.
    """

    code: str
    severity: Severity
    affects: Affects
    detail: str


class Verdict(Record, frozen=True, kw_only=True):
    """Whether a cell's figures may be relied on."""

    status: Status
    reasons: tuple[Reason, ...]


class Failure(Record, frozen=True, kw_only=True):
    """Why a cell has no figures."""

    what: str
    exit_code: int | None = None
    last_output: str = ""


class Cell(Record, frozen=True, kw_only=True):
    """One measured point: variant x device x threads.

    `stopped_by` says which limit of the plan ended it; None while it is unfinished, or failed. `tuning` is
    None where the device was left as it was.
    """

    schema_version: SchemaVersion = SCHEMA_VERSION
    variant: Variant
    artifact: Artifact
    device: DeviceInfo
    plan: Plan
    processes: tuple[ProcessReport, ...]
    latency: Latency | None
    instructions_per_inference: Count | None
    memory: Memory | None
    parity: Parity | None
    accuracy: Accuracy | None = None
    failure: Failure | None = None
    stopped_by: StoppedBy | None = None
    profile: Profile | None = None
    tuning: tuple[TunedSetting, ...] | None = None
    verdict: Verdict

    @property
    def name(self) -> str:
        """Unique within a run; safe as a file name once the device's name is."""
        return f"{self.device.name}-{self.variant.name}-t{self.plan.threads}"


# The run ------------------------------------------------------------------------------------------


class PushedArtifact(Record, frozen=True, kw_only=True):
    """What was pushed to the devices of a run."""

    name: str
    sha256: Sha256
    size_bytes: Bytes


class RunRequest(Record, frozen=True, kw_only=True):
    """What the user asked for: the product of the lists is run on each device.

    With `weights_files` (absolute paths) each file decides its own width, padding and classes, and the
    lists choose among the files; without widths or resolutions all that the files have are run. Data sets
    are named as on the command line, split included. `paddings` are run instead of `padding` where given.
    Without a word on the `sampler` each device decides.
    """

    devices: tuple[str, ...]
    widths: tuple[float, ...]
    resolutions_px: tuple[int, ...]
    precisions: tuple[Precision, ...]
    threads: tuple[int, ...]
    padding: Padding = "symmetric"
    classes: int = 1000
    weights: Weights = RANDOM_WEIGHTS
    cpus: str | None = None
    processes: int | None = None
    max_rounds: int | None = None
    max_minutes: float | None = None
    target_precision: float = 0.02
    warmup_iterations: int | None = None
    min_iterations: int | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    profile: bool = False
    sampler: bool | None = None
    tune_device: bool = False
    max_cooling_seconds: float | None = None
    cooled_within_celsius: float | None = None
    max_temp_celsius: float | None = None
    seed: int = 0
    allow_undelegated: bool = False
    weights_files: tuple[str, ...] = ()
    calibration_dataset: str | None = None
    observer: Observer = DEFAULT_OBSERVER
    accuracy_dataset: str | None = None
    accuracy_on_host: bool = False
    paddings: tuple[Padding, ...] = ()


class Run(Record, frozen=True, kw_only=True):
    """`run.json`: the plan and everything that could explain a difference to another run."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    id: str
    started_at: str
    finished_at: str | None
    request: RunRequest
    versions: dict[str, str]
    git_revision: str | None
    host: str
    artifacts: tuple[PushedArtifact, ...]
