"""Loaded weights with a new classifier, for other classes; optionally all layers are trained as well."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from harness.accuracy.datasets import Dataset, hold_out
from harness.accuracy.loading import load_pixels
from harness.accuracy.training.head import choose_head, extract_features, top1_of
from harness.accuracy.training.images import kept_images, require_same_classes
from harness.accuracy.training.result import Trained, continued_checkpoint, finish_training, state_file
from harness.accuracy.training.scratch import scratch_recipe
from harness.accuracy.training.sgd import Progress, Recipe, train_network
from harness.accuracy.weights import LoadedWeights
from harness.errors import UsageError
from harness.records.progress import Event, Listener

VALIDATION_SHARE = 0.1


def fine_tuning_recipe(epochs: int, *, seed: int = 0) -> Recipe:
    """The recipe for trained weights: a twentieth of the learning rate of new networks."""
    return msgspec.structs.replace(scratch_recipe(epochs, seed=seed), peak_learning_rate=0.01)


def fine_tune(
    weights: LoadedWeights,
    training: Dataset,
    test: Dataset,
    file: Path,
    *,
    resolution_px: int | None = None,
    recipe: Recipe | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
    listen: Listener = lambda event: None,
) -> Trained:
    """Give loaded weights a head for these classes; with a recipe, train all layers afterwards.

    A tenth of the training images is held out, and the head's penalty chosen on them. `listen` gets the
    progress of the head, `progress` that of training all layers.

    Raises:
        UsageError: the data sets have different classes, or no resolution is known.
    """
    require_same_classes(training, test)
    side = known_resolution_px(weights, resolution_px)
    # The whole picture: cropping to the central 87.5 % is ImageNet's protocol, not a property of weights.
    preprocessing = msgspec.structs.replace(weights.preprocessing(side), crop_fraction=1.0)
    network = weights.network(new_classes=len(training.classes))
    training, validation = hold_out(training, VALIDATION_SHARE, seed=recipe.seed if recipe else 0)
    known = load_pixels(training, preprocessing)
    held = load_pixels(validation, preprocessing)

    def counted(text: str) -> Callable[[int, int], None]:
        return lambda done, of: listen(Event("training", text, step=done, steps=of))

    head = choose_head(
        extract_features(network, known, training.labels, preprocessing, counted("the backbone's features")),
        extract_features(network, held, validation.labels, preprocessing),
        len(training.classes),
        counted("the classifier, with each penalty"),
    )
    network.classifier.load_state_dict(head.classifier.state_dict())
    caution = ""
    history = {
        "head": f"logistic regression, L2 {head.penalty:g}, validation top-1 {head.validation_top1:.4f}"
    }
    if recipe is not None:
        history["recipe"] = msgspec.json.encode(recipe).decode()
        images = kept_images(training, known, preprocessing)
        train_network(
            network,
            images,
            preprocessing,
            recipe,
            save_to=state_file(file),
            freeze_batch_norm=weights.batch_norm_folded,
            progress=progress,
        )
        reached = top1_of(
            network.classifier, extract_features(network, held, validation.labels, preprocessing)
        )
        caution = _caution_if_worse(head.validation_top1, reached, len(held.values))
    checkpoint = continued_checkpoint(weights, preprocessing, training, history)
    trained = finish_training(network, checkpoint, test, file, known.unreadable + held.unreadable)
    return replace(trained, caution=caution)


def _caution_if_worse(before: float, after: float, images: int) -> str:
    """A sentence where training all layers lost more on the held-out images than chance does (two sigma)."""
    if after >= before - 2 * math.sqrt(before * (1 - before) / images):
        return ""
    return (
        f"training all layers lowered top-1 from {before:.1%}, with the new classifier alone, to {after:.1%}"
        f" of {images} held-out images; train the classifier alone with --freeze-backbone"
    )


def known_resolution_px(weights: LoadedWeights, asked_px: int | None) -> int:
    """The resolution asked for, else that of the weights; raises UsageError if neither is known."""
    side = asked_px or weights.resolution_px
    if side is None:
        raise UsageError(
            f"{weights.file_name} does not record its resolution", hint="give it with --resolution"
        )
    return side
