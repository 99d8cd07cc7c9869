"""Training learns, repeats exactly, and resumes after an interruption with the same result."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.accuracy.preprocessing import Preprocessing, normalize, torchvision_preprocessing
from harness.accuracy.training import sgd
from harness.accuracy.training.sgd import Progress, Recipe, TrainingImages, learning_rate, train_network
from harness.errors import UsageError
from models.mobilenet_v1 import MobileNetV1, initialize
from weight_files import batch_norm, statistics

SIDE = 32
PREPROCESSING = Preprocessing(resolution_px=SIDE)
RECIPE = Recipe(epochs=3, batch_size=16, peak_learning_rate=0.1, seed=5)


def _striped_images(count: int = 64) -> TrainingImages:
    """Two classes: horizontal and vertical stripes with noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    stripes = (torch.arange(SIDE) // 4 % 2 * 120).expand(SIDE, SIDE)
    values = torch.where(labels[:, None, None].bool(), stripes, stripes.T)
    noise = torch.randint(0, 100, (count, SIDE, SIDE), generator=generator)
    pixels = (values + noise).clamp(0, 255).to(torch.uint8)[..., None].repeat(1, 1, 1, 3)
    return TrainingImages(count, lambda chosen: (pixels[chosen], labels[chosen]), "stripes")


def _network(seed: int = 0) -> MobileNetV1:
    network = MobileNetV1(0.25, classes=2)
    initialize(network, seed)
    return network


def _parameters(network: nn.Module) -> Tensor:
    return torch.cat([value.flatten().float() for value in network.state_dict().values()])


class Interrupted(Exception):
    """Stands for Ctrl-C."""


def test_training_learns_to_separate_the_classes() -> None:
    network, images = _network(), _striped_images()
    losses: list[float] = []
    recipe = Recipe(epochs=20, batch_size=16, peak_learning_rate=0.1, mirror=False, shift=0)
    train_network(network, images, PREPROCESSING, recipe, progress=lambda step: losses.append(step.loss))
    pixels, labels = images.fetch(torch.arange(64))
    with torch.no_grad():
        predicted = network(torch.from_numpy(normalize(pixels.numpy(), PREPROCESSING)).permute(0, 3, 1, 2))
    assert not network.training
    assert (predicted.argmax(1) == labels).float().mean() > 0.95
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])


def test_the_same_seed_gives_the_same_network_and_another_another() -> None:
    runs = []
    for seed in (5, 5, 6):
        network = _network()
        train_network(network, _striped_images(), PREPROCESSING, Recipe(epochs=1, batch_size=16, seed=seed))
        runs.append(_parameters(network))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_an_interrupted_training_ends_like_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sgd, "SECONDS_BETWEEN_SAVES", 0)
    uninterrupted = _network()
    train_network(uninterrupted, _striped_images(), PREPROCESSING, RECIPE)
    state = tmp_path / "run.training"

    def interrupt(progress: Progress) -> None:
        if progress.step == 6:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_network(_network(), _striped_images(), PREPROCESSING, RECIPE, save_to=state, progress=interrupt)
    assert state.exists()
    steps: list[int] = []
    resumed = _network(seed=9)
    train_network(
        resumed,
        _striped_images(),
        PREPROCESSING,
        RECIPE,
        save_to=state,
        progress=lambda progress: steps.append(progress.step),
    )
    assert steps == list(range(6, 13))
    assert torch.equal(_parameters(resumed), _parameters(uninterrupted))
    # The last step is kept for the caller, who may fail to save the network.
    again: list[Progress] = []
    restored = _network(seed=9)
    train_network(restored, _striped_images(), PREPROCESSING, RECIPE, save_to=state, progress=again.append)
    assert again == []
    assert torch.equal(_parameters(restored), _parameters(uninterrupted))


def test_another_recipe_does_not_resume_a_saved_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sgd, "SECONDS_BETWEEN_SAVES", 0)
    state = tmp_path / "run.training"

    def interrupt(progress: Progress) -> None:
        if progress.step == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_network(_network(), _striped_images(), PREPROCESSING, RECIPE, save_to=state, progress=interrupt)
    other = Recipe(epochs=4, batch_size=16)
    with pytest.raises(UsageError, match="another recipe or other images"):
        train_network(_network(), _striped_images(), PREPROCESSING, other, save_to=state)


def test_frozen_batch_norm_keeps_its_statistics() -> None:
    network = _network()
    recipe = Recipe(epochs=1, batch_size=16)
    mean, _ = statistics(batch_norm(network.stem))
    before = mean.clone()
    train_network(network, _striped_images(), PREPROCESSING, recipe, freeze_batch_norm=True)
    assert torch.equal(mean, before)
    train_network(network, _striped_images(), PREPROCESSING, recipe)
    assert not torch.equal(mean, before)


def test_the_learning_rate_runs_through_one_cycle() -> None:
    rates = [learning_rate(step, 100, 0.4) for step in range(100)]
    assert rates[0] == pytest.approx(0.4 / 25)
    assert max(rates) == rates[30] == pytest.approx(0.4)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] < 0.001


def test_augmentation_moves_and_mirrors_but_invents_no_pixels() -> None:
    pixels = torch.arange(16 * 16, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(40, 1, 1, 3)
    recipe = Recipe(epochs=1, shift=0.125, mirror=True)
    moved = sgd._augment(pixels, recipe, torch.Generator().manual_seed(0))
    assert moved.shape == pixels.shape
    assert len({bytes(image.numpy().tobytes()) for image in moved}) > 20
    mirrored = moved[:, 8, 8, 0] > moved[:, 8, 9, 0]
    assert 10 < int(mirrored.sum()) < 30
    still = sgd._augment(pixels, Recipe(epochs=1, shift=0, mirror=False), torch.Generator())
    assert torch.equal(still, pixels)


def test_training_scales_pixels_as_evaluation_does() -> None:
    pixels = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    for preprocessing in (
        PREPROCESSING,
        torchvision_preprocessing(SIDE),
        Preprocessing(resolution_px=8, colour="bgr"),
    ):
        expected = torch.from_numpy(normalize(pixels.numpy(), preprocessing)).permute(0, 3, 1, 2)
        assert torch.allclose(sgd._scale(pixels, preprocessing), expected, atol=1e-6)
