"""Where the wrong outputs of a run come from: the first stage that differs, for each cell."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.analysis.cells import record_first_mismatch
from harness.errors import HarnessError, Interrupted
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import SEEDED, Inputs
from harness.records.progress import Event, Listener
from harness.records.run_folder import read_cells, write_cell
from harness.system.foreign_errors import as_harness_error


def localize_mismatches(
    folder: Path, lowered: Sequence[StoredArtifact], inputs: Inputs | None, listen: Listener
) -> Iterator[HarnessError]:
    """Find the first stage whose output differs, for each cell that failed parity; save it with the cell.

    Yields the error of each cell whose stage could not be looked for.

    Raises:
        Interrupted: Ctrl-C.
    """
    wrong = [
        c for c in read_cells(folder) if c.parity and not c.parity.passed and not c.parity.first_mismatch_at
    ]
    for cell in wrong:
        if cell.variant.is_own_program:
            # Its reference is what this machine's runtime gave.
            write_cell(folder, record_first_mismatch(cell, "device"))
    wrong = [cell for cell in wrong if not cell.variant.is_own_program]
    if not wrong:
        return
    # Only when something is wrong: it brings in what evaluation needs.
    from harness.accuracy.divergence import find_reference_mismatch
    from harness.accuracy.reference import CheckedProgram

    by_sha256 = {stored.artifact.sha256: stored for stored in lowered}
    files = {variant.name: files for variant, files in (inputs or {}).items()}
    for cell in wrong:
        stored = by_sha256.get(cell.artifact.sha256)
        if stored is None:
            continue
        name, device = cell.variant.name, cell.device

        def log(text: str, name: str = name, device: str = device.name) -> None:
            listen(Event(device, f"{name}: {text}"))

        program = CheckedProgram(stored, files.get(name, SEEDED))
        try:
            stage = find_reference_mismatch(program, log, on_host=device.kind == "host")
            write_cell(folder, record_first_mismatch(cell, stage))
        except Interrupted:
            raise
        except Exception as error:
            known = as_harness_error(error)
            known.add_subject(device=device.name, variant=name)
            yield known
