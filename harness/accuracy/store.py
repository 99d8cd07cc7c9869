"""Evaluations in a run folder: `accuracy/<cell>.json`, beside the accuracy in the cell itself."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.accuracy.datasets import Dataset
from harness.accuracy.evaluation import Evaluation, Subject
from harness.analysis.paired import paired_drop
from harness.analysis.precisions import BASELINE
from harness.records import Cell
from harness.records.cell_files import LARGEST_FILE_BYTES, file_name_in, refuse_link
from harness.records.decoding import Malformed, decode_json
from harness.records.outcomes import EVALUATIONS_FOLDER
from harness.records.run_folder import read_cells, write_cell
from harness.system.files import read_regular_file, write_atomically


def save_evaluation(folder: Path, evaluation: Evaluation, cells: Iterable[Cell]) -> None:
    """Save the evaluation for each of its program's cells, and its accuracy in the cells themselves."""
    content = msgspec.json.format(msgspec.json.encode(evaluation)) + b"\n"
    refuse_link(folder / EVALUATIONS_FOLDER)
    (folder / EVALUATIONS_FOLDER).mkdir(exist_ok=True)
    for cell in cells:
        file = folder / EVALUATIONS_FOLDER / file_name_in(folder, cell)
        write_atomically(file, content)
        write_cell(folder, msgspec.structs.replace(cell, accuracy=evaluation.accuracy))


def find_evaluation(
    folder: Path, cells: Iterable[Cell], subject: Subject, dataset: Dataset, measured_on: str
) -> Evaluation | None:
    """The saved evaluation of one of these cells, if program, weights, images, labels and device agree.

    By content: a picture that may have changed since, or weights of another digest, are other ones. An
    evaluation of an earlier version of the harness has no digest of its pictures.
    """
    for cell in cells:
        evaluation = _read(folder, cell)
        if evaluation is None:
            continue
        accuracy = evaluation.accuracy
        if (
            evaluation.artifact_sha256 == cell.artifact.sha256
            and evaluation.weights.sha256 == subject.weights.sha256
            and evaluation.dataset_identity == dataset.identity
            and evaluation.dataset_content in (None, dataset.content)
            and evaluation.class_offset == subject.class_offset
            and evaluation.preprocessing == subject.preprocessing
            and (accuracy.dataset, accuracy.split) == (dataset.name, dataset.split)
            and accuracy.measured_on == measured_on
        ):
            return evaluation
    return None


def pair_with_fp32(folder: Path) -> None:
    """Save in each evaluated cell its accuracy drop from fp32, with the same weights and images.

    Both must be cells of the same device, evaluated on the same machine with the same preprocessing.
    """
    evaluated = [(cell, _read(folder, cell)) for cell in read_cells(folder) if cell.accuracy]
    found = [(cell, evaluation) for cell, evaluation in evaluated if evaluation and evaluation.outcomes]
    bases = {
        _pairing_key(cell, evaluation): evaluation
        for cell, evaluation in found
        if cell.variant.precision == BASELINE
    }
    for cell, evaluation in found:
        base = bases.get(_pairing_key(cell, evaluation))
        if cell.variant.precision == BASELINE or base is None:
            continue
        drop = paired_drop(base.outcomes, evaluation.outcomes)
        if cell.accuracy and cell.accuracy.drop_from_fp32 != drop:
            accuracy = msgspec.structs.replace(evaluation.accuracy, drop_from_fp32=drop)
            save_evaluation(folder, msgspec.structs.replace(evaluation, accuracy=accuracy), [cell])


def _pairing_key(cell: Cell, evaluation: Evaluation) -> tuple[object, ...]:
    """Equal for evaluations that differ only in precision or threads; threads do not change the logits.

    The number of outcomes is that of the data set's images; a damaged evaluation may have another.
    """
    variant = msgspec.structs.replace(cell.variant, precision=BASELINE)
    return (
        variant,
        cell.device.name,
        evaluation.accuracy.measured_on,
        evaluation.dataset_identity,
        evaluation.dataset_content,
        evaluation.class_offset,
        evaluation.preprocessing,
        len(evaluation.outcomes),
    )


def _read(folder: Path, cell: Cell) -> Evaluation | None:
    """The saved evaluation of a cell, or None when it is missing, damaged or of another major schema version.

    Then the cell is evaluated again.
    """
    try:
        content = read_regular_file(
            folder / EVALUATIONS_FOLDER / file_name_in(folder, cell), LARGEST_FILE_BYTES
        )
        return decode_json(content, Evaluation)
    except (OSError, Malformed):
        return None
