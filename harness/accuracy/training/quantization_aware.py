"""Loaded weights trained further with int8's rounding in the forward pass, to recover int8 accuracy."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from torch import Tensor

from harness.accuracy.datasets import Dataset, match_classes
from harness.accuracy.labels import expected_outputs, resolve_class_offset
from harness.accuracy.training.fake_quantization import FakeQuantizedNetwork
from harness.accuracy.training.fine_tuning import known_resolution_px
from harness.accuracy.training.images import require_same_classes, training_images
from harness.accuracy.training.result import Trained, continued_checkpoint, finish_training, state_file
from harness.accuracy.training.sgd import Progress, Recipe, train_network
from harness.accuracy.weights import LoadedWeights
from harness.errors import UsageError


def fine_tune_for_int8(
    weights: LoadedWeights,
    training: Dataset,
    test: Dataset,
    file: Path,
    *,
    resolution_px: int | None = None,
    recipe: Recipe,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train loaded weights further with int8's rounding in the forward pass, for the same classes.

    The ranges of activations seen in training are dropped, and lowering calibrates its own. On 200 images
    neither was better (71.0 % against 70.5 %; for another network 67.0 % against 69.0 %), and an ordinary
    checkpoint has no ranges.

    Raises:
        UsageError: data sets of other classes, no known resolution, or weights without BatchNorm.
    """
    require_same_classes(training, test)
    network = weights.network()
    outputs = network.classifier.out_features
    offset = resolve_class_offset(training, classes=outputs, class_offset=weights.class_offset)
    expected_outputs(training, (), classes=outputs, class_offset=offset)
    match_classes(training, weights.class_names[offset:] or training.classes)
    if weights.batch_norm_folded:
        # Without normalization, channels of unequal scale make training diverge: tried, down to rate 0.001.
        raise UsageError(
            f"{weights.file_name} cannot be trained further: its BatchNorm is folded into the convolutions",
            hint="start from the weights that this file was converted from",
        )
    preprocessing = weights.preprocessing(known_resolution_px(weights, resolution_px))
    images, unreadable = training_images(training, preprocessing)
    fake_quantized = FakeQuantizedNetwork(network)
    # bfloat16 has 8 significant bits: too few to represent the rounding to int8's 256 steps.
    recipe = msgspec.structs.replace(recipe, mixed_precision=False)
    train_network(
        fake_quantized,
        replace(
            images,
            fetch=lambda chosen: _shift_labels(images.fetch(chosen), offset),
            identity=f"{images.identity} {weights.sha256}",
        ),
        preprocessing,
        recipe,
        save_to=state_file(file),
        progress=progress,
    )
    fake_quantized.restore()
    history = {
        "quantization_aware": "int8, weights per channel, activations per tensor",
        "recipe": msgspec.json.encode(recipe).decode(),
    }
    checkpoint = continued_checkpoint(weights, preprocessing, training, history)
    return finish_training(network, checkpoint, test, file, unreadable, class_offset=offset)


def _shift_labels(batch: tuple[Tensor, Tensor], offset: int) -> tuple[Tensor, Tensor]:
    pixels, labels = batch
    return pixels, labels + offset
