"""Accuracy is counted right, and its intervals are the published ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.accuracy.datasets import Dataset
from harness.accuracy.loading import Unreadable
from harness.accuracy.packing import Chunk
from harness.accuracy.scoring import (
    Predictions,
    agreement,
    collect_predictions,
    read_logits,
    score,
    summarize,
)
from harness.errors import MeasurementError, UsageError
from harness.records.wilson import wilson_interval


def _dataset(labels: tuple[int, ...], classes: int) -> Dataset:
    return Dataset(
        name="made",
        split="test",
        classes=tuple(f"c{number}" for number in range(classes)),
        labels=labels,
        image_names=tuple(map(str, range(len(labels)))),
        content="",
        read=lambda index: Image.new("RGB", (1, 1)),
    )


def _predictions(predicted: list[int], classes: int) -> Predictions:
    return Predictions(np.eye(classes, dtype=np.float32)[predicted], tuple(range(len(predicted))))


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17, 857), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_wilson_intervals_are_the_published_ones(
    successes: int, trials: int, low: float, high: float
) -> None:
    interval = wilson_interval(successes, trials)
    assert interval.estimate == successes / trials
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_wilson_intervals_need_trials() -> None:
    with pytest.raises(ValueError, match="0 successes in 0 trials"):
        wilson_interval(0, 0)


def test_scores_count_each_class_and_each_confusion() -> None:
    scores = score(_predictions([0, 1, 1, 2, 0], 3), _dataset((0, 0, 1, 2, 2), 3))
    assert scores.top1.estimate == 3 / 5
    assert [(c.images, c.correct, c.predicted) for c in scores.classes] == [(2, 1, 2), (1, 1, 2), (2, 1, 1)]
    assert [(c.actual, c.predicted, c.images) for c in scores.confusions] == [(0, 1, 1), (2, 0, 1)]


def test_top5_counts_the_five_largest_and_ties_go_to_the_lower_class() -> None:
    logits = np.array([[6, 5, 4, 3, 2, 1], [0, 0, 0, 0, 0, 0]], dtype=np.float32)
    dataset = _dataset((4, 5), 6)
    scores = score(Predictions(logits, (0, 1)), dataset)
    assert scores.top1.estimate == 0
    assert scores.top5.estimate == 0.5
    first_of_equals = score(Predictions(logits[1:], (0,)), _dataset((0, 1), 6))
    assert first_of_equals.top1.estimate == 1


def test_a_background_class_shifts_labels_and_is_demanded_explicitly() -> None:
    dataset, predictions = _dataset((0, 1), 2), _predictions([1, 2], 3)
    scores = score(predictions, dataset, class_offset=1)
    assert scores.top1.estimate == 1
    assert [c.correct for c in scores.classes] == [1, 1]
    assert scores.confusions == ()
    with pytest.raises(UsageError, match="the network has 3 classes, made has 2"):
        score(predictions, dataset)


def test_the_background_may_be_predicted_and_counts_as_wrong() -> None:
    scores = score(_predictions([0, 2], 3), _dataset((0, 1), 2), class_offset=1)
    assert [(c.actual, c.predicted) for c in scores.confusions] == [(0, -1)]


def test_only_images_that_were_read_are_counted_and_the_others_named() -> None:
    lost = Unreadable(image="1", reason="truncated")
    predictions = Predictions(np.eye(2, dtype=np.float32), (0, 2), (lost,))
    scores = score(predictions, _dataset((0, 0, 1), 2))
    assert (scores.images, scores.top1.estimate, scores.unreadable) == (2, 1.0, (lost,))


def test_the_summary_for_a_cell_says_where_and_how_it_was_measured() -> None:
    dataset = _dataset((0, 1), 2)
    scores = score(_predictions([0, 1], 2), dataset)
    accuracy = summarize(scores, dataset, preprocessing="p", measured_on="pixel", agreement_with_eager=0.5)
    assert (accuracy.dataset, accuracy.split, accuracy.images) == ("made", "test", 2)
    assert (accuracy.preprocessing, accuracy.measured_on, accuracy.agreement_with_eager) == (
        "p",
        "pixel",
        0.5,
    )
    assert (accuracy.unreadable, accuracy.unreadable_images) == (0, ())


def test_the_summary_names_the_first_pictures_that_could_not_be_read_and_counts_all() -> None:
    dataset = _dataset((0, 1) + (0,) * 30, 2)
    lost = tuple(Unreadable(image=f"{number}.jpg", reason="truncated") for number in range(30))
    scores = score(Predictions(np.eye(2, dtype=np.float32), (0, 1), lost), dataset)
    accuracy = summarize(scores, dataset, preprocessing="p", measured_on="pixel", agreement_with_eager=1.0)
    assert (accuracy.images, accuracy.unreadable, len(accuracy.unreadable_images)) == (2, 30, 20)
    assert accuracy.unreadable_images[0] == "0.jpg: truncated"


def test_agreement_names_the_images_that_differ() -> None:
    share, differing = agreement(_predictions([0, 1, 2, 0], 3), _predictions([0, 2, 2, 0], 3))
    assert (share, differing) == (0.75, (1,))


def test_images_in_another_order_cannot_be_paired() -> None:
    one = _predictions([0, 1], 2)
    other = Predictions(one.logits, (1, 0))
    with pytest.raises(MeasurementError, match="not of the same images in the same order"):
        agreement(one, other)


def test_outputs_are_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "out.bin"
    logits = np.arange(6, dtype="<f4").reshape(2, 3)
    file.write_bytes(logits.tobytes())
    assert np.array_equal(read_logits(file, images=2, classes=3), logits)
    with pytest.raises(MeasurementError, match="holds 24 bytes, not 3 images of 3"):
        read_logits(file, images=3, classes=3)
    file.write_bytes(logits.tobytes() + b"x")
    with pytest.raises(MeasurementError, match="holds 25 bytes"):
        read_logits(file, images=2, classes=3)
    logits[1, 2] = np.nan
    file.write_bytes(logits.tobytes())
    with pytest.raises(MeasurementError, match="among the logits of image 1"):
        read_logits(file, images=2, classes=3)


def test_predictions_are_collected_over_chunks_in_order(tmp_path: Path) -> None:
    lost = Unreadable(image="x", reason="truncated")
    chunks = [
        Chunk(tmp_path / "a", "", (0, 1), (), 1.0, 0.0),
        Chunk(tmp_path / "b", "", (3,), (lost,), 1.0, 0.0),
    ]

    def run_batch(chunk: Chunk) -> Path:
        output = tmp_path / f"{chunk.path.name}.out"
        np.repeat(np.array(chunk.indices, dtype="<f4"), 2).tofile(output)
        return output

    seen: list[int] = []
    predictions = collect_predictions(chunks, run_batch, classes=2, progress=seen.append)
    assert predictions.indices == (0, 1, 3)
    assert predictions.logits.tolist() == [[0, 0], [1, 1], [3, 3]]
    assert (predictions.unreadable, seen) == ((lost,), [2, 3])


def _chunk(path: Path, indices: tuple[int, ...], unreadable: tuple[str, ...]) -> Chunk:
    lost = tuple(Unreadable(image=name, reason="gone") for name in unreadable)
    return Chunk(path, "", indices, lost, 1.0, 0.0)


def test_a_chunk_without_images_is_not_run_and_its_images_are_counted(tmp_path: Path) -> None:
    logits = tmp_path / "logits"
    np.eye(2, dtype="<f4").tofile(logits)
    full, empty = _chunk(tmp_path / "1", (0, 1), ()), _chunk(tmp_path / "2", (), ("2", "3"))
    run: list[Chunk] = []

    def run_batch(chunk: Chunk) -> Path:
        run.append(chunk)
        return logits

    predictions = collect_predictions([full, empty], run_batch, classes=2)
    assert run == [full]
    assert predictions.indices == (0, 1)
    assert [entry.image for entry in predictions.unreadable] == ["2", "3"]
    with pytest.raises(UsageError, match="none of 2 images of the data set can be read; the first, 2: gone"):
        collect_predictions([empty], run_batch, classes=2)
