"""From a data set to a checkpoint that can be lowered and evaluated: from scratch, or from other weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from harness.accuracy.datasets import Dataset, hold_out, match_classes
from harness.accuracy.loading import Pixels, Unreadable, load_pixels
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.reference import predict_pixels
from harness.accuracy.scoring import expected_outputs, score
from harness.accuracy.training.fake_quantization import RoundingNetwork
from harness.accuracy.training.head import choose_head, extract_features
from harness.accuracy.training.sgd import Progress, Recipe, TrainingImages, train
from harness.accuracy.weights import Checkpoint, LoadedWeights, save_checkpoint
from harness.errors import UsageError
from harness.records import Interval, Padding
from models.mobilenet_v1 import PUBLISHED_BN_EPS, MobileNetV1, initialize

# Decoded images beyond this are read anew in each epoch instead of being kept.
KEEP_BYTES = 2 * 2**30
# A pass or two cannot overfit, so augmentation only blurs what is learnt; later it is what helps.
AUGMENT_FROM_EPOCHS = 5
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Trained:
    """A finished checkpoint and how the eager network does on the test images."""

    file: Path
    top1: Interval
    images: int
    unreadable: tuple[Unreadable, ...]


def scratch_recipe(epochs: int, *, seed: int = 0) -> Recipe:
    """The recipe for new networks, its augmentation chosen by how long it runs."""
    if epochs < AUGMENT_FROM_EPOCHS:
        return Recipe(epochs=epochs, seed=seed, mirror=False, shift=0.0)
    return Recipe(epochs=epochs, seed=seed)


def fine_tuning_recipe(epochs: int, *, seed: int = 0) -> Recipe:
    """The recipe for a network that already knows: a twentieth of the learning rate."""
    return msgspec.structs.replace(scratch_recipe(epochs, seed=seed), peak_learning_rate=0.01)


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
    """Train a new network and save it; begun again after an interruption, it goes on where it was.

    Raises:
        UsageError: the two data sets have different classes, or another run's state lies beside `file`.
    """
    require_same_classes(training, test)
    preprocessing = Preprocessing(resolution_px=resolution_px)
    network = MobileNetV1(width, classes=len(training.classes), padding=padding)
    initialize(network, recipe.seed)
    images, unreadable = training_images(training, preprocessing)
    train(network, images, preprocessing, recipe, save_to=_state_file(file), progress=progress)
    notes = {
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
        training=notes,
    )
    return _finish(network, checkpoint, test, file, unreadable)


def fine_tune(
    weights: LoadedWeights,
    training: Dataset,
    test: Dataset,
    file: Path,
    *,
    validation: Dataset | None = None,
    resolution_px: int | None = None,
    recipe: Recipe | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Give loaded weights a head for these classes; with a recipe, then train the whole network as well.

    The head's penalty is chosen on `validation` (default: a tenth of the training images).

    Raises:
        UsageError: the data sets have different classes, or no resolution is known.
    """
    require_same_classes(training, test)
    side = _known_side(weights, resolution_px)
    # The whole picture: cropping to the central 87.5 % is ImageNet's protocol, not a property of weights.
    preprocessing = msgspec.structs.replace(weights.preprocessing(side), crop_fraction=1.0)
    network = weights.network(new_classes=len(training.classes))
    if validation is None:
        training, validation = hold_out(training, VALIDATION_SHARE, seed=recipe.seed if recipe else 0)
    known = load_pixels(training, preprocessing)
    held = load_pixels(validation, preprocessing)
    head = choose_head(
        extract_features(network, known, training.labels, preprocessing),
        extract_features(network, held, validation.labels, preprocessing),
        len(training.classes),
    )
    network.classifier.load_state_dict(head.classifier.state_dict())
    notes = {
        "dataset": training.name,
        "split": training.split,
        "from": f"{weights.file_name} {weights.sha256}",
    }
    notes["head"] = f"logistic regression, L2 {head.penalty:g}, validation top-1 {head.validation_top1:.4f}"
    if recipe is not None:
        notes["recipe"] = msgspec.json.encode(recipe).decode()
        images = _kept_images(training, known, preprocessing)
        train(
            network,
            images,
            preprocessing,
            recipe,
            save_to=_state_file(file),
            freeze_batch_norm=weights.batch_norm_folded,
            progress=progress,
        )
    checkpoint = Checkpoint(
        padding=weights.padding,
        bn_eps=weights.bn_eps,
        activation=weights.activation,
        preprocessing=preprocessing,
        class_names=training.classes,
        training=notes,
    )
    return _finish(network, checkpoint, test, file, known.unreadable + held.unreadable)


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
    """Train loaded weights on with int8's roundings in the forward pass, for the same classes.

    The ranges it trains with are dropped and lowering takes its own: on 200 images neither did better (71.0 %
    against 70.5 %; for another network 67.0 % against 69.0 %), and an ordinary checkpoint has no ranges.

    Raises:
        UsageError: data sets of other classes, no known resolution, or weights without BatchNorm.
    """
    require_same_classes(training, test)
    offset = weights.class_offset
    network = weights.network()
    expected_outputs(training, (), classes=network.classifier.out_features, class_offset=offset)
    match_classes(training, weights.class_names or training.classes)
    if weights.batch_norm_folded:
        # Without normalization, channels of unequal scale make training diverge: tried, down to rate 0.001.
        raise UsageError(
            f"{weights.file_name} has its BatchNorm folded into the convolutions: it cannot be trained on",
            hint="start from the weights it was converted from",
        )
    preprocessing = weights.preprocessing(_known_side(weights, resolution_px))
    images, unreadable = training_images(training, preprocessing)
    rounding = RoundingNetwork(network)
    # Of bfloat16's 8 significant bits little would be left to round.
    recipe = msgspec.structs.replace(recipe, mixed_precision=False)
    train(
        rounding,
        replace(
            images,
            fetch=lambda chosen: _shift_labels(images.fetch(chosen), offset),
            identity=f"{images.identity} {weights.sha256}",
        ),
        preprocessing,
        recipe,
        save_to=_state_file(file),
        progress=progress,
    )
    rounding.restore()
    checkpoint = Checkpoint(
        padding=weights.padding,
        bn_eps=weights.bn_eps,
        activation=weights.activation,
        preprocessing=preprocessing,
        class_names=training.classes,
        training={
            "dataset": training.name,
            "split": training.split,
            "from": f"{weights.file_name} {weights.sha256}",
            "quantization_aware": "int8, weights per channel, activations per tensor",
            "recipe": msgspec.json.encode(recipe).decode(),
        },
    )
    return _finish(network, checkpoint, test, file, unreadable, class_offset=offset)


