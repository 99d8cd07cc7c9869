"""Evaluations in a run folder: `accuracy/<cell>.json`, beside the accuracy in the cell itself."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.accuracy.assessment import Evaluation, Subject
from harness.accuracy.datasets import Dataset
from harness.records import Cell
from harness.results import cell_file_name, write_cell

FOLDER = "accuracy"


def save_evaluation(folder: Path, evaluation: Evaluation, cells: Iterable[Cell]) -> None:
    """Write all that was counted beside the cells, and its summary into them."""
    content = msgspec.json.format(msgspec.json.encode(evaluation)) + b"\n"
    (folder / FOLDER).mkdir(exist_ok=True)
    for cell in cells:
        file = folder / FOLDER / cell_file_name(cell.name)
        partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        partial.write_bytes(content)
        partial.replace(file)
        write_cell(folder, msgspec.structs.replace(cell, accuracy=evaluation.accuracy))


def find_evaluation(
    folder: Path, cells: Iterable[Cell], subject: Subject, dataset: Dataset, measured_on: str
) -> Evaluation | None:
    """What was saved for one of these cells, if it is of the same file, images, preparation and device."""
    for cell in cells:
        try:
            content = (folder / FOLDER / cell_file_name(cell.name)).read_bytes()
            evaluation = msgspec.json.decode(content, type=Evaluation)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        accuracy = evaluation.accuracy
        if (
            evaluation.artifact_sha256 == cell.artifact.sha256
            and evaluation.dataset_identity == dataset.identity
            and evaluation.preprocessing == subject.preprocessing
            and (accuracy.dataset, accuracy.split) == (dataset.name, dataset.split)
            and accuracy.measured_on == measured_on
        ):
            return evaluation
    return None
