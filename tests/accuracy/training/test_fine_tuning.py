"""Loaded weights get a new head, and all layers are trained when asked for."""

from pathlib import Path

import torch

from harness.accuracy.datasets import Dataset
from harness.accuracy.training.fine_tuning import fine_tune
from harness.accuracy.training.sgd import Recipe
from harness.accuracy.weights import LoadedWeights, load_weights
from harness.records.progress import Event
from tflite_files import tflite_model
from weight_files import trained_network


def folded_backbone(folder: Path) -> LoadedWeights:
    (folder / "backbone.tflite").write_bytes(tflite_model(trained_network(), resolution_px=32))
    return load_weights(folder / "backbone.tflite")


def test_a_head_on_a_frozen_backbone_leaves_the_backbone_as_it_is(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    backbone = folded_backbone(tmp_path)
    events: list[Event] = []
    trained = fine_tune(backbone, *splits, tmp_path / "head.safetensors", listen=events.append)
    # It takes minutes of a large network, and is reported as it goes.
    assert {event.text.partition(",")[0] for event in events} == {"the backbone's features", "the classifier"}
    assert all(0 <= event.step < event.steps for event in events)
    assert [event.step for event in events if event.text.startswith("the classifier")] == list(range(8))
    assert trained.top1.low > 0.3  # Even random features separate boots from shirts.
    loaded = load_weights(trained.file)
    assert (loaded.padding, loaded.classes) == ("tf_same", 10)
    # So that nobody trains it with statistics that no image gave: int8's rounding made it forget all.
    assert loaded.batch_norm_folded
    for name, value in backbone.state.items():
        if not name.startswith("classifier"):
            assert torch.equal(loaded.state[name], value), name


def test_fine_tuning_changes_the_backbone_but_not_folded_statistics(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    backbone = folded_backbone(tmp_path)
    recipe = Recipe(epochs=1, batch_size=64, peak_learning_rate=0.01)
    trained = fine_tune(backbone, *splits, tmp_path / "tuned.safetensors", recipe=recipe)
    loaded = load_weights(trained.file)
    assert not torch.equal(loaded.state["stem.conv.weight"], backbone.state["stem.conv.weight"])
    assert torch.equal(loaded.state["stem.norm.running_mean"], backbone.state["stem.norm.running_mean"])


def test_training_that_loses_what_the_classifier_alone_had_is_cautioned_of(
    splits: tuple[Dataset, Dataset], tmp_path: Path
) -> None:
    backbone = folded_backbone(tmp_path)
    forgetful = Recipe(epochs=1, batch_size=64, peak_learning_rate=1.0)
    trained = fine_tune(backbone, *splits, tmp_path / "worse.safetensors", recipe=forgetful)
    assert trained.caution.startswith("training all layers lowered top-1 from ")
    assert trained.caution.endswith("train the classifier alone with --freeze-backbone")
    assert fine_tune(backbone, *splits, tmp_path / "head.safetensors").caution == ""
