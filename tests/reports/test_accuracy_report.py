"""Accuracy in reports: intervals, drops from fp32, unreadable images, and outputs unlike PyTorch's."""

import csv
import io
from pathlib import Path

from msgspec.structs import replace

from builders import make_run, with_accuracy
from harness.records import Cell, Interval, PairedDrop, PrecisionName, Stage, Variant, Weights
from reports.accuracy import accuracy_notes, describe_accuracy, left_out
from reports.padding import padding_costs
from reports.report import write_report
from reports.table_notes import DROP
from reports.tables import summarise
from synthetic import EMULATOR, PHONE, simulate_cell


def _evaluated(precision: PrecisionName, top1: float, *, drop: float | None = None, threads: int = 1) -> Cell:
    variant = Variant(width=0.25, resolution_px=128, precision=precision)
    cell = with_accuracy(simulate_cell(PHONE, variant, threads=threads), top1)
    if drop is None or cell.accuracy is None:
        return cell
    points = Interval(estimate=drop, low=drop - 0.5, high=drop + 0.7)
    paired = PairedDrop(drop_pp=points, images=4000, only_base=90, only_new=20, p_value=1e-4)
    return replace(cell, accuracy=replace(cell.accuracy, drop_from_fp32=paired))


def _with_defects(
    cell: Cell, *, first_mismatch_at: Stage | None = None, unreadable: tuple[str, ...] = ()
) -> Cell:
    assert cell.accuracy
    accuracy = replace(
        cell.accuracy,
        first_mismatch_at=first_mismatch_at,
        unreadable=len(unreadable) and 25,
        unreadable_images=unreadable,
    )
    return replace(cell, accuracy=accuracy)


def test_the_accuracy_drop_has_a_column_if_a_cell_has_one() -> None:
    assert DROP not in summarise([_evaluated("fp32", 0.5)]).columns
    table = summarise([_evaluated("fp32", 0.5), _evaluated("int8", 0.49, drop=1.0)])
    column = table.columns.index(DROP)
    assert sorted(row.cells[column] for row in table.rows) == ["1.0 ± 0.7", "–"]  # noqa: RUF001
    assert any("on the same images" in note for note in table.notes)
    assert not any("below fp32." in note for note in table.notes)


def test_a_drop_of_more_than_two_points_is_a_note() -> None:
    (note,) = accuracy_notes([_evaluated("fp16", 0.47, drop=3.0)])
    assert note == "0.25/128 fp16: top-1 is 3.00 (2.50 to 3.70) pp below fp32."


def test_the_command_that_may_recover_int8_accuracy_is_named_once_per_file() -> None:
    cells = [_evaluated("int8", 0.47, drop=3.0, threads=threads) for threads in (1, 2)]
    drop, advice = accuracy_notes(cells)
    assert drop.startswith("0.25/128 int8: top-1 is 3.00")
    assert advice == (
        "Quantization-aware training may recover int8 accuracy: harness train --from trained.pt"
        " --quantization-aware --dataset DATASET --out trained-qat.safetensors"
    )
    assert advice in summarise(cells).notes
    assert accuracy_notes([_evaluated("int8", 0.49, drop=1.9)]) == ()


def test_a_file_name_of_another_machine_is_quoted_in_the_command() -> None:
    cell = _evaluated("int8", 0.47, drop=3.0)
    weights = Weights(source="my $(evil) \x1b[2J.pt", sha256="a" * 64)
    _, advice = accuracy_notes([replace(cell, variant=replace(cell.variant, weights=weights))])
    assert "--from 'my $(evil) [2J.pt' --quantization-aware" in advice


def test_a_gain_is_a_negative_drop() -> None:
    (row,) = describe_accuracy([_evaluated("int8", 0.51, drop=-1.25)])
    assert "-1.25 (-1.75 to -0.55)" in row.texts


def test_cells_of_one_file_share_a_row() -> None:
    cells = [_evaluated("fp32", 0.5, threads=threads) for threads in (1, 2)]
    (row,) = describe_accuracy(cells)
    assert row.name == "0.25/128 fp32"
    assert row.texts[0] == "50.0 (48.8 to 51.1)"


def test_unreadable_images_are_counted_and_named() -> None:
    cell = _with_defects(_evaluated("fp32", 0.5), unreadable=("a/1.png: truncated", "b/\x1b[2J.jpg: CMYK"))
    assert left_out([cell, cell]) == (
        "a/1.png: truncated",
        "b/ [2J.jpg: CMYK",
        "and 23 more, listed in the run folder's accuracy/*.json",
    )
    (note,) = accuracy_notes([cell])
    assert note.startswith(
        "25 of 4,025 images of Imagenette could not be read and are not counted, such as a"
    )
    accuracy = replace(cell.accuracy, unreadable_images=()) if cell.accuracy else None
    (unnamed,) = accuracy_notes([replace(cell, accuracy=accuracy)])
    assert unnamed == "25 of 4,025 images of Imagenette could not be read and are not counted."


