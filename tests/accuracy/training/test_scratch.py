"""A data set becomes a new network, in a checkpoint that loads again."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from harness.accuracy.batches import CHUNK_BYTES
from harness.accuracy.datasets import Dataset
from harness.accuracy.packing import pack
from harness.accuracy.preprocessing import UnreadableImage
from harness.accuracy.reference import predict_chunks
from harness.accuracy.scoring import score
from harness.accuracy.training.result import Trained
from harness.accuracy.training.scratch import scratch_recipe, train_from_scratch
from harness.accuracy.training.sgd import Progress, Recipe
from harness.accuracy.weights import load_weights
from harness.accuracy.weights.checkpoint import read_tensors
from harness.errors import UsageError


def test_a_network_trained_from_scratch_knows_more_than_chance_and_what_it_was_trained_on(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    file = tmp_path / "trained.safetensors"
    seen: list[Progress] = []
    trained = train_from_scratch(
        *splits,
        file,
        width=0.25,
        resolution_px=32,
        recipe=Recipe(epochs=5, batch_size=32, peak_learning_rate=0.1, mirror=False, shift=0),
        progress=seen.append,
    )
    assert (seen[-1].step, seen[-1].steps) == (125, 125)
    assert trained.images == 200
    assert trained.top1.low > 0.3
    loaded = load_weights(file, width=0.25, classes=10)
    assert loaded.class_names == splits[1].classes
    assert loaded.resolution_px == 32
    # What the checkpoint claims is what it does on the very bytes a device would be sent.
    preprocessing = loaded.preprocessing(32)
    chunks = pack(splits[1], preprocessing, tmp_path / "packed", chunk_bytes=CHUNK_BYTES)
    scores = score(predict_chunks(loaded.network(), chunks, preprocessing), splits[1])
    assert scores.top1 == trained.top1
    assert not file.with_suffix(".training").exists()


def _unreadable(index: int) -> Image.Image:
    raise UnreadableImage("gone")


def _stopped(index: int) -> Image.Image:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("read", "error"), [(_unreadable, UsageError), (_stopped, KeyboardInterrupt), (None, OSError)]
)
def test_a_failure_after_the_last_step_loses_no_training(
    read: Callable[[int], Image.Image] | None,
    error: type[BaseException],
    splits: tuple[Dataset, Dataset],
    tmp_path: Path,
) -> None:
    file = tmp_path / "folder" / "trained.safetensors"
    file.parent.mkdir()
    training, test = splits[0].take(range(64)), splits[1].take(range(20))
    steps: list[Progress] = []

    def train(test: Dataset) -> Trained:
        recipe = Recipe(epochs=1, batch_size=32, mirror=False, shift=0)
        return train_from_scratch(
            training, test, file, width=0.25, resolution_px=32, recipe=recipe, progress=steps.append
        )

    if read is None:
        file.mkdir()  # nothing can be saved under this name
    with pytest.raises(error):
        train(replace(test, read=read) if read else test)
    assert len(steps) == 2
    if read is None:
        file.rmdir()
    else:
        assert load_weights(file).class_names == test.classes
    trained = train(test)
    assert len(steps) == 2, "the network was trained twice"
    assert trained.images == 20
    assert "test_top1" in str(read_tensors(file)[1])
    assert list(file.parent.iterdir()) == [file]


def test_a_failed_test_names_the_checkpoint_in_its_hint(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    file = tmp_path / "trained.safetensors"
    with pytest.raises(UsageError, match="none of 200 images") as error:
        train_from_scratch(
            splits[0].take(range(64)),
            replace(splits[1], read=_unreadable),
            file,
            width=0.25,
            resolution_px=32,
            recipe=Recipe(epochs=1, batch_size=32, mirror=False, shift=0),
        )
    assert error.value.hint == f"{file} is saved without a test result; the same command repeats the test"


def test_splits_with_other_classes_are_refused(splits: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    other = Dataset("other", "test", ("a", "b"), (0, 1), ("1", "2"), "", splits[0].read)
    with pytest.raises(UsageError, match="10 classes to train, 2 to test"):
        train_from_scratch(
            splits[0], other, tmp_path / "x", width=0.25, resolution_px=32, recipe=Recipe(epochs=1)
        )


def test_short_runs_are_not_augmented() -> None:
    assert not scratch_recipe(2).mirror
    assert scratch_recipe(20).mirror
