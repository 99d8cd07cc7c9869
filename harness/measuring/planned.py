"""What a run will do, as records: cells, devices, variants and estimated times."""

from dataclasses import dataclass

from harness.records import BackendOptions


@dataclass(frozen=True)
class PlannedCell:
    """A cell to measure; `threads` is None and `cores` a cluster's name while the device's cores are unknown.

    The processes are those still to run: none where the cell is already `measured`. Those of its base are
    among them.
    """

    variant: str
    threads: int | None
    cores: str | None
    rate_hz: float | None
    backend_options: BackendOptions | None
    measured: bool
    least_processes: int
    most_processes: int
    least_seconds: float
    most_seconds: float
    sustain_seconds: int | None = None
    energy_seconds: float | None = None

    @property
    def long_seconds(self) -> float:
        """What the processes of minutes take that follow all others."""
        return (self.sustain_seconds or 0) + (self.energy_seconds or 0)


@dataclass(frozen=True)
class PlannedDevice:
    """A device's cells; `basis` is what the estimate of their time rests on, `error` why none are planned.

    `cores_known` is false for a device that was not asked: then its cells are those that the options name.
    """

    name: str
    kind: str
    cores_known: bool
    cells: tuple[PlannedCell, ...]
    basis: str
    least_seconds: float = 0.0
    most_seconds: float = 0.0
    error: str | None = None
    hint: str = ""


@dataclass(frozen=True)
class PlannedVariant:
    """A variant; `size_bytes` is that of its program, None where it is not `lowered` yet."""

    name: str
    lowered: bool
    size_bytes: int | None


@dataclass(frozen=True)
class RunPlan:
    """The plan of a run. The seconds are estimates: without cooling, building the runner and accuracy.

    Each device of a `pool`, which is their number, is planned as if it had all variants; together they share
    them, and the seconds are those of all.
    """

    variants: tuple[PlannedVariant, ...]
    devices: tuple[PlannedDevice, ...]
    lowering_seconds: float
    lowering_basis: str
    least_seconds: float
    most_seconds: float
    pool: int | None = None
