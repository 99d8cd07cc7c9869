"""Evaluations in a run folder: each precision is paired with fp32 of the same weights, device and images."""

from pathlib import Path

import msgspec
import pytest

from evaluations import WEIGHTS, make_evaluation
from harness.accuracy.store import pair_with_fp32, save_evaluation
from harness.records import Cell, PrecisionName, Variant
from harness.records.run_folder import read_cells
from synthetic import PHONE, simulate_cell


def _save(
    folder: Path, precision: PrecisionName, outcomes: str, *, device: str = "pixel", data: str = "d"
) -> Cell:
    variant = Variant(width=0.25, resolution_px=32, precision=precision, classes=10, weights=WEIGHTS)
    cell = simulate_cell(msgspec.structs.replace(PHONE, name=device), variant)
    evaluation = make_evaluation(outcomes, device=device, data=data, artifact_sha256=cell.artifact.sha256)
    save_evaluation(folder, evaluation, [cell])
    return cell


def _drops(folder: Path) -> dict[str, float | None]:
    found = {cell.name: cell.accuracy for cell in read_cells(folder)}
    return {
        name: accuracy.drop_from_fp32.points.estimate if accuracy and accuracy.drop_from_fp32 else None
        for name, accuracy in found.items()
    }


def test_int8_is_paired_with_fp32_of_its_own_device(tmp_path: Path) -> None:
    pixel = [_save(tmp_path, "fp32", "1110"), _save(tmp_path, "int8", "1100")]
    other = [_save(tmp_path, "fp32", "1000", device="pi"), _save(tmp_path, "int8", "1100", device="pi")]
    pair_with_fp32(tmp_path)
    assert _drops(tmp_path) == {
        pixel[0].name: None,
        pixel[1].name: 25,
        other[0].name: None,
        other[1].name: -25,
    }
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.json"))
    pair_with_fp32(tmp_path)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*.json")) == before


@pytest.mark.parametrize("fp32", ["none", "other data", "damaged", "other schema"])
def test_without_the_same_images_in_fp32_there_is_no_drop(tmp_path: Path, fp32: str) -> None:
    cell = _save(tmp_path, "int8", "1100")
    if fp32 != "none":
        base = _save(tmp_path, "fp32", "1110", data="e" if fp32 == "other data" else "d")
    if fp32 == "damaged":
        (tmp_path / "accuracy" / f"{base.name}.json").write_text("{")
    if fp32 == "other schema":
        file = tmp_path / "accuracy" / f"{base.name}.json"
        file.write_text(file.read_text().replace('"schema_version": "2.0"', '"schema_version": "3.0"'))
    pair_with_fp32(tmp_path)
    assert _drops(tmp_path)[cell.name] is None
