"""Cells while they are measured, and which saved cell is continued."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from harness.analysis.cells import build_cell, worse_parity
from harness.analysis.output_parity import compare_outputs
from harness.analysis.parity import compare, read_reference, write_reference
from harness.analysis.stopping import is_complete
from harness.devices.device import Device
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.base_side import BaseProgram
from harness.records import (
    Artifact,
    Cell,
    DeviceInfo,
    Failure,
    Parity,
    Plan,
    ProcessReport,
    StoppedBy,
    TunedSetting,
    Variant,
)
from harness.runner.process import Measured


@dataclass(frozen=True)
class CellRequest:
    """A cell to measure: its variant, which may not be lowered yet, and its plan.

    `base` is the program of another run that is measured in the same rounds.
    """

    variant: Variant
    plan: Plan
    base: BaseProgram | None = None


@dataclass
class CellState:
    """A cell while it is measured; `cell` is the record as it was saved last.

    A cell `of_base` is that of another run's program, which was lowered long ago.
    """

    request: CellRequest
    of_base: bool = False
    earlier: Cell | None = None
    artifact: StoredArtifact | None = None
    processes: tuple[ProcessReport, ...] = ()
    parity: Parity | None = None
    failure: Failure | None = None
    cell: Cell | None = None

    @property
    def finished(self) -> bool:
        """Whether no further process is needed, or the cell failed."""
        return self.cell is not None and (self.cell.failure is not None or self.cell.stopped_by is not None)

    def start(self, artifact: StoredArtifact) -> Cell | None:
        """Take the lowered program; returns the earlier cell where that measured the same bytes."""
        self.artifact = artifact
        earlier = self.earlier
        if earlier is None or not measured_program(earlier, artifact.artifact):
            return None
        self.processes, self.parity = earlier.processes, earlier.parity
        return earlier

    def add(self, measured: Measured, artifact: StoredArtifact) -> None:
        """Add a process that was measured, and compare its output with the reference."""
        if not artifact.unchecked:
            self.parity = worse_parity(self.parity, _compare(measured, artifact))
        self.processes = (*self.processes, measured.process)

    def fail(self, what: str) -> None:
        """Record why the cell gets no further process."""
        self.failure = Failure(what=what)

    def discard(self, what: str) -> None:
        """Record that the figures of its processes cannot be used."""
        self.processes, self.parity = (), None
        self.fail(what)

    def record(
        self, cell: Cell, stopped_by: StoppedBy | None, tuning: tuple[TunedSetting, ...] | None
    ) -> Cell:
        """Keep and return the record that is saved next."""
        self.cell = msgspec.structs.replace(cell, stopped_by=stopped_by, tuning=tuning)
        return self.cell

    def build(self, artifact: StoredArtifact, device: DeviceInfo) -> Cell:
        """The record of what has been measured until now."""
        return build_cell(
            device, artifact.artifact, self.request.plan, self.processes, self.parity, self.failure
        )


def _compare(measured: Measured, stored: StoredArtifact) -> Parity:
    """With the eager model's output; of an own program with what this machine's runtime gave."""
    artifact = stored.artifact
    if not artifact.variant.is_own_program:
        return compare(measured.output, read_reference(stored.reference_output), artifact.variant.precision)
    outputs = measured.outputs if artifact.outputs_are_apart else write_reference(measured.output)
    return compare_outputs(outputs, stored.reference_output.read_bytes(), artifact.all_outputs)


def find_earlier(request: CellRequest, earlier: Sequence[Cell], device: Device) -> Cell | None:
    """The saved cell that is the same measurement on the same device.

    One that is not finished is continued only on the same boot: a restarted device is in another state, and
    no cell combines two.
    """
    for cell in earlier:
        measured_on = cell.device
        if is_complete(cell):
            measured_on = msgspec.structs.replace(measured_on, boot_id=device.info.boot_id)
        if is_same_measurement(request, cell) and measured_on == device.info:
            return cell
    return None


def measured_program(cell: Cell, artifact: Artifact) -> bool:
    """Whether the saved cell is of the same bytes, and of an own program fed with the same inputs."""
    measured = cell.artifact
    if measured.sha256 != artifact.sha256:
        return False
    return not measured.inputs or measured.reference_input_sha256 == artifact.reference_input_sha256


def is_same_measurement(request: CellRequest, cell: Cell) -> bool:
    """Whether the saved cell has this variant and plan, and did not fail; on whatever device."""
    weights = msgspec.structs.replace(cell.variant.weights, sha256=request.variant.weights.sha256)
    same_variant = msgspec.structs.replace(cell.variant, weights=weights) == request.variant
    return same_variant and cell.plan == request.plan and not cell.failure
