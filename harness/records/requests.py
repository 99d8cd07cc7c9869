"""What is asked for: variants of the network, and how to measure them."""

from typing import Annotated, Literal

from msgspec import Meta

from harness.records.schema import Integer, Record, Sha256
from harness.records.sustained import SustainSeconds
from harness.records.task_profiles import TaskProfileName

# The entries are those of `harness.analysis.precisions`; a record of a newer version may name another. The
# pattern keeps it safe in a file name.
PrecisionName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}\Z")]
# Of the user's own programs: their kernels compute what the file says.
AS_IS: PrecisionName = "as_is"
BUILT_IN_MODEL, DEFAULT_METHOD = "mobilenet_v1", "forward"
ModelName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")]
METHOD_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
MethodName = Annotated[str, Meta(pattern=rf"^{METHOD_NAME}\Z")]
# The entries are those of `harness.analysis.runtimes`; a record of a newer version may name another.
RuntimeName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]{0,31}\Z")]
EXECUTORCH: RuntimeName = "executorch"
Padding = Literal["symmetric", "tf_same"]
Observer = Literal["histogram", "minmax", "percentile"]
DEFAULT_OBSERVER: Observer = "histogram"
# The full network of the paper, for where neither the command line nor a weights file names another.
DEFAULT_WIDTH, DEFAULT_RESOLUTION_PX, DEFAULT_CLASSES = 1.0, 224, 1000
DEFAULT_PADDING: Padding = "symmetric"
# Inferences a second: from one in ten seconds to one in a millisecond, which no timer keeps much better.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 0.1, 1000.0
# XNNPACK's options that are measured, each against its defaults: packed weights kept by name in the process,
# or in a file for the next process; a workspace for each program, or for each delegate, where all share one.
BackendOptions = Literal["weight-cache", "packed-cache", "workspace-per-model", "workspace-unshared"]
# By the device's own sensor, or by the user's command, which is not saved: a run folder from elsewhere would
# otherwise decide what runs on this machine.
EnergyBy = Literal["device", "command"]
RateHz = Annotated[float, Meta(ge=LOWEST_RATE_HZ, le=HIGHEST_RATE_HZ)]


class Weights(Record, frozen=True, kw_only=True):
    """Where the parameters come from: `random` (then `seed` says which) or a checkpoint's file name.

    `sha256` is that of the checkpoint file, or, once lowered, of the random parameters' bytes. `entry` is the
    part of the file that was used, such as `state_dict_ema`; None where the file holds nothing else.
    `remarks` are sentences on what was chosen and converted while the file was read.
    """

    source: str
    sha256: Sha256 | None = None
    seed: int | None = None
    entry: str | None = None
    remarks: tuple[str, ...] = ()


RANDOM_WEIGHTS = Weights(source="random", seed=0)


def exact_width(width: float) -> str:
    """`0.5`, `1`; all digits where six are not enough: different widths have different names."""
    return _exact(width)


def exact_rate(rate_hz: float) -> str:
    """`30`, `29.97`; all digits where six are not enough: different rates have different names."""
    return _exact(rate_hz)


def _exact(number: float) -> str:
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


class Variant(Record, frozen=True, kw_only=True):
    """One MobileNetV1 to consider: width multiplier, input side, precision, padding and weights.

    Or one `method` of the user's own program: `model` is its file's name without `.pte`, made safe,
    `weights` are its file and its digest, the precision is `as_is`. It has no width, resolution or classes.
    """

    width: float | None
    resolution_px: Integer | None
    precision: PrecisionName
    model: ModelName = BUILT_IN_MODEL
    padding: Padding = DEFAULT_PADDING
    classes: Integer | None = DEFAULT_CLASSES
    weights: Weights = RANDOM_WEIGHTS
    method: MethodName | None = None
    runtime: RuntimeName = EXECUTORCH

    @property
    def is_own_program(self) -> bool:
        """Whether it is a method of the user's own program, not a variant of the built-in network."""
        return self.method is not None

    @property
    def shape(self) -> tuple[float, int]:
        """Width multiplier and resolution of the built-in network.

        Raises:
            ValueError: the user's own program has none.
        """
        if self.width is None or self.resolution_px is None:
            raise ValueError(f"{self.name} has no width and no resolution")
        return self.width, self.resolution_px

    @property
    def outputs(self) -> int:
        """How many classes the built-in network tells apart; raises as `shape` does."""
        if self.classes is None:
            raise ValueError(f"{self.name} has no classes")
        return self.classes

    @property
    def identity(self) -> tuple[object, ...]:
        """What the name leaves out: equal where classes and weights are the same.

        Random weights are those of their seed: their digest is known only once they are lowered.
        """
        weights = self.weights
        digest = weights.seed if weights.source == "random" else weights.sha256
        return self.classes, weights.source, digest, weights.entry

    @property
    def name(self) -> str:
        """`mobilenet_v1_0.5_128_int8`: the field's own naming, safe in a file name.

        A runtime beside ExecuTorch is named at the end.
        Of an own program `segmenter`, or `segmenter.encode` where the method is not `forward`.
        """
        if self.width is None:
            return self.model if self.method in (None, DEFAULT_METHOD) else f"{self.model}.{self.method}"
        suffix = "" if self.padding == "symmetric" else f"_{self.padding}"
        suffix += "" if self.runtime == EXECUTORCH else f"_{self.runtime}"
        return f"{self.model}_{exact_width(self.width)}_{self.resolution_px}_{self.precision}{suffix}"


