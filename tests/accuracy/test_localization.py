"""Looking for the first stage that differs: what goes wrong with one cell is that cell's error."""

from pathlib import Path

from builders import make_cell
from harness.accuracy.localization import localize_mismatches
from harness.lowering.artifact_store import StoredArtifact
from harness.records import Parity
from harness.records.run_folder import write_cell

WRONG = Parity(max_abs_error=1.0, tolerance=0.1, cosine=0.0, top1_agrees=False, passed=False)


def test_a_cell_that_cannot_be_looked_at_is_an_error_of_that_cell(tmp_path: Path) -> None:
    cell = make_cell(parity=WRONG)
    write_cell(tmp_path, cell)
    gone = tmp_path / "gone"
    stored = StoredArtifact(cell.artifact, gone, gone, gone, True)
    (error,) = localize_mismatches(tmp_path, [stored], None, lambda event: None)
    assert error.what.startswith("No such file or directory: ")
    assert (error.device, error.variant) == (cell.device.name, cell.variant.name)
