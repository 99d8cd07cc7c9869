"""One program's accuracy on a device: pack the images, run them there, score, and compare with PyTorch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.accuracy.datasets import Dataset, match_classes
from harness.accuracy.labels import expected_outputs, label_remarks, shift_remarks
from harness.accuracy.packing import NHWC, Chunk, pack
from harness.accuracy.pairing import list_outcomes
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.scoring import (
    Predictions,
    Scores,
    agreement,
    collect_predictions,
    score,
    summarize,
)
from harness.records import SCHEMA_VERSION, Accuracy, Count, Record, SchemaVersion, Sha256, Weights
from harness.system.files import copy_atomically

RunBatch = Callable[[Chunk], Path]


class Evaluation(Record, frozen=True, kw_only=True):
    """One program's accuracy on a device.

    `outcomes` has a character for each image of the data set (`pairing.list_outcomes`). `mismatching_top1`
    names the images whose top-1 class is not the reference's, `mismatching_logits` those with a logit off by
    more than the precision's tolerance. `dataset_content` is `Dataset.content`: it changes whenever a picture
    may have changed.
    """

    schema_version: SchemaVersion = SCHEMA_VERSION
    accuracy: Accuracy
    scores: Scores
    artifact_sha256: Sha256
    weights: Weights
    dataset_identity: Sha256
    preprocessing: Preprocessing
    class_offset: Count
    dataset_content: str | None = None
    outcomes: str
    mismatching_top1: tuple[str, ...]
    mismatching_logits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """What is evaluated: a program, and the preprocessing and labels that its weights were trained for."""

    artifact_sha256: str
    weights: Weights
    classes: int
    class_offset: int
    class_names: tuple[str, ...]
    preprocessing: Preprocessing


@dataclass(frozen=True)
class PairedLogits:
    """Logits of the same images, from a device and from PyTorch."""

    device: Predictions
    reference: Predictions


def check_dataset(subject: Subject, dataset: Dataset) -> None:
    """Raise UsageError unless the labels mean the same to the data set and to the network."""
    expected_outputs(dataset, (0,), classes=subject.classes, class_offset=subject.class_offset)
    if subject.class_names:
        match_classes(dataset, subject.class_names[subject.class_offset :])


def describe_labels(subject: Subject, dataset: Dataset) -> tuple[str, ...]:
    """What is assumed of the labels, as `label_remarks` says it."""
    return label_remarks(
        dataset,
        classes=subject.classes,
        class_offset=subject.class_offset,
        class_names=subject.class_names,
    )


def evaluate_program(
    subject: Subject,
    dataset: Dataset,
    run_batch: RunBatch,
    predict_reference: Callable[[Sequence[Chunk]], Predictions],
    *,
    measured_on: str,
    packed_folder: Path,
    chunk_bytes: int,
    dim_order: tuple[int, ...] = NHWC,
    progress: Callable[[int], None] = lambda images: None,
) -> tuple[Evaluation, PairedLogits]:
    """Run a data set through a program on a device, score the answers, and compare them with the reference's.

    `run_batch` sends a chunk of images, in the `dim_order` of the program's input, to the device and fetches
    their logits; `predict_reference` computes the reference's logits of the same chunks.

    Raises:
        UsageError: the data set's classes are not the network's, or none of its images can be read.
        MeasurementError: the device's outputs are not logits of these images.
    """
    check_dataset(subject, dataset)
    chunks: list[Chunk] = []

    def run(chunk: Chunk) -> Path:
        chunks.append(chunk)
        return run_batch(chunk)

    packed = pack(dataset, subject.preprocessing, packed_folder, chunk_bytes=chunk_bytes, dim_order=dim_order)
    predictions = collect_predictions(packed, run, classes=subject.classes, progress=progress)
    reference = predict_reference(chunks)
    share, mismatching = agreement(predictions, reference)
    scores = score(predictions, dataset, class_offset=subject.class_offset)
    labels = {"classes": subject.classes, "class_offset": subject.class_offset}
    expected = expected_outputs(dataset, predictions.indices, **labels)
    shifted = shift_remarks(predictions.logits.argmax(axis=1), expected, classes=subject.classes)
    evaluation = Evaluation(
        accuracy=summarize(
            scores,
            dataset,
            preprocessing=subject.preprocessing.description,
            measured_on=measured_on,
            agreement_with_eager=share,
            remarks=(*describe_labels(subject, dataset), *shifted),
        ),
        scores=scores,
        artifact_sha256=subject.artifact_sha256,
        weights=subject.weights,
        dataset_identity=dataset.identity,
        dataset_content=dataset.content,
        preprocessing=subject.preprocessing,
        class_offset=subject.class_offset,
        outcomes=list_outcomes(predictions, dataset, class_offset=subject.class_offset),
        mismatching_top1=tuple(dataset.image_names[index] for index in mismatching),
    )
    return evaluation, PairedLogits(predictions, reference)


def keep_outputs(run_batch: RunBatch, folder: Path) -> RunBatch:
    """Keep each chunk's outputs in `folder`, so that an interrupted evaluation does not run them again.

    The folder must be used for one program on one device only.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def run(chunk: Chunk) -> Path:
        kept = folder / f"{chunk.sha256}.logits"
        if not kept.exists():
            copy_atomically(run_batch(chunk), kept)
        return kept

    return run
