"""Saved evaluations are reused, and each precision is paired with fp32 of the same weights and images."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from evaluations import WEIGHTS, make_evaluation, make_subject
from harness.accuracy.datasets import open_dataset
from harness.accuracy.store import find_evaluation, pair_with_fp32, save_evaluation
from harness.records import SCHEMA_VERSION, Cell, PrecisionName, Variant
from harness.records.run_folder import read_cells
from synthetic import PHONE, simulate_cell

SHIPPED = Path(__file__).parent.parent / "data" / "fashion-mnist-1k"


def _save(
    folder: Path,
    precision: PrecisionName,
    outcomes: str,
    *,
    device: str = "pixel",
    data: str = "d",
    identity: str = "d" * 64,
) -> Cell:
    variant = Variant(width=0.25, resolution_px=32, precision=precision, classes=10, weights=WEIGHTS)
    cell = simulate_cell(msgspec.structs.replace(PHONE, name=device), variant)
    evaluation = make_evaluation(
        outcomes, device=device, data=data, identity=identity, artifact_sha256=cell.artifact.sha256
    )
    save_evaluation(folder, evaluation, [cell])
    return cell


def _drops(folder: Path) -> dict[str, float | None]:
    found = {cell.name: cell.accuracy for cell in read_cells(folder)}
    return {
        name: accuracy.drop_from_fp32.drop_pp.estimate if accuracy and accuracy.drop_from_fp32 else None
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
        base = _save(tmp_path, "fp32", "1110", identity=("e" if fp32 == "other data" else "d") * 64)
    if fp32 == "damaged":
        (tmp_path / "accuracy" / f"{base.name}.json").write_text("{")
    if fp32 == "other schema":
        file = tmp_path / "accuracy" / f"{base.name}.json"
        file.write_text(file.read_text().replace(f'"{SCHEMA_VERSION}"', '"3.0"'))
    pair_with_fp32(tmp_path)
    assert _drops(tmp_path)[cell.name] is None


@pytest.mark.parametrize("saved", ["intact", "damaged", "version 1", "version 3", "other images"])
def test_a_saved_evaluation_is_reused_only_if_it_can_be_read_and_is_of_the_same_images(
    tmp_path: Path, saved: str
) -> None:
    dataset = open_dataset(f"idx:{SHIPPED}").take(range(4))
    cell = _save(tmp_path, "int8", "1100", data=dataset.name, identity=dataset.identity)
    subject = make_subject(cell.artifact.sha256)
    file = tmp_path / "accuracy" / f"{cell.name}.json"
    if saved == "damaged":
        file.write_text("{")
    if saved == "version 1":  # had no version, and other names of fields
        old = json.loads(file.read_text())
        del old["schema_version"]
        old["differing"] = old.pop("mismatching_top1")
        file.write_text(json.dumps(old))
    if saved == "version 3":
        file.write_text(file.read_text().replace(f'"{SCHEMA_VERSION}"', '"3.0"'))
    images = dataset.take(range(3)) if saved == "other images" else dataset
    found = find_evaluation(tmp_path, [cell], subject, images, "pixel")
    assert (found is not None) == (saved == "intact")


@pytest.mark.parametrize("other", ["nothing", "no content", "pictures", "weights", "labels"])
def test_a_saved_evaluation_is_matched_by_content(tmp_path: Path, other: str) -> None:
    dataset = open_dataset(f"idx:{SHIPPED}").take(range(4))
    cell = _save(tmp_path, "int8", "1100", data=dataset.name, identity=dataset.identity)
    subject = make_subject(cell.artifact.sha256)
    file = tmp_path / "accuracy" / f"{cell.name}.json"
    content = None if other == "no content" else dataset.content
    file.write_text(json.dumps(json.loads(file.read_text()) | {"dataset_content": content}))
    if other == "pictures":
        dataset = replace(dataset, content="f" * 64)
    if other == "weights":
        subject = replace(subject, weights=msgspec.structs.replace(WEIGHTS, sha256="f" * 64))
    if other == "labels":
        subject = replace(subject, class_offset=1)
    found = find_evaluation(tmp_path, [cell], subject, dataset, "pixel")
    assert (found is not None) == (other in ("nothing", "no content"))
