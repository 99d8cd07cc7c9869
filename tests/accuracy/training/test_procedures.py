"""A data set becomes a checkpoint that loads again, from scratch or from other weights."""

from pathlib import Path

import pytest
import torch

from harness.accuracy.batches import CHUNK_BYTES
from harness.accuracy.datasets import Dataset, open_dataset
from harness.accuracy.datasets.dataset import stratified_subset
from harness.accuracy.packing import pack
from harness.accuracy.preprocessing import Preprocessing
from harness.accuracy.reference import predict_chunks
from harness.accuracy.scoring import score
from harness.accuracy.training import procedures
from harness.accuracy.training.head import Features, choose_head
from harness.accuracy.training.procedures import fine_tune, scratch_recipe, train_from_scratch
from harness.accuracy.training.sgd import Progress, Recipe
from harness.accuracy.weights import load_weights
from harness.errors import UsageError
from weight_files import tflite_model, trained_network

SHIPPED = f"idx:{Path(__file__).parents[2] / 'data' / 'fashion-mnist-1k'}"


@pytest.fixture(scope="module")
def splits() -> tuple[Dataset, Dataset]:
    """Images of the shipped subset to train and to test on."""
    dataset = open_dataset(SHIPPED)
    return dataset.take(range(800)), dataset.take(range(800, 1000))


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


def test_a_head_on_a_frozen_backbone_leaves_the_backbone_as_it_is(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    (tmp_path / "backbone.tflite").write_bytes(tflite_model(trained_network(), resolution_px=32))
    backbone = load_weights(tmp_path / "backbone.tflite")
    trained = fine_tune(backbone, *splits, tmp_path / "head.safetensors")
    assert trained.top1.low > 0.3  # Even random features tell a boot from a shirt.
    loaded = load_weights(trained.file)
    assert (loaded.padding, loaded.classes) == ("tf_same", 10)
    for name, value in backbone.state.items():
        if not name.startswith("classifier"):
            assert torch.equal(loaded.state[name], value), name


def test_fine_tuning_changes_the_backbone_but_not_folded_statistics(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    (tmp_path / "backbone.tflite").write_bytes(tflite_model(trained_network(), resolution_px=32))
    backbone = load_weights(tmp_path / "backbone.tflite")
    recipe = Recipe(epochs=1, batch_size=64, peak_learning_rate=0.01)
    trained = fine_tune(backbone, *splits, tmp_path / "tuned.safetensors", recipe=recipe)
    loaded = load_weights(trained.file)
    assert not torch.equal(loaded.state["stem.conv.weight"], backbone.state["stem.conv.weight"])
    assert torch.equal(loaded.state["stem.norm.running_mean"], backbone.state["stem.norm.running_mean"])


def test_splits_with_other_classes_are_refused(splits: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    other = Dataset("other", "test", ("a", "b"), (0, 1), ("1", "2"), "", splits[0].read)
    with pytest.raises(UsageError, match="10 classes to train, 2 to test"):
        train_from_scratch(
            splits[0], other, tmp_path / "x", width=0.25, resolution_px=32, recipe=Recipe(epochs=1)
        )


def test_images_too_many_to_keep_are_decoded_in_every_epoch(
    splits: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocessing = Preprocessing(resolution_px=32)
    kept, _ = procedures.training_images(splits[0], preprocessing)
    monkeypatch.setattr(procedures, "KEEP_BYTES", 0)
    streamed, _ = procedures.training_images(splits[0], preprocessing)
    chosen = torch.tensor([7, 3, 399])
    for one, other in zip(kept.fetch(chosen), streamed.fetch(chosen), strict=True):
        assert torch.equal(one, other)
    assert kept.identity == streamed.identity


def test_short_runs_are_not_augmented() -> None:
    assert not scratch_recipe(2).mirror
    assert scratch_recipe(20).mirror


def test_the_head_is_chosen_on_held_out_images_and_not_by_the_training_fit() -> None:
    generator = torch.Generator().manual_seed(0)
    # Two informative channels drowned in noise: a light penalty fits the noise.
    labels = torch.arange(120) % 2
    noise = torch.randn(120, 60, generator=generator)
    noise[:, :2] += 1.2 * labels[:, None]
    train_half, held = Features(noise[:60], labels[:60]), Features(noise[60:], labels[60:])
    head = choose_head(train_half, held, 2)
    assert head.penalty >= 1e-2
    assert head.validation_top1 > 0.6


def test_the_fitted_head_is_at_the_optimum() -> None:
    dataset = stratified_subset(open_dataset(SHIPPED), 200, seed=0)
    generator = torch.Generator().manual_seed(1)
    features = Features(
        torch.randn(len(dataset), 5, generator=generator) * 3 + 1, torch.tensor(dataset.labels) % 3
    )
    head = choose_head(features, features, 3)
    spread = features.values.std(0)
    weight = head.classifier.weight.clone().requires_grad_(True)
    bias = head.classifier.bias.clone().requires_grad_(True)
    loss = torch.nn.functional.cross_entropy(features.values @ weight.T + bias, features.labels)
    loss = loss + head.penalty * (weight * spread).square().sum() / 2
    gradients = torch.autograd.grad(loss, (weight, bias))
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-3
