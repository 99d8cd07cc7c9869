"""Which output of a network a data set's label means, and signs that labels are off by one."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.accuracy.datasets import Dataset
from harness.errors import UsageError
from harness.records.wilson import wilson_interval

_IMAGENET_OUTPUTS = (1000, 1001)
_BACKGROUNDS = frozenset({"background", "__background__", "dummy"})
_SYNSET = re.compile(r"n\d{8}")


def class_offset_of(classes: int | None, class_names: tuple[str, ...]) -> int:
    """The output that label 0 means in a data set without the network's background class.

    ImageNet has 1000 classes; TensorFlow adds a background class before them.
    """
    if class_names:
        return int(_is_background(class_names[0]))
    return int(classes == 1001)


def resolve_class_offset(dataset: Dataset, *, classes: int, class_offset: int) -> int:
    """`class_offset`, or 0 where the data set has a class for each output, the background among them."""
    return 0 if len(dataset.classes) == classes else class_offset


def expected_outputs(
    dataset: Dataset, indices: tuple[int, ...], *, classes: int, class_offset: int
) -> NDArray[np.int64]:
    """The network's output number of each image's label.

    Raises:
        UsageError: the network has another number of classes than the data set, offset included.
    """
    if len(dataset.classes) + class_offset != classes:
        raise UsageError(
            f"the network has {classes} classes"
            + (", the background among them" if class_offset else "")
            + f", {dataset.name} has {len(dataset.classes)}",
            hint=_hint(dataset, classes - len(dataset.classes)),
        )
    return np.array([dataset.labels[index] + class_offset for index in indices], dtype=np.int64)


def _hint(dataset: Dataset, more: int) -> str:
    """What to do about a network with `more` outputs than the data set has classes."""
    if more == -1 and _is_background(dataset.classes[0]):
        return f"the network has no output for {dataset.classes[0]!r}: remove that class and its images"
    if more == -1 and min(dataset.labels) > 0:
        return "no image has the label 0: the labels seem to count from 1; make them count from 0"
    if more == 1:
        return (
            "if the network's output 0 is a background class, remove the first row of its classifier's weight"
            " and bias; else train a head for these classes: harness train --from"
        )
    return "evaluate on the classes of the weights, or train a head for these: harness train --from"


def label_remarks(
    dataset: Dataset, *, classes: int, class_offset: int, class_names: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """What was assumed of labels that neither the data set nor the weights state, a sentence each."""
    return tuple(_remarks(dataset, classes, class_offset, class_names))


def _remarks(
    dataset: Dataset, classes: int, class_offset: int, class_names: tuple[str, ...]
) -> Iterator[str]:
    names, outputs = dataset.classes, len(dataset.classes) + class_offset
    low, high = min(dataset.labels), max(dataset.labels)
    if class_offset and not class_names:
        yield f"output 0 of the network's {outputs} is taken for a background class: label L is output L + 1"
    if low > 0:
        yield (
            f"no image of {len(dataset):,} has the label 0, the labels are {low} to {high} of {len(names)}"
            " classes: if they count from 1, each is off by one"
        )
    if class_names:
        return
    if all(name.isdecimal() for name in names) and sorted(names, key=int) != list(names):
        at = next(i for i, (a, b) in enumerate(zip(names, sorted(names, key=int), strict=True)) if a != b)
        yield (
            f"the classes are numbers in the order of text, as torchvision sorts them: {names[at]!r} is class"
            f" {at}, and the weights name no classes to compare with"
        )
    elif all(name.isdecimal() for name in names) and int(names[0]) == 1:
        yield "the class named '1' is label 0: the names count from 1, and the weights name no classes"
    elif classes in _IMAGENET_OUTPUTS and not all(_is_synset_or_number(name) for name in names):
        yield (f"the weights name no classes: outputs are taken in the data set's order, {names[0]!r} first")


def shift_remarks(
    predicted: NDArray[np.int64], expected: NDArray[np.int64], *, classes: int
) -> tuple[str, ...]:
    """A sentence if labels that were all one lower or higher would agree with the network far better.

    `predicted` and `expected` are output numbers, one for each image. Far better: the Wilson intervals of
    the two accuracies do not overlap.
    """
    correct = wilson_interval(int((predicted == expected).sum()), len(expected))
    for shift, word in ((-1, "lower"), (1, "higher")):
        shifted = expected + shift
        if shifted.min() < 0 or shifted.max() >= classes:
            continue
        other = wilson_interval(int((predicted == shifted).sum()), len(expected))
        if other.low > correct.high:
            return (
                f"if every label were one {word}, top-1 would be {other.estimate:.1%} rather than"
                f" {correct.estimate:.1%}: the labels are probably off by one",
            )
    return ()


def _is_background(name: str) -> bool:
    return name.lower() in _BACKGROUNDS


def _is_synset_or_number(name: str) -> bool:
    return name.isdecimal() or _SYNSET.fullmatch(name) is not None
