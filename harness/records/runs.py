"""What is saved: cells, and the run they belong to."""

from typing import Literal

from harness.records.artifacts import Artifact, PushedArtifact
from harness.records.devices import DeviceInfo, TunedSetting
from harness.records.energy import Energy
from harness.records.judgements import Accuracy, Parity, Verdict
from harness.records.measurements import (
    HeldClock,
    Latency,
    Memory,
    Pace,
    ProcessReport,
    Profile,
)
from harness.records.requests import Plan, RunRequest, Variant, exact_rate
from harness.records.schema import SCHEMA_VERSION, Count, Integer, Record, SchemaVersion
from harness.records.startup import ColdStartup, Startup
from harness.records.sustained import Sustained

StoppedBy = Literal["target_precision", "max_rounds", "max_minutes"]


class Failure(Record, frozen=True, kw_only=True):
    """Why a cell has no figures."""

    what: str
    exit_code: Integer | None = None
    last_output: str = ""


class Cell(Record, frozen=True, kw_only=True):
    """One measured point: variant x device x threads.

    `stopped_by` says which limit of the plan ended it; None while it is unfinished, or failed. `tuning` is
    None where the device was left as it was, `cold`, `sustained` and `energy` where no cold start, no
    sustained run and no energy was asked for, `pace` where inferences ran back to back. With a packed cache
    `first_launch` is the start-up of the processes that wrote it, as after installing, and `startup` that of
    the later ones.
    `held_clocks` is empty where no clock is known.
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
    startup: Startup | None = None
    first_launch: Startup | None = None
    pace: Pace | None = None
    held_clocks: tuple[HeldClock, ...] = ()
    parity: Parity | None
    accuracy: Accuracy | None = None
    failure: Failure | None = None
    stopped_by: StoppedBy | None = None
    profile: Profile | None = None
    cold: ColdStartup | None = None
    sustained: Sustained | None = None
    energy: Energy | None = None
    tuning: tuple[TunedSetting, ...] | None = None
    verdict: Verdict

    @property
    def name(self) -> str:
        """Unique within a run; safe as a file name once the device's name is.

        `pixel-mobilenet_v1_0.5_128_int8-t2-c4-7-r30` is pinned to cores 4 to 7, with 30 inferences a second.
        """
        cores = "" if self.plan.cpus is None else f"-c{self.plan.cpus.replace(',', '_')}"
        rate = "" if self.plan.rate_hz is None else f"-r{exact_rate(self.plan.rate_hz)}"
        options = "" if self.plan.backend_options is None else f"-{self.plan.backend_options}"
        return self.name_without_cores + cores + rate + options

    @property
    def name_without_cores(self) -> str:
        """The name by which files of version 2.0 were saved: it was unique while a run had one placement."""
        return f"{self.device.name}-{self.variant.name}-t{self.plan.threads}"

    @property
    def usable(self) -> bool:
        """Whether its figures may be used: an invalid cell's are not those of the planned program."""
        return self.failure is None and self.verdict.status != "invalid"


class BaseRun(Record, frozen=True, kw_only=True):
    """The run whose programs were measured in the same rounds; `versions` are those it was made with.

    `not_asked` are its variants that the run did not ask for, `without_base` the variants that only the run
    has.
    """

    id: str
    started_at: str
    versions: dict[str, str]
    not_asked: tuple[str, ...] = ()
    without_base: tuple[str, ...] = ()


class Run(Record, frozen=True, kw_only=True):
    """`run.json`: the plan and everything that could explain a difference to another run.

    `base` is None where no other run's programs were measured beside this run's.
    """

    schema_version: SchemaVersion = SCHEMA_VERSION
    id: str
    started_at: str
    finished_at: str | None
    request: RunRequest
    versions: dict[str, str]
    git_revision: str | None
    host: str
    artifacts: tuple[PushedArtifact, ...]
    base: BaseRun | None = None
