"""Which devices of a continued run have nothing left to measure, so that they need not be there."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from harness.analysis.precisions import find_missing_feature
from harness.analysis.stopping import is_complete
from harness.devices.target import Target
from harness.errors import DeviceUnfit
from harness.lowering.artifact_store import StoredArtifact
from harness.measuring.cell_state import CellRequest, is_same_measurement, measured_program
from harness.measuring.plans import plan_cells
from harness.measuring.sustaining import lacks_energy, lacks_sustained
from harness.records import Cell, RunRequest, Variant


def is_finished(
    target: Target,
    request: RunRequest,
    artifacts: Mapping[Variant, Future[StoredArtifact]],
    cells: Sequence[Cell],
) -> bool:
    """Whether these cells of the device are all that the request asks of it, of the programs as they are now.

    The device is planned for as its cells describe it. One that lacks a feature for some of the variants is
    not finished: measuring refuses those again.
    """
    if not cells or any(find_missing_feature(variant.precision, cells[0].device) for variant in artifacts):
        return False
    placements = request.placements or ((target.cores,) if target.cores else ())
    try:
        planned = plan_cells(request, artifacts, cells[0].device, placements)
    except DeviceUnfit:
        return False
    named: dict[str, list[Cell]] = {}
    for cell in cells:
        named.setdefault(cell.variant.name, []).append(cell)
    return all(
        any(_has_all(one, cell, request, artifacts[one.variant]) for cell in named.get(one.variant.name, ()))
        for one in planned
    )


def _has_all(asked: CellRequest, cell: Cell, request: RunRequest, artifact: Future[StoredArtifact]) -> bool:
    """Whether a session would leave the cell as it is."""
    if not (is_same_measurement(asked, cell) and is_complete(cell)):
        return False
    if not artifact.done() or artifact.exception() or not measured_program(cell, artifact.result().artifact):
        return False
    return not (
        (cell.memory and not cell.memory.detail)
        or (request.profile and not cell.profile)
        or (request.cold and not cell.cold)
        or (request.sustain_seconds is not None and lacks_sustained(cell))
        or (request.energy is not None and lacks_energy(cell, by_command=request.energy == "command"))
    )