class Plan(Record, frozen=True, kw_only=True):
    """How one cell is measured.

    At least `processes` fresh processes run; then more, until half the median's interval is at most
    `target_precision` of it, or there are `max_processes`, or the device has measured for `max_minutes`.
    Each runs at least `warmup_iterations`, then measures until both `min_iterations` and `min_seconds` are
    reached, or `max_seconds` is; then it counts instructions over `counted_iterations` more, untimed.
    `cpus` is a list such as `4-7`, or None for no pinning. `rate_hz` is how many inferences begin in a
    second, on an absolute schedule; None for back to back. `backend_options` are XNNPACK's, None for its
    defaults. With `sampler`, clocks and temperatures are recorded beside each process while it runs; with
    `tune_device`, the device was tuned before. Each process is started with Android's `task_profile`, None
    for as a shell starts it. It waits until the device is within `cooled_within_celsius` of its first
    temperature and, if given, not above `max_temp_celsius`, but no longer than `max_cooling_seconds`.
    """

    threads: Integer
    processes: Integer
    warmup_iterations: Integer
    min_iterations: Integer
    min_seconds: float
    max_seconds: float
    counted_iterations: Integer
    seed: int
    cpus: str | None = None
    rate_hz: RateHz | None = None
    backend_options: BackendOptions | None = None
    max_processes: Integer | None = None
    target_precision: float | None = None
    max_minutes: float | None = None
    sampler: bool = False
    tune_device: bool = False
    task_profile: TaskProfileName | None = None
    max_cooling_seconds: float = 120.0
    cooled_within_celsius: float = 3.0
    max_temp_celsius: float | None = None

    @property
    def period_ns(self) -> int | None:
        """From the start of one inference to the start of the next; None for back to back."""
        return None if self.rate_hz is None else round(1e9 / self.rate_hz)


class RunRequest(Record, frozen=True, kw_only=True):
    """What the user asked for: the product of the lists is run on each device.

    Without `threads` each placement runs 1, 2, 4, ... threads up to its number of cores. `cores` are names of
    clusters and CPU lists, one for each placement; without any, what the device is configured for, else no
    pinning. `cpus` is the one placement of a run that was made before there was a list. `rates_hz` are
    inferences a second; without any, they run back to back. `backend_options` are XNNPACK's, each measured
    apart, None its defaults; without any, only these. `against` is the absolute path of the run folder
    whose programs are measured in the same rounds.
    With `weights_files` (absolute paths) each file decides its own width, padding and classes, and the
    lists choose among the files; without widths or resolutions all that the files have are run. Without
    weights files or `paddings`, padding is `symmetric`. Data sets are named as on the command line, split
    included. Where `sampler` is None, each device decides.
    With `lab`, the address of its head, the devices are those of a lab's hosts; with `any_of` these are of
    one model, and each variant is measured on one of them, whichever is free, but the first variant on all.
    With `programs` (absolute paths) these are measured instead of the network: their `methods`, or all that
    they have, fed with the arrays of `program_inputs` (absolute paths), or seeded.
    """

    devices: tuple[str, ...]
    widths: tuple[float, ...]
    resolutions_px: tuple[int, ...]
    precisions: tuple[PrecisionName, ...]
    threads: tuple[int, ...]
    paddings: tuple[Padding, ...] = ()
    classes: int = DEFAULT_CLASSES
    weights: Weights = RANDOM_WEIGHTS
    cpus: str | None = None
    cores: tuple[str, ...] = ()
    rates_hz: tuple[RateHz, ...] = ()
    backend_options: tuple[BackendOptions | None, ...] = ()
    processes: int | None = None
    max_rounds: int | None = None
    max_minutes: float | None = None
    target_precision: float = 0.02
    warmup_iterations: int | None = None
    min_iterations: int | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    profile: bool = False
    cold: bool = False
    sustain_seconds: SustainSeconds | None = None
    energy: EnergyBy | None = None
    sampler: bool | None = None
    tune_device: bool = False
    task_profile: TaskProfileName | None = None
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
    against: str | None = None
    any_of: tuple[str, ...] = ()
    lab: str | None = None
    programs: tuple[str, ...] = ()
    methods: tuple[MethodName, ...] = ()
    program_inputs: tuple[str, ...] = ()
    runtimes: tuple[RuntimeName, ...] = (EXECUTORCH,)

    @property
    def placements(self) -> tuple[str, ...]:
        """Clusters' names and CPU lists to pin to; empty where the user named none."""
        return self.cores or ((self.cpus,) if self.cpus else ())
