"""`harness run --against` on the emulator, whose counts repeat: the same program, and a lighter base."""

from pathlib import Path

import msgspec
import pytest

from harness.records.base_cells import base_folder
from harness.records.cell_files import CELLS_FOLDER
from harness.records.run_folder import load_run, write_cell, write_run
from harness_command import HarnessCommand

COMMON = ("run", "-d", "emulator", "-w", "0.25", "-p", "fp32", "--quiet", "--json")


def plant(lighter: Path, folder: Path) -> Path:
    """A base whose program of 0.25/96 computes at 64 px: a real program that costs less, under that name."""
    run, (cell,) = load_run(lighter)
    variant = msgspec.structs.replace(cell.variant, resolution_px=96)
    artifact = msgspec.structs.replace(cell.artifact, variant=variant)
    write_run(folder, run)
    write_cell(folder, msgspec.structs.replace(cell, variant=variant, artifact=artifact))
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / f"{variant.name}.pte").write_bytes(
        (lighter / "artifacts" / f"{cell.variant.name}.pte").read_bytes()
    )
    return folder


@pytest.mark.slow
def test_a_heavier_program_is_worse_than_its_base_and_equal_to_itself(
    run_harness: HarnessCommand, tmp_path: Path
) -> None:
    lighter, new, same = (tmp_path / name for name in ("lighter", "new", "same"))
    assert run_harness(*COMMON, "-r", "64", "--out", lighter).exit_code == 0
    base = plant(lighter, tmp_path / "base")

    worse = run_harness(*COMMON, "-r", "96", "--against", base, "--out", new)
    assert worse.exit_code == 1
    (cell,) = worse.document["against"]["cells"]
    assert (cell["result"], cell["decided_by"]) == ("worse", "instructions")
    assert 1.8 < cell["figures"][0]["change"]["estimate"] < 2.6
    again = run_harness("compare", new, "--json")
    assert again.exit_code == 1
    assert again.document["cells"] == worse.document["against"]["cells"]
    assert run_harness("report", new, "--json").exit_code == 0
    assert "Against the base" in (new / "report" / "report.md").read_text()
    (of_base,) = (base_folder(new) / CELLS_FOLDER).iterdir()
    assert of_base.name == next((new / CELLS_FOLDER).iterdir()).name

    equal = run_harness(*COMMON, "-r", "96", "--against", new, "--out", same)
    assert equal.exit_code == 0
    (cell,) = equal.document["against"]["cells"]
    assert cell["result"] == "no worse"
    assert cell["figures"][0]["change"]["estimate"] == pytest.approx(1, abs=5e-6)
    assert "base and new are the same program" in cell["cautions"][0]

    resumed = run_harness("run", "--resume", same, "--quiet", "--json")
    assert resumed.exit_code == 0
    assert resumed.document["against"]["cells"] == equal.document["against"]["cells"]

    wide = run_harness("run", "--resume", new, "--margin", "100%", "--quiet", "--json")
    margins = wide.document["against"]["margins"]
    assert (margins["latency"], margins["instructions"]) == (1.0, 1.0)
