"""The story of `harness train`: open the images, train, test, and write a checkpoint."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.accuracy.datasets import Dataset, hold_out, name_split, open_split
from harness.accuracy.training import sgd
from harness.accuracy.training.fine_tuning import fine_tune, fine_tuning_recipe
from harness.accuracy.training.quantization_aware import fine_tune_for_int8
from harness.accuracy.training.result import Trained
from harness.accuracy.training.scratch import scratch_recipe, train_from_scratch
from harness.accuracy.weights import load_weights
from harness.errors import Interrupted
from harness.records import DEFAULT_RESOLUTION_PX, DEFAULT_WIDTH, Padding
from harness.records.progress import Event, Listener
from harness.system.text import printable

TEST_SHARE = 0.1


@dataclass(frozen=True)
class TrainingOrder:
    """What to train: a new network of this width, or `start` with a new classifier or for int8."""

    dataset: str
    out: Path
    width: float | None
    resolution_px: int | None
    epochs: int
    start: Path | None
    freeze_backbone: bool
    quantization_aware: bool
    padding: Padding
    seed: int


def train(order: TrainingOrder, listen: Listener) -> Trained:
    """Train as ordered; the same order resumes an interrupted training.

    Raises:
        UsageError: the weights or images cannot be used, or do not fit each other or the order.
        Interrupted: Ctrl-C; the state of training is saved beside the checkpoint.
    """
    # Weights first: checking them takes a moment, opening images may take long.
    weights = load_weights(order.start, width=order.width) if order.start else None
    if weights:
        for remark in weights.remarks:
            listen(Event("training", f"{weights.file_name}: {remark}"))
    training, test = open_splits(order.dataset, seed=order.seed)
    progress = _report_progress(listen)
    listen(Event("training", f"{len(training)} images to train on, {len(test)} to test on"))
    if min(training.labels) > 0:
        remark = f"no image has the label 0, which stands for {training.classes[0]!r}"
        listen(Event("training", printable(f"{training.name}: {remark}")))
    order.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        if weights is None:
            return train_from_scratch(
                training,
                test,
                order.out,
                width=order.width or DEFAULT_WIDTH,
                resolution_px=order.resolution_px or DEFAULT_RESOLUTION_PX,
                recipe=scratch_recipe(order.epochs, seed=order.seed),
                padding=order.padding,
                progress=progress,
            )
        if order.quantization_aware:
            return fine_tune_for_int8(
                weights,
                training,
                test,
                order.out,
                resolution_px=order.resolution_px,
                recipe=fine_tuning_recipe(order.epochs, seed=order.seed),
                progress=progress,
            )
        return fine_tune(
            weights,
            training,
            test,
            order.out,
            resolution_px=order.resolution_px,
            recipe=None if order.freeze_backbone else fine_tuning_recipe(order.epochs, seed=order.seed),
            progress=progress,
            listen=listen,
        )
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="the same command resumes from the last saved state") from None


def open_splits(dataset: str, *, seed: int) -> tuple[Dataset, Dataset]:
    """The images to train on and those to test on: never the same images."""
    name, split = name_split(dataset)
    training = open_split(dataset, default="train")
    if not split:
        test = open_split(name)
        if test.content != training.content:
            return training, test
    return hold_out(training, TEST_SHARE, seed=seed)


def _report_progress(listen: Listener) -> Callable[[sgd.Progress], None]:
    """An event for each step, for the progress bar; one for each epoch, with its mean loss, for the log."""
    losses: list[float] = []
    epoch = 0

    def report_epoch() -> None:
        mean = math.fsum(losses) / len(losses)
        listen(Event("training", f"epoch {epoch + 1}: mean loss {mean:.3f}"))
        losses.clear()

    def log(progress: sgd.Progress) -> None:
        nonlocal epoch
        if losses and progress.epoch != epoch:
            report_epoch()
        epoch = progress.epoch
        losses.append(progress.loss)
        text = f"epoch {epoch + 1}, loss {progress.loss:.3f}"
        listen(Event("training", text, step=progress.step, steps=progress.steps))
        if progress.step == progress.steps:
            report_epoch()

    return log
