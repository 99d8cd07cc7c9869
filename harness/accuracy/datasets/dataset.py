"""An opened data set of any kind, its subsets, and the comparison of its classes with those of weights."""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from harness.errors import UsageError
from harness.system.text import printable


@dataclass(frozen=True)
class Dataset:
    """Labelled pictures in a fixed order.

    `read(i)` decodes the picture called `image_names[i]` to RGB and raises `UnreadableImage`;
    `labels[i]` indexes `classes`. `content` changes whenever a picture may have changed, so that prepared
    inputs can be cached by it; it differs between machines, `identity` does not.
    """

    name: str
    split: str
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    image_names: tuple[str, ...]
    content: str
    read: Callable[[int], Image.Image]

    def __post_init__(self) -> None:
        """Raise UsageError if no accuracy can be measured on it."""
        for name in (self.name, *self.classes, *self.image_names):
            if not _is_text(name):
                raise UsageError(
                    f"{printable(self.name)} has the name {printable(name)!r}, which no file can record",
                    hint="rename the class or the picture",
                )
        if not self.labels:
            raise UsageError(f"{self.name} has no images in its {self.split} split")
        if len(self.labels) != len(self.image_names):
            raise UsageError(f"{self.name} has {len(self.image_names)} images but {len(self.labels)} labels")
        if len(self.classes) < 2:
            raise UsageError(
                f"{self.name} has a single class, {self.classes[0]!r}: every prediction would be correct",
                hint="point at the folder that holds one folder for each class",
            )
        low, high = min(self.labels), max(self.labels)
        if low < 0 or high >= len(self.classes):
            outlier = low if low < 0 else high
            raise UsageError(
                f"{self.name} has a label {outlier}, but only {len(self.classes)} classes",
                hint=_outlier_hint(low, high, len(self.classes)),
            )

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    @cached_property
    def identity(self) -> str:
        """Sha256 of class names, image names and labels in order; equal where accuracies can be paired."""
        return digest((*self.classes, *self.image_names, *map(str, self.labels)))

    def take(self, indices: Iterable[int], *, split: str | None = None) -> "Dataset":
        """A data set of the images with these indices, in this order."""
        chosen = tuple(int(index) for index in indices)
        return replace(
            self,
            split=split or self.split,
            labels=tuple(self.labels[index] for index in chosen),
            image_names=tuple(self.image_names[index] for index in chosen),
            content=digest((self.content, *map(str, chosen))),
            read=lambda position: self.read(chosen[position]),
        )


def _outlier_hint(low: int, high: int, classes: int) -> str:
    if low < 0:
        return "a label below 0 stands for no label: give a split whose images have labels"
    if low > 0 and high == classes:
        return "the labels count from 1; make them count from 0, or name a class for the label 0"
    return "give a name for each label"


def digest(parts: Iterable[str]) -> str:
    """Sha256 of a sequence of strings; their lengths are hashed too, so boundaries matter."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogateescape")
        hashed.update(len(encoded).to_bytes(8, "little") + encoded)
    return hashed.hexdigest()


def _is_text(name: str) -> bool:
    """Whether UTF-8 can encode the name, as results and checkpoints do after hours of work."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def readable_name(name: str) -> str:
    """A file's name as text that any encoding of UTF-8 takes; a byte that is not UTF-8 becomes `\\xe9`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def stratified_subset(dataset: Dataset, images: int, *, seed: int) -> Dataset:
    """About `images` images, with the proportions of classes and the order of the data set.

    The share of each class is rounded up, so that none is lost: the result may have a few images more.
    """
    if images >= len(dataset):
        return dataset
    share = images / len(dataset)
    chosen = [
        index
        for members in _shuffled_members(dataset, seed)
        for index in members[: int(np.ceil(share * len(members)))]
    ]
    return dataset.take(sorted(chosen))


def hold_out(dataset: Dataset, fraction: float, *, seed: int) -> tuple[Dataset, Dataset]:
    """Split into the rest and a stratified `fraction` held out."""
    held: set[int] = set()
    for members in _shuffled_members(dataset, seed):
        held.update(members[: max(1, round(fraction * len(members)))])
    rest = [index for index in range(len(dataset)) if index not in held]
    return dataset.take(rest), dataset.take(sorted(held), split=f"{dataset.split}, held out")


def _shuffled_members(dataset: Dataset, seed: int) -> list[list[int]]:
    """For each class that occurs, its indices in a random order."""
    labels = np.array(dataset.labels)
    order = np.random.default_rng(seed).permutation(len(labels))
    return [[int(i) for i in order[labels[order] == label]] for label in np.unique(labels)]


def match_classes(dataset: Dataset, names: tuple[str, ...]) -> None:
    """Check that the data set has the classes of the weights, in the same order.

    Raises:
        UsageError: the classes or their order are different.
    """
    if dataset.classes == names:
        return
    if sorted(dataset.classes) == sorted(names):
        here = next(i for i, (a, b) in enumerate(zip(dataset.classes, names, strict=True)) if a != b)
        raise UsageError(
            f"{dataset.name} has the classes of the weights in another order: class {here} is "
            f"{dataset.classes[here]!r} in the data set and {names[here]!r} in the weights",
            hint="open it with the class order the weights were trained with",
        )
    only_data = sorted(set(dataset.classes) - set(names))[:5]
    only_weights = sorted(set(names) - set(dataset.classes))[:5]
    raise UsageError(
        f"{dataset.name} has {len(dataset.classes)} classes, the weights have {len(names)}; "
        f"only in the data set: {only_data}, only in the weights: {only_weights}",
        hint="evaluate on the classes of the weights, or train a head for these: harness train --from",
    )
