"""How training ends: the checkpoint is written, the network tested."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.accuracy.datasets import Dataset
from harness.accuracy.loading import Unreadable, load_pixels
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.reference import predict_pixels
from harness.accuracy.scoring import score
from harness.accuracy.weights import Checkpoint, LoadedWeights, save_checkpoint
from harness.errors import HarnessError
from harness.records import Interval
from harness.system.text import printable
from models.mobilenet_v1 import MobileNetV1


@dataclass(frozen=True)
class Trained:
    """A finished checkpoint, and the top-1 accuracy of the network on the test images, by PyTorch.

    `caution` is a sentence on what went wrong, or empty.
    """

    file: Path
    top1: Interval
    images: int
    unreadable: tuple[Unreadable, ...]
    caution: str = ""


def state_file(checkpoint: Path) -> Path:
    """Where an interrupted training is resumed from; removed once the checkpoint has its test result."""
    return checkpoint.with_suffix(".training")


def continued_checkpoint(
    weights: LoadedWeights,
    preprocessing: Preprocessing,
    training: Dataset,
    history: Mapping[str, str],
) -> Checkpoint:
    """The description of a network that was trained further from `weights`; `history` says how."""
    origin = {
        "dataset": training.name,
        "split": training.split,
        "from": f"{weights.file_name} {weights.sha256}",
    }
    return Checkpoint(
        padding=weights.padding,
        bn_eps=weights.bn_eps,
        activation=weights.activation,
        preprocessing=preprocessing,
        class_names=training.classes,
        training=origin | dict(history),
    )


def finish_training(
    network: MobileNetV1,
    checkpoint: Checkpoint,
    test: Dataset,
    file: Path,
    unreadable: tuple[Unreadable, ...],
    *,
    class_offset: int = 0,
) -> Trained:
    """Write the checkpoint, test the network, and write the checkpoint again with the test result.

    The state of training is removed last: after a test that failed, the same command goes on with the test.

    Raises:
        HarnessError: the test failed; the hint names the checkpoint that was saved before.
    """
    save_checkpoint(file, network.state_dict(), checkpoint)
    try:
        predictions = predict_pixels(
            network, load_pixels(test, checkpoint.preprocessing), checkpoint.preprocessing
        )
        scores = score(predictions, test, class_offset=class_offset)
    except HarnessError as error:
        error.add_hint(
            f"{printable(str(file))} is saved without a test result; the same command repeats the test"
        )
        raise
    result = {"test_top1": f"{scores.top1.estimate:.4f}", "test_images": str(scores.images)}
    save_checkpoint(
        file,
        network.state_dict(),
        msgspec.structs.replace(checkpoint, training=checkpoint.training | result),
    )
    state_file(file).unlink(missing_ok=True)
    return Trained(file, scores.top1, scores.images, unreadable + predictions.unreadable)
