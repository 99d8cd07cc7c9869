"""The images that a network learns from: decoded once where they fit in memory."""

import torch
from torch import Tensor

from harness.accuracy.datasets import Dataset
from harness.accuracy.loading import Pixels, Unreadable, load_pixels
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.training.sgd import TrainingImages
from harness.errors import UsageError

# Decoded images beyond this are read again in each epoch instead of being kept.
KEEP_BYTES = 2 * 2**30


def require_same_classes(training: Dataset, test: Dataset) -> None:
    """Raise UsageError unless both data sets have the same classes in the same order."""
    if training.classes != test.classes:
        differing = sorted(set(training.classes) ^ set(test.classes))
        raise UsageError(
            f"{training.name} has {len(training.classes)} classes to train, {len(test.classes)} to test; "
            f"different: {', '.join(differing[:5]) or 'their order'}",
            hint="give every split the same class folders",
        )


def training_images(
    dataset: Dataset, preprocessing: Preprocessing
) -> tuple[TrainingImages, tuple[Unreadable, ...]]:
    """Decode all images once if they fit in memory, else again in every epoch.

    Also returns the images that could not be read; none are known before training when decoded every epoch.
    """
    if 3 * preprocessing.resolution_px**2 * len(dataset) <= KEEP_BYTES:
        pixels = load_pixels(dataset, preprocessing)
        return kept_images(dataset, pixels, preprocessing), pixels.unreadable

    def fetch(indices: Tensor) -> tuple[Tensor, Tensor]:
        pixels = load_pixels(dataset, preprocessing, indices.tolist())
        return torch.from_numpy(pixels.values), torch.tensor([dataset.labels[i] for i in pixels.indices])

    return TrainingImages(len(dataset), fetch, _identity(dataset, preprocessing)), ()


def kept_images(dataset: Dataset, pixels: Pixels, preprocessing: Preprocessing) -> TrainingImages:
    """Decoded images of a data set, held in memory."""
    values = torch.from_numpy(pixels.values)
    labels = torch.tensor([dataset.labels[index] for index in pixels.indices])
    return TrainingImages(
        len(labels), lambda chosen: (values[chosen], labels[chosen]), _identity(dataset, preprocessing)
    )


def _identity(dataset: Dataset, preprocessing: Preprocessing) -> str:
    return f"{dataset.identity} {preprocessing.description}"