def test_remarks_on_labels_are_notes_and_a_column(tmp_path: Path) -> None:
    cell = _evaluated("fp32", 0.5)
    assert cell.accuracy
    cell = replace(cell, accuracy=replace(cell.accuracy, remarks=("no image has the label 0", "b\x1b[2J")))
    assert accuracy_notes([cell, cell]) == (
        "Labels of Imagenette: no image has the label 0.",
        "Labels of Imagenette: b [2J.",
    )
    page = write_report([(make_run((cell,)), (cell,))], tmp_path).read_text()
    assert "no image has the label 0" in page
    (row,) = csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text()))
    assert row["accuracy_remarks"].startswith("no image has the label 0; b")


def test_an_output_unlike_pytorchs_is_reported_with_the_stage_of_the_first_mismatch() -> None:
    (note,) = accuracy_notes([_with_defects(_evaluated("fp32", 0.5), first_mismatch_at="device")])
    assert note.startswith("0.25/128 fp32: output differs from PyTorch's; first mismatch: on the device.")


def test_pages_and_cells_have_all_of_it(tmp_path: Path) -> None:
    cells = (
        _with_defects(_evaluated("fp32", 0.5), unreadable=("a/<b>.png: truncated",)),
        _evaluated("int8", 0.47, drop=3.0),
    )
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    markdown = (tmp_path / "report.md").read_text()
    for text in (page, markdown):
        assert "3.00 (2.50 to 3.70)" in text
        assert "50.0 (48.8 to 51.1)" in text
        assert "not counted: a/&lt;b&gt;.png: truncated" in text
        assert "Imagenette validation, run on pixel: resize 256, crop" in text
    rows = list(csv.DictReader(io.StringIO((tmp_path / "cells.csv").read_text())))
    assert [row["unreadable_images"] for row in rows] == ["25", "0"]
    assert [row["drop_from_fp32_pp"] for row in rows] == ["", "3.0"]
    assert [row["drop_from_fp32_low_pp"] for row in rows] == ["", "2.5"]


def test_without_evaluations_there_is_no_section(tmp_path: Path) -> None:
    cells = (simulate_cell(PHONE, Variant(width=0.25, resolution_px=128, precision="fp32")),)
    page = write_report([(make_run(cells), cells)], tmp_path).read_text()
    assert 'id="accuracy"' not in page


# Padding -------------------------------------------------------------------------------------------


def _padded(cell: Cell, factor: float) -> Cell:
    counted = int((cell.instructions_per_inference or 0) * factor)
    processes = tuple(replace(p, instructions_per_inference=counted) for p in cell.processes)
    variant = replace(cell.variant, padding="tf_same")
    return replace(cell, variant=variant, processes=processes, instructions_per_inference=counted)


def test_the_cost_of_tf_same_padding_is_compared_with_the_same_shape() -> None:
    symmetric = simulate_cell(EMULATOR, Variant(width=0.5, resolution_px=224, precision="fp32"))
    other = simulate_cell(EMULATOR, Variant(width=0.5, resolution_px=192, precision="fp32"))
    cells = [symmetric, other, _padded(symmetric, 1.005)]
    (sentence,) = padding_costs(cells)
    assert sentence == "0.5/224 tf_same fp32 costs +0.50 % instructions compared with symmetric padding."
    assert sentence in summarise(cells).notes


def test_a_cost_of_nothing_has_no_sign_of_a_gain() -> None:
    symmetric = simulate_cell(EMULATOR, Variant(width=0.5, resolution_px=224, precision="fp32"))
    (sentence,) = padding_costs([symmetric, _padded(symmetric, 1 - 1e-6)])
    assert "costs +0.00 % instructions" in sentence


def test_the_cost_of_padding_in_latency_has_the_range_that_both_intervals_allow() -> None:
    symmetric = simulate_cell(PHONE, Variant(width=0.5, resolution_px=224, precision="int8"))
    tf_same = replace(symmetric, variant=replace(symmetric.variant, padding="tf_same"))
    (sentence,) = padding_costs([symmetric, tf_same])
    assert sentence.startswith("0.5/224 tf_same int8 costs +0.00 % (-")
    assert padding_costs([tf_same]) == ()
    litert = replace(symmetric, variant=replace(symmetric.variant, runtime="litert"))
    assert padding_costs([litert, tf_same]) == ()
