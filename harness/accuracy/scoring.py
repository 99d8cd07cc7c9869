"""From logits to accuracy: top-1 and top-5 with intervals, counts per class, agreement with PyTorch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.accuracy.datasets import Dataset
from harness.accuracy.labels import expected_outputs
from harness.accuracy.loading import Unreadable, none_readable
from harness.accuracy.packing import Chunk
from harness.errors import MeasurementError
from harness.records import Accuracy, Interval, Record
from harness.records.wilson import wilson_interval

Logits = NDArray[np.float32]
# Unreadable images that a cell names; the saved evaluation names all.
NAMED_UNREADABLE = 20


@dataclass(frozen=True)
class Predictions:
    """Logits (images, classes) of the data set's images `indices`, in that order."""

    logits: Logits
    indices: tuple[int, ...]
    unreadable: tuple[Unreadable, ...] = ()


class ClassScore(Record, frozen=True, kw_only=True):
    """One class: `correct` of its `images`, and how many images of any class were `predicted` as it."""

    name: str
    images: int
    correct: int
    predicted: int


class Confusion(Record, frozen=True, kw_only=True):
    """How many `images` of the class `actual` were predicted as `predicted`; both index the classes."""

    actual: int
    predicted: int
    images: int


class Scores(Record, frozen=True, kw_only=True):
    """Everything counted over the images that could be read."""

    top1: Interval
    top5: Interval
    images: int
    classes: tuple[ClassScore, ...]
    confusions: tuple[Confusion, ...]
    unreadable: tuple[Unreadable, ...]


def collect_predictions(
    chunks: Iterable[Chunk],
    run_batch: Callable[[Chunk], Path],
    *,
    classes: int,
    progress: Callable[[int], None] = lambda images: None,
) -> Predictions:
    """Run every chunk and read its output file: float32 logits, one row for each image.

    Raises:
        UsageError: none of the images can be read.
        MeasurementError: an output file has another size, or holds NaN or infinity.
    """
    parts: list[Predictions] = []
    for chunk in chunks:
        if not chunk.indices:
            parts.append(Predictions(np.empty((0, classes), np.float32), (), chunk.unreadable))
            continue
        logits = read_logits(run_batch(chunk), images=len(chunk.indices), classes=classes)
        parts.append(Predictions(logits, chunk.indices, chunk.unreadable))
        progress(sum(len(part.indices) for part in parts))
    return join_predictions(parts)


def join_predictions(parts: list[Predictions]) -> Predictions:
    """Predictions of consecutive parts of a data set as one; raises UsageError if no image can be read."""
    if not any(part.indices for part in parts):
        raise none_readable([unreadable for part in parts for unreadable in part.unreadable])
    return Predictions(
        np.concatenate([part.logits for part in parts]),
        tuple(index for part in parts for index in part.indices),
        tuple(unreadable for part in parts for unreadable in part.unreadable),
    )


def read_logits(file: Path, *, images: int, classes: int) -> Logits:
    """A batch's outputs, float32 (images, classes); raises MeasurementError as `collect_predictions` does."""
    values = np.fromfile(file, dtype="<f4")
    if values.size != images * classes or file.stat().st_size != values.nbytes:
        raise MeasurementError(
            f"{file.name} holds {file.stat().st_size} bytes, not {images} images of {classes} float32 logits"
        )
    logits = values.reshape(images, classes)
    if not np.isfinite(logits).all():
        first = int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
        raise MeasurementError(f"{file.name} has NaN or infinity among the logits of image {first}")
    return logits


def score(predictions: Predictions, dataset: Dataset, *, class_offset: int = 0) -> Scores:
    """Count correct predictions; of equal logits the lowest class number ranks first, as in argmax."""
    classes = predictions.logits.shape[1]
    expected = expected_outputs(dataset, predictions.indices, classes=classes, class_offset=class_offset)
    ranks = _rank(predictions.logits, expected)
    predicted = predictions.logits.argmax(axis=1)
    pairs, counts = np.unique(np.stack([expected, predicted], axis=1), axis=0, return_counts=True)
    table = tuple(
        ClassScore(
            name=name,
            images=int((expected == output).sum()),
            correct=int(((expected == output) & (predicted == output)).sum()),
            predicted=int((predicted == output).sum()),
        )
        for output, name in enumerate(dataset.classes, start=class_offset)
    )
    return Scores(
        top1=wilson_interval(int((ranks < 1).sum()), len(ranks)),
        top5=wilson_interval(int((ranks < 5).sum()), len(ranks)),
        images=len(ranks),
        classes=table,
        confusions=tuple(
            Confusion(actual=int(a) - class_offset, predicted=int(p) - class_offset, images=int(n))
            for (a, p), n in zip(pairs, counts, strict=True)
            if a != p
        ),
        unreadable=predictions.unreadable,
    )


def _rank(logits: Logits, expected: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many outputs rank before the expected one: 0 is correct."""
    own = np.take_along_axis(logits, expected[:, None], axis=1)
    before = np.arange(logits.shape[1]) < expected[:, None]
    ahead: NDArray[np.int64] = ((logits > own) | ((logits == own) & before)).sum(axis=1)
    return ahead


def summarize(
    scores: Scores,
    dataset: Dataset,
    *,
    preprocessing: str,
    measured_on: str,
    agreement_with_eager: float,
    remarks: tuple[str, ...] = (),
) -> Accuracy:
    """The part of the scores that is saved in a cell."""
    named = scores.unreadable[:NAMED_UNREADABLE]
    return Accuracy(
        top1=scores.top1,
        top5=scores.top5,
        images=scores.images,
        dataset=dataset.name,
        split=dataset.split,
        preprocessing=preprocessing,
        measured_on=measured_on,
        agreement_with_eager=agreement_with_eager,
        unreadable=len(scores.unreadable),
        unreadable_images=tuple(f"{picture.image}: {picture.reason}" for picture in named),
        remarks=remarks,
    )


def agreement(one: Predictions, other: Predictions) -> tuple[float, tuple[int, ...]]:
    """Share of images with the same top-1 class, and the indices of the others.

    Raises:
        MeasurementError: the predictions are not of the same images in the same order.
    """
    _require_same_images(one, other)
    differs = one.logits.argmax(axis=1) != other.logits.argmax(axis=1)
    return float(1 - differs.mean()), tuple(one.indices[at] for at in np.flatnonzero(differs))


def _require_same_images(one: Predictions, other: Predictions) -> None:
    if one.indices != other.indices or one.logits.shape != other.logits.shape:
        raise MeasurementError(
            f"predictions of {len(one.indices)} and {len(other.indices)} images cannot be compared: "
            "they are not of the same images in the same order",
            hint="evaluate both on the same data set, split and preprocessing",
        )
