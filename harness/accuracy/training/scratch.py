"""A new network, trained from random weights."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.accuracy.datasets import Dataset
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.training.images import require_same_classes, training_images
from harness.accuracy.training.result import Trained, finish_training, state_file
from harness.accuracy.training.sgd import Progress, Recipe, train_network
from harness.accuracy.weights import Checkpoint
from harness.records import Padding
from models.mobilenet_v1 import PUBLISHED_BN_EPS, MobileNetV1, initialize

# One or two epochs cannot overfit, so augmentation only slows learning; it helps in longer training.
AUGMENT_FROM_EPOCHS = 5


def scratch_recipe(epochs: int, *, seed: int = 0) -> Recipe:
    """The recipe for new networks; short training runs without augmentation."""
    if epochs < AUGMENT_FROM_EPOCHS:
        return Recipe(epochs=epochs, seed=seed, mirror=False, shift=0.0)
    return Recipe(epochs=epochs, seed=seed)


def train_from_scratch(
    training: Dataset,
    test: Dataset,
    file: Path,
    *,
    width: float,
    resolution_px: int,
    recipe: Recipe,
    padding: Padding = "symmetric",
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train a new network and save it; the same call resumes an interrupted training.

    Raises:
        UsageError: the data sets have different classes, or the state beside `file` is of another training.
    """
    require_same_classes(training, test)
    preprocessing = Preprocessing(resolution_px=resolution_px)
    network = MobileNetV1(width, classes=len(training.classes), padding=padding)
    initialize(network, recipe.seed)
    images, unreadable = training_images(training, preprocessing)
    train_network(network, images, preprocessing, recipe, save_to=state_file(file), progress=progress)
    history = {
        "dataset": training.name,
        "split": training.split,
        "recipe": msgspec.json.encode(recipe).decode(),
    }
    checkpoint = Checkpoint(
        padding=padding,
        bn_eps=PUBLISHED_BN_EPS,
        activation="relu6",
        preprocessing=preprocessing,
        class_names=training.classes,
        training=history,
    )
    return finish_training(network, checkpoint, test, file, unreadable)
