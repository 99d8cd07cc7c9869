"""Cells in the making, and which saved cell one goes on from."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from harness.analysis.stopping import is_complete
from harness.devices.device import Device
from harness.lowering.cache import StoredArtifact
from harness.records import Cell, Failure, Parity, Plan, ProcessReport, Variant
from harness.runner.deploy import DeployedArtifact


@dataclass(frozen=True)
class CellRequest:
    """A cell to measure: its variant, whose artifact may still be in the making, and its plan."""

    variant: Variant
    plan: Plan


@dataclass
class CellState:
    """A cell in the making."""

    request: CellRequest
    earlier: Cell | None = None
    artifact: StoredArtifact | None = None
    deployed: DeployedArtifact | None = None
    processes: tuple[ProcessReport, ...] = ()
    parity: Parity | None = None
    failure: Failure | None = None
    cell: Cell | None = None

    @property
    def finished(self) -> bool:
        """Whether no further process is needed, or worth trying."""
        return self.cell is not None and (self.cell.failure is not None or self.cell.stopped_by is not None)


def find_earlier(request: CellRequest, earlier: Sequence[Cell], device: Device) -> Cell | None:
    """The saved cell that is the same measurement on the same device.

    One that is not finished goes on only on the same boot: a restarted device is in another state, and a
    cell is never stitched together from two.
    """
    for cell in earlier:
        weights = msgspec.structs.replace(cell.variant.weights, sha256=request.variant.weights.sha256)
        same_variant = msgspec.structs.replace(cell.variant, weights=weights) == request.variant
        measured_on = cell.device
        if is_complete(cell):
            measured_on = msgspec.structs.replace(measured_on, boot_id=device.info.boot_id)
        if same_variant and cell.plan == request.plan and measured_on == device.info and not cell.failure:
            return cell
    return None
