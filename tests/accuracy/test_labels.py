"""Labels that count from 1 and background classes are reported or refused, never scored off by one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.accuracy.datasets import Dataset, open_dataset
from harness.accuracy.evaluation import Subject, check_dataset, evaluate_program
from harness.accuracy.labels import (
    class_offset_of,
    expected_outputs,
    label_remarks,
    resolve_class_offset,
    shift_remarks,
)
from harness.accuracy.packing import Chunk
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.scoring import Predictions
from harness.errors import UsageError
from harness.records import Weights

NUMBERS = tuple(map(str, range(1000)))


def _dataset(labels: tuple[int, ...], classes: tuple[str, ...]) -> Dataset:
    return Dataset(
        name="made",
        split="test",
        classes=classes,
        labels=labels,
        image_names=tuple(map(str, range(len(labels)))),
        content="".join(map(str, labels)),
        read=lambda index: Image.new("RGB", (4, 4), (index, 0, 0)),
    )


def test_labels_that_never_use_0_are_reported() -> None:
    dataset = _dataset((1, 7, 999), NUMBERS)
    (remark,) = label_remarks(dataset, classes=1000, class_offset=0)
    assert remark == (
        "no image of 3 has the label 0, the labels are 1 to 999 of 1000 classes: if they count from 1, each"
        " is off by one"
    )
    assert label_remarks(_dataset((0, 999), NUMBERS), classes=1000, class_offset=0) == ()


def test_an_assumed_background_class_is_reported() -> None:
    (remark,) = label_remarks(_dataset((0, 9), NUMBERS), classes=1001, class_offset=1)
    assert remark == (
        "output 0 of the network's 1001 is taken for a background class: label L is output L + 1"
    )


def test_classes_named_by_numbers_in_the_order_of_text_are_reported() -> None:
    dataset = _dataset((0, 1, 2), ("0", "10", "9"))
    (remark,) = label_remarks(dataset, classes=3, class_offset=0)
    assert "'10' is class 1" in remark
    assert label_remarks(dataset, classes=3, class_offset=0, class_names=dataset.classes) == ()


def test_classes_named_from_1_are_reported() -> None:
    (remark,) = label_remarks(_dataset((0, 1), ("1", "2")), classes=2, class_offset=0)
    assert remark.startswith("the class named '1' is label 0")


def test_names_in_another_order_than_imagenets_are_reported() -> None:
    named = tuple(f"name {number}" for number in range(1000))
    (remark,) = label_remarks(_dataset((0, 1), named), classes=1000, class_offset=0)
    assert "'name 0' first" in remark
    synsets = tuple(f"n{number:08d}" for number in range(1000))
    assert label_remarks(_dataset((0, 1), synsets), classes=1000, class_offset=0) == ()


@pytest.mark.parametrize(("by", "word"), [(-1, "lower"), (1, "higher")])
def test_labels_that_would_be_right_one_off_are_reported_with_both_accuracies(by: int, word: str) -> None:
    expected = np.arange(1, 101)
    (remark,) = shift_remarks(expected + by, expected, classes=102)
    assert remark == (
        f"if every label were one {word}, top-1 would be 100.0% rather than 0.0%: the labels are probably off"
        " by one"
    )
    assert shift_remarks(expected, expected, classes=102) == ()


def test_labels_that_use_every_class_cannot_be_off_by_one() -> None:
    expected = np.arange(10)
    assert shift_remarks((expected + 1) % 10, expected, classes=10) == ()


@pytest.mark.parametrize(
    ("classes", "names", "offset"),
    [
        (1000, (), 0),
        (1001, (), 1),
        (None, (), 0),
        (3, ("background", "cat", "dog"), 1),
        (1001, NUMBERS, 0),
    ],
)
def test_the_background_class_is_known_by_its_name_or_imagenets_number(
    classes: int | None, names: tuple[str, ...], offset: int
) -> None:
    assert class_offset_of(classes, names) == offset


def test_a_data_set_with_the_background_class_is_not_shifted() -> None:
    whole = _dataset((0, 1000), ("background", *NUMBERS))
    assert resolve_class_offset(whole, classes=1001, class_offset=1) == 0
    assert resolve_class_offset(_dataset((0, 1), NUMBERS), classes=1001, class_offset=1) == 1


@pytest.mark.parametrize(
    ("dataset", "classes", "says"),
    [
        (_dataset((1, 2), ("0", "1", "2")), 2, "the labels seem to count from 1"),
        (_dataset((0, 1), ("background", "cat")), 1, "remove that class and its images"),
        (_dataset((0, 1), ("cat", "dog")), 3, "if the network's output 0 is a background class"),
        (_dataset((0, 1), ("cat", "dog")), 7, "train a head for these"),
    ],
)
def test_one_class_more_or_less_is_refused_with_what_to_do(dataset: Dataset, classes: int, says: str) -> None:
    with pytest.raises(UsageError, match="the network has") as refused:
        expected_outputs(dataset, (0,), classes=classes, class_offset=0)
    assert says in (refused.value.hint or "")


def test_a_network_of_too_many_classes_is_refused_with_both_numbers() -> None:
    with pytest.raises(UsageError) as refused:
        expected_outputs(_dataset((0, 1), ("cat", "dog")), (0,), classes=1001, class_offset=1)
    assert refused.value.what.startswith("the network has 1001 classes, the background among them, ")
    assert refused.value.what.endswith(" has 2")


def test_own_classes_behind_a_background_class_match_by_name() -> None:
    subject = Subject(
        artifact_sha256="0" * 64,
        weights=Weights(source="random", seed=0),
        classes=3,
        class_offset=1,
        class_names=("background", "cat", "dog"),
        preprocessing=Preprocessing(resolution_px=4),
    )
    check_dataset(subject, _dataset((0, 1), ("cat", "dog")))
    with pytest.raises(UsageError, match="in another order"):
        check_dataset(subject, _dataset((0, 1), ("dog", "cat")))


def test_an_evaluation_records_that_its_labels_are_off_by_one(tmp_path: Path) -> None:
    labels = tuple(range(1, 31))
    dataset = _dataset(labels, NUMBERS)
    logits = np.eye(1000, dtype=np.float32)[[label - 1 for label in labels]]
    subject = Subject(
        artifact_sha256="0" * 64,
        weights=Weights(source="random", seed=0),
        classes=1000,
        class_offset=0,
        class_names=(),
        preprocessing=Preprocessing(resolution_px=4),
    )

    def run(chunk: Chunk) -> Path:
        file = tmp_path / "logits"
        logits[list(chunk.indices)].tofile(file)
        return file

    evaluation, _ = evaluate_program(
        subject,
        dataset,
        run,
        lambda chunks: Predictions(logits, tuple(range(30))),
        measured_on="pixel",
        packed_folder=tmp_path,
        chunk_bytes=1 << 20,
    )
    unused, shifted = evaluation.accuracy.remarks
    assert unused.startswith("no image of 30 has the label 0")
    assert shifted.startswith("if every label were one lower, top-1 would be 100.0% rather than 0.0%")


@pytest.mark.parametrize(
    ("labels", "says"),
    [((1, 2), "the labels count from 1"), ((-1, 0), "a label below 0 stands for no label")],
)
def test_a_label_without_a_class_is_refused_with_what_to_do(labels: tuple[int, ...], says: str) -> None:
    with pytest.raises(UsageError, match="has a label") as refused:
        _dataset(labels, ("cat", "dog"))
    assert says in (refused.value.hint or "")


def test_imagenet_labels_that_never_reach_1000_are_reported(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (4, 4)).save(tmp_path / f"ILSVRC2012_val_{number + 1:08d}.JPEG")
    (tmp_path / "val.txt").write_text("1\n999\n5\n")
    dataset = open_dataset(f"imagenet:{tmp_path}")
    (remark,) = label_remarks(dataset, classes=1000, class_offset=0)
    assert remark.startswith("no image of 3 has the label 0, the labels are 1 to 999 of 1000 classes")
