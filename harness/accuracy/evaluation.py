"""The story of an evaluation: pack, run on the device, score, and compare with the eager model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.accuracy.datasets import Dataset, match_classes
from harness.accuracy.packing import CHUNK_BYTES, Chunk, pack
from harness.accuracy.pairing import list_outcomes
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.scoring import (
    Predictions,
    Scores,
    agreement,
    collect_predictions,
    expected_outputs,
    score,
    summarize,
)
from harness.records import SCHEMA_VERSION, Accuracy, Count, Record, SchemaVersion, Sha256, Weights

RunBatch = Callable[[Chunk], Path]


class Evaluation(Record, frozen=True, kw_only=True):
    """One artifact's accuracy on a device; `differing` names the images the eager model sees otherwise.

    `outcomes` has a character for each image of the data set (`pairing.list_outcomes`); `mismatching` names
    the images whose logits differ by more than arithmetic explains.
    """

    schema_version: SchemaVersion = SCHEMA_VERSION
    accuracy: Accuracy
    scores: Scores
    artifact_sha256: Sha256
    weights: Weights
    dataset_identity: Sha256
    preprocessing: Preprocessing
    class_offset: Count
    differing: tuple[str, ...] | None
    outcomes: str = ""
    mismatching: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """What is evaluated: an artifact's outputs, and how its weights want their pictures and labels."""

    artifact_sha256: str
    weights: Weights
    classes: int
    class_offset: int
    class_names: tuple[str, ...]
    preprocessing: Preprocessing


def check_dataset(subject: Subject, dataset: Dataset) -> None:
    """Raise UsageError, before any device is touched, unless the labels mean the same to both."""
    expected_outputs(dataset, (0,), classes=subject.classes, class_offset=subject.class_offset)
    if subject.class_names:
        match_classes(dataset, subject.class_names)


def evaluate(
    subject: Subject,
    dataset: Dataset,
    run_batch: RunBatch,
    *,
    measured_on: str,
    packed_folder: Path,
    chunk_bytes: int = CHUNK_BYTES,
    predict_eagerly: Callable[[list[Chunk]], Predictions] | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> tuple[Evaluation, Predictions]:
    """Run a data set through an artifact on a device; `run_batch` sends a chunk and brings its logits back.

    Raises:
        UsageError: the data set's classes are not the network's, or none of its images can be read.
        MeasurementError: the device's outputs are not logits of these images.
    """
    check_dataset(subject, dataset)
    chunks: list[Chunk] = []

    def run(chunk: Chunk) -> Path:
        chunks.append(chunk)
        return run_batch(chunk)

    packed = pack(dataset, subject.preprocessing, packed_folder, chunk_bytes=chunk_bytes)
    predictions = collect_predictions(packed, run, classes=subject.classes, progress=progress)
    scores = score(predictions, dataset, class_offset=subject.class_offset)
    share: float | None = None
    differing: tuple[str, ...] | None = None
    if predict_eagerly is not None:
        share, indices = agreement(predictions, predict_eagerly(chunks))
        differing = tuple(dataset.image_names[index] for index in indices)
    accuracy = summarize(
        scores,
        dataset,
        preprocessing=subject.preprocessing.description,
        measured_on=measured_on,
        agreement_with_eager=share,
    )
    evaluation = Evaluation(
        accuracy=accuracy,
        scores=scores,
        artifact_sha256=subject.artifact_sha256,
        weights=subject.weights,
        dataset_identity=dataset.identity,
        preprocessing=subject.preprocessing,
        class_offset=subject.class_offset,
        differing=differing,
        outcomes=list_outcomes(predictions, dataset, class_offset=subject.class_offset),
    )
    return evaluation, predictions


def keep_outputs(run_batch: RunBatch, folder: Path) -> RunBatch:
    """Keep each chunk's outputs in a folder of one artifact on one device, so that a second run goes on."""
    folder.mkdir(parents=True, exist_ok=True)

    def run(chunk: Chunk) -> Path:
        kept = folder / f"{chunk.sha256}.logits"
        if not kept.exists():
            partial = kept.with_suffix(".partial")
            partial.write_bytes(run_batch(chunk).read_bytes())
            partial.replace(kept)
        return kept

    return run
