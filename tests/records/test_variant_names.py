import csv
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builders import make_run
from evaluations import make_evaluation
from harness.accuracy.store import save_evaluation
from harness.analysis.budget import Budget
from harness.analysis.comparison import compare
from harness.analysis.selection import pick
from harness.analysis.selection_text import explain
from harness.analysis.variant_labels import label_of, label_variants
from harness.errors import UsageError
from harness.measuring.run_record import start_record
from harness.records import Cell, Variant, Weights
from harness.records.outcomes import read_outcomes
from harness.records.run_folder import load_intact_runs, read_cells, write_cell, write_run
from reports.cells_csv import write_csv
from reports.figures import row_name, width_text
from reports.sections import arrange
from reports.tables import summarise
from synthetic import EMULATOR, PHONE, simulate_cells


def test_widths_that_are_equal_in_six_digits_name_different_cells_and_files(tmp_path: Path) -> None:
    for width in (0.25, 0.2500001):
        (cell,) = simulate_cells(EMULATOR, widths=(width,), resolutions_px=(128,), precisions=("fp32",))
        write_cell(tmp_path, cell)
    assert len(read_cells(tmp_path)) == 2
    assert width_text(0.25) != width_text(0.2500001)


RANDOM_7 = Weights(source="random", seed=7)
TRAINED = Weights(source="w.pt", sha256="a" * 64)
OTHERS: dict[str, dict[str, Any]] = {
    "another seed": {"weights": RANDOM_7},
    "weights of a file": {"weights": TRAINED},
    "another file of the same name": {"weights": replace(TRAINED, sha256="b" * 64)},
    "another entry of the file": {"weights": replace(TRAINED, entry="state_dict_ema")},
    "ten classes": {"classes": 10},
    "both": {"classes": 10, "weights": TRAINED},
}


def differing(*names: str) -> tuple[Cell, ...]:
    """Cells that differ in nothing but classes and weights; the first has those of the field."""
    (cell,) = simulate_cells(PHONE, widths=(0.25,), resolutions_px=(128,), precisions=("fp32",))
    variants = [cell.variant, *(replace(cell.variant, **OTHERS[name]) for name in names)]
    return tuple(
        replace(cell, variant=one, artifact=replace(cell.artifact, variant=one, sha256=f"{index}" * 64))
        for index, one in enumerate(variants)
    )


@pytest.mark.parametrize("other", OTHERS)
def test_cells_that_differ_only_in_weights_or_classes_never_share_a_file(tmp_path: Path, other: str) -> None:
    first, second = differing(other)
    files = {write_cell(tmp_path, cell) for cell in (first, second, first, second)}
    assert len(files) == 2
    write_run(tmp_path, make_run((first, second)))
    ((_, loaded),), errors = load_intact_runs([tmp_path])
    assert errors == ()
    assert sorted(cell.artifact.sha256 for cell in loaded) == ["0" * 64, "1" * 64]
    for cell in (first, second):
        evaluation = make_evaluation("10", artifact_sha256=cell.artifact.sha256)
        save_evaluation(tmp_path, evaluation, [cell])
    assert len(list((tmp_path / "accuracy").iterdir())) == 2
    assert len(read_outcomes(tmp_path, read_cells(tmp_path))) == 2


def test_every_row_of_such_cells_has_its_own_label_everywhere(tmp_path: Path) -> None:
    cells = differing(*OTHERS)
    labels = [row.cells[0].removesuffix(" ★") for row in summarise(cells).rows]
    assert len(set(labels)) == len(cells), labels
    (section,) = arrange(cells)
    assert len({row_name(cell) for cell in section.cells}) == len(cells)
    shown = explain(pick(cells, Budget(max_latency_ns=1.0)), all_rejected=True)
    rejected = [line for line in shown.splitlines() if line.startswith("  rejected:")]
    assert len(set(rejected)) == len(cells)
    write_csv([(make_run(cells), cells)], tmp_path / "cells.csv")
    rows = list(csv.DictReader((tmp_path / "cells.csv").read_text().splitlines()))
    columns = ("classes", "weights", "weights_sha256", "weights_entry", "weights_seed")
    assert len({tuple(row[column] for column in columns) for row in rows}) == len(cells)


def test_such_cells_of_two_runs_are_compared_each_with_its_own_and_named_apart() -> None:
    cells = differing(*OTHERS)
    comparison = compare(cells, cells[::-1])
    assert len({cell.name for cell in comparison.cells}) == len(cells)
    assert comparison.only_in_base == comparison.only_in_new == ()
    fewer = compare(cells, cells[1:])
    assert len(fewer.cells) == len(cells) - 1
    assert fewer.only_in_base == (
        "pixel-mobilenet_v1_0.25_128_fp32-t1 (1000 classes, random weights, seed 0)",
    )


def test_a_label_names_only_what_differs() -> None:
    labels = [label_of(cell.variant) for cell in label_variants(differing("another seed"))]
    assert labels == ["random weights, seed 0", "random weights, seed 7"]
    labels = [label_of(cell.variant) for cell in label_variants(differing("ten classes"))]
    assert labels == ["1000 classes", "10 classes"]
    hostile = differing("weights of a file")
    name = "\x1b[2J\u202e" + "x" * 500
    weights = replace(TRAINED, source=name)
    hostile = (hostile[0], replace(hostile[1], variant=replace(hostile[1].variant, weights=weights)))
    assert label_of(label_variants(hostile)[1].variant) == f"[2J {'x' * 26} aaaaaaaa"
    assert [label_of(cell.variant) for cell in label_variants(hostile[:1])] == [""]


def test_the_widths_of_the_field_keep_their_short_names() -> None:
    names = [Variant(width=width, resolution_px=128, precision="fp32").name for width in (0.25, 1.0)]
    assert names == ["mobilenet_v1_0.25_128_fp32", "mobilenet_v1_1_128_fp32"]


def test_a_run_folder_of_another_request_is_not_written_to(tmp_path: Path) -> None:
    request = make_run(()).request
    start_record(request, tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    assert start_record(request, tmp_path).request == request
    with pytest.raises(UsageError, match="holds a run of another request"):
        start_record(replace(request, widths=(0.75,)), tmp_path)
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_weights_file_that_changed_is_refused_before_its_run_is_continued(tmp_path: Path) -> None:
    request = make_run(()).request
    _, cell = differing("weights of a file")
    variant = cell.variant
    start_record(request, tmp_path, [variant])
    write_cell(tmp_path, cell)
    namesake = replace(variant, width=0.5, weights=replace(TRAINED, sha256="b" * 64))
    start_record(request, tmp_path, [namesake, variant])
    changed = replace(variant, width=0.5, weights=replace(TRAINED, sha256="c" * 64))
    with pytest.raises(UsageError, match=f"{TRAINED.source} has changed since {cell.name} was") as refused:
        start_record(request, tmp_path, [changed])
    assert refused.value.what.endswith(f"its sha256 began {'a' * 12}, and begins {'c' * 12} now")
    assert "another --out" in refused.value.hint