def _shift_labels(batch: tuple[Tensor, Tensor], offset: int) -> tuple[Tensor, Tensor]:
    pixels, labels = batch
    return pixels, labels + offset


def _known_side(weights: LoadedWeights, asked_px: int | None) -> int:
    side = asked_px or weights.resolution_px
    if side is None:
        raise UsageError(
            f"{weights.file_name} does not say its resolution", hint="name one with --resolution"
        )
    return side


def require_same_classes(training: Dataset, test: Dataset) -> None:
    """Raise UsageError unless a label means the same in both."""
    if training.classes != test.classes:
        differing = sorted(set(training.classes) ^ set(test.classes))
        raise UsageError(
            f"{training.name} has {len(training.classes)} classes to train, {len(test.classes)} to test; "
            f"differing: {', '.join(differing[:5]) or 'their order'}",
            hint="give every split the same class folders",
        )


def training_images(
    dataset: Dataset, preprocessing: Preprocessing
) -> tuple[TrainingImages, tuple[Unreadable, ...]]:
    """Decode everything once where it fits in memory, else anew in every epoch."""
    if 3 * preprocessing.resolution_px**2 * len(dataset) <= KEEP_BYTES:
        pixels = load_pixels(dataset, preprocessing)
        return _kept_images(dataset, pixels, preprocessing), pixels.unreadable

    def fetch(indices: Tensor) -> tuple[Tensor, Tensor]:
        pixels = load_pixels(dataset, preprocessing, indices.tolist())
        return torch.from_numpy(pixels.values), torch.tensor([dataset.labels[i] for i in pixels.indices])

    return TrainingImages(len(dataset), fetch, _identity(dataset, preprocessing)), ()


def _kept_images(dataset: Dataset, pixels: Pixels, preprocessing: Preprocessing) -> TrainingImages:
    values = torch.from_numpy(pixels.values)
    labels = torch.tensor([dataset.labels[index] for index in pixels.indices])
    return TrainingImages(
        len(labels), lambda chosen: (values[chosen], labels[chosen]), _identity(dataset, preprocessing)
    )


def _identity(dataset: Dataset, preprocessing: Preprocessing) -> str:
    return f"{dataset.identity} {preprocessing.description}"


def _state_file(file: Path) -> Path:
    return file.with_suffix(".training")


def _finish(
    network: MobileNetV1,
    checkpoint: Checkpoint,
    test: Dataset,
    file: Path,
    unreadable: tuple[Unreadable, ...],
    *,
    class_offset: int = 0,
) -> Trained:
    """Test the network and write its checkpoint, with the result inside."""
    predictions = predict_pixels(
        network, load_pixels(test, checkpoint.preprocessing), checkpoint.preprocessing
    )
    scores = score(predictions, test, class_offset=class_offset)
    result = {"test_top1": f"{scores.top1.estimate:.4f}", "test_images": str(scores.images)}
    save_checkpoint(
        file,
        network.state_dict(),
        msgspec.structs.replace(checkpoint, training=checkpoint.training | result),
    )
    return Trained(file, scores.top1, scores.images, unreadable + predictions.unreadable)
