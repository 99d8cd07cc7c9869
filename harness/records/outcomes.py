"""Which images a program classified right: saved in `accuracy/<cell>.json`, beside the cell's accuracy."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness.records import Accuracy, Cell, Record, Sha256
from harness.records.cell_files import LARGEST_FILE_BYTES, file_name_in
from harness.records.decoding import Malformed, decode_json
from harness.system.files import read_regular_file

EVALUATIONS_FOLDER = "accuracy"


class Outcomes(Record, frozen=True, kw_only=True):
    """One character for each image of the data set, in its order: right, wrong or unreadable.

    Of the same images, prepared in the same way, where `dataset_identity` and `preprocessing` are equal.
    """

    accuracy: Accuracy
    artifact_sha256: Sha256
    dataset_identity: Sha256
    preprocessing: msgspec.Raw
    outcomes: str

    def of_same_images(self, other: "Outcomes") -> bool:
        """Whether the two can be paired image by image."""
        return (
            self.dataset_identity == other.dataset_identity
            and bytes(self.preprocessing) == bytes(other.preprocessing)
            and len(self.outcomes) == len(other.outcomes)
        )


OutcomesByFigures = Mapping[tuple[object, ...], Outcomes]


def outcomes_key(artifact_sha256: str, accuracy: Accuracy) -> tuple[object, ...]:
    """Equal for a cell and the evaluation that its accuracy is from."""
    return (
        artifact_sha256,
        accuracy.measured_on,
        accuracy.dataset,
        accuracy.split,
        accuracy.preprocessing,
        accuracy.images,
        accuracy.top1.estimate,
        accuracy.top5.estimate,
    )


def read_outcomes(folder: Path, cells: Iterable[Cell]) -> dict[tuple[object, ...], Outcomes]:
    """The saved outcomes of the cells that have an accuracy, but for missing and damaged ones.

    Without them, accuracies are compared by their intervals alone.
    """
    found: dict[tuple[object, ...], Outcomes] = {}
    for cell in cells:
        if cell.accuracy is None:
            continue
        key = outcomes_key(cell.artifact.sha256, cell.accuracy)
        if key in found:
            continue
        outcomes = _read(folder / EVALUATIONS_FOLDER / file_name_in(folder, cell))
        if outcomes and outcomes_key(outcomes.artifact_sha256, outcomes.accuracy) == key:
            found[key] = outcomes
    return found


def _read(file: Path) -> Outcomes | None:
    try:
        return decode_json(read_regular_file(file, LARGEST_FILE_BYTES), Outcomes)
    except (OSError, Malformed):
        return None
