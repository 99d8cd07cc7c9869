"""What a validity check may look at."""

from dataclasses import dataclass

import numpy as np

from harness.records import (
    Artifact,
    Conditions,
    DeviceInfo,
    Energy,
    Failure,
    Latency,
    Pace,
    Parity,
    Plan,
    ProcessReport,
    Sustained,
)

STRETCHES = 10


@dataclass(frozen=True)
class Evidence:
    """All that is known about a cell; `processes` in the order of time."""

    device: DeviceInfo
    artifact: Artifact
    plan: Plan
    processes: tuple[ProcessReport, ...]
    latency: Latency | None
    pace: Pace | None
    parity: Parity | None
    failure: Failure | None
    sustained: Sustained | None = None
    energy: Energy | None = None

    @property
    def timed(self) -> tuple[ProcessReport, ...]:
        """The processes whose times are worth checking: none under an emulator."""
        return () if self.device.clock == "emulated" or self.latency is None else self.processes

    @property
    def canaries_ns(self) -> tuple[int, ...]:
        """What the kernel of fixed cost took before each process, where it was timed."""
        return tuple(p.canary_ns for p in self.processes if p.canary_ns is not None)

    @property
    def conditions(self) -> tuple[Conditions, ...]:
        """Before and after each process, in the order of time."""
        return tuple(c for p in self.processes for c in (p.conditions_before, p.conditions_after))


def change_within(process: ProcessReport) -> float:
    """Median of the last third of the iterations against that of the first."""
    third = len(process.latencies_ns) // 3
    if third < 3:
        return 0.0
    first = float(np.median(process.latencies_ns[:third]))
    return float(np.median(process.latencies_ns[-third:])) / first - 1


def slowest_stretch(process: ProcessReport) -> float:
    """The largest slow-down of a tenth of the iterations against an earlier tenth, by their medians."""
    if len(process.latencies_ns) < 3 * STRETCHES:
        return 0.0
    medians = [float(np.median(part)) for part in np.array_split(process.latencies_ns, STRETCHES)]
    fastest_before = np.minimum.accumulate(medians)
    return float(np.max(medians / fastest_before)) - 1
